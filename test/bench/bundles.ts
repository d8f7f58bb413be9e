/**
 * The code that the bench runs, as `wrangler deploy` would upload it, and the simulation that it runs itself.
 * @module
 */

import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const WORKER = fileURLToPath(new URL("worker/", import.meta.url));
const WRANGLER = join(ROOT, "node_modules/wrangler/wrangler-dist/cli.js");
const run = promisify(execFile);

/** What is measured: the deployed bundle, the floors under it, and signing by itself. */
export interface Bundles {
  posthorn: string;
  floor: string;
  signing: string;
  /** Not its code but its address: a module for the bench's own process. */
  backlog: string;
}

/** Makes the bundles, in `directory`: those for the runtime as wrangler does. */
export async function makeBundles(directory: string): Promise<Bundles> {
  const own = async (name: string) => {
    const config = join(directory, `${name}.json`);
    // Without a configuration of its own it would get that of the project.
    const main = join(WORKER, `${name}.ts`);
    await writeFile(config, JSON.stringify({ name, main, compatibility_date: "2026-10-01" }));
    return bundle(join(directory, name), ["--config", config], `${name}.js`);
  };
  const [posthorn, floor, signing] = [
    await bundle(join(directory, "posthorn"), [], "worker.mjs"),
    await own("floor"),
    await own("signing"),
  ];
  return { posthorn, floor, signing, backlog: await simulation(directory) };
}

async function bundle(outdir: string, args: string[], file: string): Promise<string> {
  const command = ["--no-warnings", WRANGLER, "deploy", "--dry-run", "--env=", "--outdir", outdir, ...args];
  const env = {
    ...process.env,
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_WRITE_LOGS: "false",
    WRANGLER_HIDE_BANNER: "true",
  };
  await run(process.execPath, command, { cwd: ROOT, env });
  return readFile(join(outdir, file), "utf8");
}

/** Imports in src have no endings, so Node cannot load it as it stands. */
async function simulation(directory: string): Promise<string> {
  const outfile = join(directory, "backlog.mjs");
  const entryPoints = [join(ROOT, "test/model/backlog.ts")];
  await build({ entryPoints, outfile, bundle: true, platform: "node", format: "esm", logLevel: "error" });
  return pathToFileURL(outfile).href;
}
