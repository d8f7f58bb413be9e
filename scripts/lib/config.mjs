/**
 * What wrangler.toml says of one environment, as wrangler reads it. Run by itself it prints that as JSON, since wrangler
 * needs a newer Node than the one that may have started us.
 * @module
 */

import { fileURLToPath } from "node:url";
import { runGuarded } from "./child.mjs";
import { nodePath } from "./install.mjs";
import { inProject, ROOT } from "./project.mjs";
import { plain, Trouble } from "./terminal.mjs";

/**
 * Reads it.
 *
 * @param {string} environment "" for the top level
 * @returns {Promise<{ worker: string, database: string, queues: string[] }>}
 * @throws {Trouble} when there is no such environment, or the file is wrong
 */
export async function readConfig(environment) {
  const args = ["--no-warnings", fileURLToPath(import.meta.url), environment];
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

async function print(environment) {
  const { experimental_readRawConfig, unstable_readConfig } = await import("wrangler");
  const file = inProject("wrangler.toml");
  const environments = Object.keys(experimental_readRawConfig({ config: file }).rawConfig.env ?? {});
  const config = unstable_readConfig({ config: file, env: environments.includes(environment) ? environment : "" });
  const queues = config.queues.producers.map(({ queue }) => queue);
  const database = config.d1_databases.find(({ binding }) => binding === "DB").database_name;
  process.stdout.write(JSON.stringify({ environments, worker: config.name, database, queues }));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await print(process.argv[2]);
