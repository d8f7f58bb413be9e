/**
 * The secrets of a deployment, kept in a file beside the project that git ignores: Cloudflare hands none out again.
 * @module
 */

import { open, readFile, rename } from "node:fs/promises";
import { inProject } from "./project.mjs";
import { REQUIRED } from "./settings.mjs";
import { Trouble } from "./terminal.mjs";

/** What a Worker cannot run without. */
export const SECRETS = Object.keys(REQUIRED);

/**
 * The name of the file, relative to the project. JSON: in a file of lines wrangler would put variables of the environment in
 * the place of what it says.
 *
 * @param {string} environment "" for the top level
 */
export function keptFile(environment) {
  return `.secrets.${environment || "production"}.json`;
}

/**
 * What is kept.
 *
 * @param {string} environment
 * @returns {Promise<Record<string, string>>} empty where there is no file
 * @throws {Trouble} when it is no JSON object of texts
 */
export async function readKept(environment) {
  const name = keptFile(environment);
  let text;
  try {
    text = await readFile(inProject(name), "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return {};
    throw error;
  }
  const kept = parse(text);
  if (kept === undefined) {
    throw new Trouble(`${name} is no JSON object of texts.`, {
      remedy: [`It should say {"OPERATOR_KEY": "…", "SECRETS_KEY": "…"}: mend it; do not delete the keys.`],
    });
  }
  return kept;
}

function parse(text) {
  try {
    const value = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject && Object.values(value).every((one) => typeof one === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Makes what of the missing is not kept yet, and keeps it, before anything is told of it: whatever happens next, no key is
 * in use that nobody has. With CI set it makes nothing, since the file goes with the machine: the environment must say it.
 *
 * @param {string} environment
 * @param {string[]} missing names of secrets that the Worker lacks
 * @param {Record<string, string>} kept
 * @returns {Promise<{ made: string[], kept: Record<string, string> }>}
 * @throws {Trouble} with CI set, where the environment lacks one
 */
export async function keepSecrets(environment, missing, kept) {
  const made = missing.filter((name) => !kept[name]);
  if (made.length === 0) return { made, kept };
  const make = process.env.CI ? fromEnvironment : (name) => REQUIRED[name]();
  const all = { ...kept, ...Object.fromEntries(made.map((name) => [name, make(name)])) };
  const path = inProject(keptFile(environment));
  // Written whole and then put in its place: an interruption leaves no half of it.
  const file = await open(`${path}.new`, "w", 0o600);
  await file.chmod(0o600); // one of that name may have been there
  await file.writeFile(`${JSON.stringify(all, null, 2)}\n`);
  await file.close();
  await rename(`${path}.new`, path);
  return { made, kept: all };
}

function fromEnvironment(name) {
  const value = process.env[name];
  if (value) return value;
  throw new Trouble(
    `The Worker has no ${name}, and a key that is made here would be lost with this machine (CI is set).`,
    {
      remedy: [`Set ${SECRETS.join(" and ")} here for the first deployment, or take it from a machine of yours.`],
    },
  );
}
