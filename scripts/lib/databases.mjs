/**
 * The D1 databases of a deployment: DB, and where tenants are to be spread over several, DB_1 and so on. Which there are says
 * wrangler.toml, and nothing else: a deployment that forgot one would not find its tenants.
 * @module
 */

import { readFile, writeFile } from "node:fs/promises";
import { inProject } from "./project.mjs";
import { Trouble } from "./terminal.mjs";

const FILE = inProject("wrangler.toml");
/** Each costs a query where a key or a link does not say whose it is. */
const MOST = 16;

/** The blocks of an environment's databases; `""`: the top level's. */
function blocksIn(text, environment) {
  const table = environment === "" ? "d1_databases" : `env.${environment}.d1_databases`;
  const head = `[[${table}]]\n`;
  return { head, blocks: text.split(/(?=^\[)/m).filter((block) => block.startsWith(head)) };
}

const said = (block, name) => new RegExp(`^${name} *= *"([^"]*)"`, "m").exec(block)?.[1] ?? "";

/**
 * The databases that a configuration names, in the order of their numbers.
 *
 * @param {string} text of wrangler.toml
 * @param {string} environment
 * @returns {{ binding: string, name: string }[]}
 */
export function databasesIn(text, environment) {
  const { blocks } = blocksIn(text, environment);
  const all = blocks.map((block) => ({ binding: said(block, "binding"), name: said(block, "database_name") }));
  const ours = all.filter(({ binding }) => /^DB(?:_[1-9]\d*)?$/.test(binding));
  const number = ({ binding }) => Number(binding.slice(3));
  return ours.toSorted((a, b) => number(a) - number(b));
}

/**
 * A configuration with so many databases; those that it names stay as they are.
 *
 * @param {string} text of wrangler.toml
 * @param {string} environment
 * @param {number} count
 * @throws {Trouble} when it has more already: the tenants of one that is taken away would be out of reach
 */
export function withDatabases(text, environment, count) {
  const there = databasesIn(text, environment);
  if (there.length > count) {
    throw new Trouble(`There are ${there.length} databases, and tenants may be in each of them.`, {
      remedy: [`--databases ${there.length} leaves it at that.`],
      exitCode: 2,
    });
  }
  const { head, blocks } = blocksIn(text, environment);
  const last = blocks.at(-1);
  const first = there[0];
  if (last === undefined || first === undefined) throw new Trouble("wrangler.toml names no database DB.");
  const directory = said(last, "migrations_dir");
  let added = "";
  for (let n = there.length; n < count; n++) {
    added += `\n${head}binding = "DB_${n}"\ndatabase_name = "${first.name}-${n}"\nmigrations_dir = "${directory}"\n`;
  }
  // What stands behind its last line is said of what follows.
  const block = /^.*(?:\n.+)*\n/.exec(last)?.[0] ?? last;
  return text.replace(block, () => block + added);
}

/** The databases of an environment, as wrangler.toml names them. */
export async function databasesOf(environment) {
  return databasesIn(await readFile(FILE, "utf8"), environment);
}

/**
 * Has wrangler.toml name so many databases for an environment.
 *
 * @param {string} environment
 * @param {string} count as it is typed
 * @param {boolean} isRehearsal nothing is written
 * @throws {Trouble} when that is no number that can be, or there are more
 */
export async function nameDatabases(environment, count, isRehearsal) {
  if (!/^[1-9]\d?$/.test(count) || Number(count) > MOST) {
    throw new Trouble(`--databases is "${count}"; it is a number from 1 to ${MOST}.`, { exitCode: 2 });
  }
  const before = await readFile(FILE, "utf8");
  const after = withDatabases(before, environment, Number(count));
  if (after !== before && !isRehearsal) await writeFile(FILE, after);
}
