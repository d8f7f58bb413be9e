/**
 * The settings of a local run: the port, and the variables in `.dev.vars`.
 * @module
 */

import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { inProject } from "./project.mjs";
import { paint, say, Trouble } from "./terminal.mjs";

const DEFAULT_PORT = 8787;

/** What the Worker cannot run without, and how each value is made. */
export const REQUIRED = {
  OPERATOR_KEY: () => `op_${randomBytes(32).toString("base64url")}`,
  SECRETS_KEY: () => randomBytes(32).toString("base64"),
};
/** What a new file says besides. One that somebody has taken out of theirs stays out. */
const AT_FIRST = { ...REQUIRED, ALLOW_INSECURE_ENDPOINTS: () => "true" };

/**
 * The port to serve on.
 *
 * @param {string | undefined} text the variable PORT
 * @throws {Trouble} unless it is a port
 */
export function readPort(text) {
  if (text === undefined || text === "") return DEFAULT_PORT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) {
    throw new Trouble(`PORT is "${text}", which is not a port.`, {
      remedy: ["Give a number from 1 to 65535: PORT=8788 npm start"],
      exitCode: 2,
    });
  }
  return port;
}

/**
 * Reads `.dev.vars`; writes it first if there is none, and adds what it lacks. What is there stays as it is.
 *
 * @returns {Promise<Record<string, string>>} its variables
 */
export async function ensureDevVars() {
  const path = inProject(".dev.vars");
  const before = await readIfThere(path);
  const variables = parse(before ?? "");
  const wanted = before === undefined ? AT_FIRST : REQUIRED;
  const missing = Object.keys(wanted).filter((name) => !variables[name]);
  if (missing.length === 0) return variables;

  for (const name of missing) variables[name] = wanted[name]();
  const lines = missing.map((name) => `${name}="${variables[name]}"\n`).join("");
  if (before === undefined) {
    // "wx": never over a file that somebody has written meanwhile.
    await writeFile(path, lines, { mode: 0o600, flag: "wx" });
    say(`${paint("green", "✓")} Wrote .dev.vars: a new operator key and a new key for the secrets at rest.`);
  } else {
    await writeFile(path, (before === "" || before.endsWith("\n") ? "" : "\n") + lines, { flag: "a" });
    say(`${paint("green", "✓")} Added to .dev.vars what was missing there: ${missing.join(", ")}.`);
  }
  return variables;
}

/** Lines `NAME=value`, with or without quotes around the value. The last one of a name counts. */
function parse(text) {
  const variables = {};
  for (const line of text.split(/\r?\n/)) {
    const [, name, value] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined) continue;
    const quoted = /^(["'`])(.*)\1/.exec(value);
    variables[name] = quoted ? quoted[2] : value.replace(/\s*#.*$/, "");
  }
  return variables;
}

async function readIfThere(path) {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
