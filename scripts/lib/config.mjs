/**
 * What wrangler.toml says of one environment, as wrangler reads it. Run by itself it prints that as JSON, since wrangler
 * needs a newer Node than the one that may have started us.
 * @module
 */

import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { runGuarded } from "./child.mjs";
import { nodePath } from "./install.mjs";
import { inProject, ROOT } from "./project.mjs";
import { plain, Trouble } from "./terminal.mjs";

const FILE = inProject("wrangler.toml");

/**
 * Reads it.
 *
 * @param {string} environment "" for the top level
 * @returns {Promise<{ worker: string, database: string, queues: string[], pairs: number }>} `pairs`: of queues of deliveries
 * @throws {Trouble} when there is no such environment, the file is wrong, or its queues are not whole
 */
export async function readConfig(environment) {
  const { faults, ...config } = await ask(environment);
  if (faults.length === 0) return config;
  throw new Trouble("The queues in wrangler.toml are not whole, and nothing was deployed.", {
    remedy: [
      ...faults,
      "A pair is two producers and two consumers; `npm run deploy -- --queues N` writes all of them.",
    ],
    exitCode: 2,
  });
}

/**
 * Writes more pairs of queues into it.
 *
 * @param {string} environment
 * @param {number} pairs how many there shall be
 * @returns {ReturnType<typeof readConfig>} what it says then
 * @throws {Trouble} when there are more already, or the file does not take them
 */
export async function writeQueues(environment, pairs) {
  const before = await readConfig(environment);
  if (before.pairs === pairs) return before;
  if (before.pairs > pairs) {
    throw new Trouble(
      `There are ${before.pairs} pairs of queues, and messages may be under way in each: fewer are not made.`,
      { remedy: ["To take some away by hand, see `docs/operate#more-queues`."], exitCode: 2 },
    );
  }
  const text = await readFile(FILE, "utf8");
  const { text: written } = await ask(environment, String(pairs));
  if (written === null) {
    throw new Trouble("wrangler.toml does not take more queues.", {
      remedy: ["Write each of its queues as a block [[queues.producers]] or [[queues.consumers]], as the file came."],
      exitCode: 2,
    });
  }
  await writeFile(FILE, written);
  const after = await readConfig(environment);
  if (after.pairs === pairs) return after;
  await writeFile(FILE, text);
  throw new Trouble("wrangler.toml could not be given more queues, and is as it was.");
}

async function ask(...words) {
  const [environment] = words;
  const args = ["--no-warnings", fileURLToPath(import.meta.url), ...words];
  const { status, output } = await runGuarded(nodePath(), args, { cwd: ROOT });
  if (status !== 0) throw new Trouble("wrangler.toml cannot be read.", { remedy: plain(output).trim().split("\n") });
  const { environments, ...config } = JSON.parse(output);
  if (environment !== "" && !environments.includes(environment)) {
    throw new Trouble(`There is no environment "${environment}" in wrangler.toml.`, {
      remedy: [
        `There is: ${environments.join(", ")}. Without --env the first deployment is meant.`,
        "For another one, copy the block of staging there and change its names.",
      ],
      exitCode: 2,
    });
  }
  return config;
}

/** With `pairs` also the file's text with so many pairs of queues. */
async function print(environment, pairs) {
  const { experimental_readRawConfig, unstable_readConfig } = await import("wrangler");
  const { checkQueues, withQueues } = await import("./queues.mjs");
  const environments = Object.keys(experimental_readRawConfig({ config: FILE }).rawConfig.env ?? {});
  const config = unstable_readConfig({ config: FILE, env: environments.includes(environment) ? environment : "" });
  const queues = config.queues.producers.map(({ queue }) => queue);
  const database = config.d1_databases.find(({ binding }) => binding === "DB").database_name;
  const said = { environments, worker: config.name, database, queues, ...checkQueues(config.queues) };
  const text =
    pairs === undefined
      ? undefined
      : withQueues(await readFile(FILE, "utf8"), environment, config.queues, Number(pairs));
  process.stdout.write(JSON.stringify({ ...said, text }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await print(...process.argv.slice(2));
