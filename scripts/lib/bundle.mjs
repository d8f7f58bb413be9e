/**
 * The Worker for the runtime on this machine, a program of its own that ends when it is made: what it needs of wrangler and
 * esbuild would stay in memory. It prints one line of JSON as soon as it knows it, what wrangler.toml and .dev.vars say as
 * Miniflare takes it; when it has ended, the command of wrangler.toml's `[build]` is through.
 * @module
 */

import * as wrangler from "wrangler";
import { startGuarded } from "./child.mjs";
import { inProject, ROOT } from "./project.mjs";

try {
  const config = wrangler.unstable_readConfig({ config: inProject("wrangler.toml"), env: "" });
  const { workerOptions } = wrangler.unstable_getMiniflareWorkerOptions(config, "");
  const { name, d1_databases: databases } = config;
  process.stdout.write(`${JSON.stringify({ name, databases, options: workerOptions })}\n`);

  const { command, cwd = ROOT } = config.build;
  if (command !== undefined) {
    const status = await startGuarded("sh", ["-c", command], { cwd, output: "stderr" }).exited;
    if (status !== 0) throw new Error(`This command of wrangler.toml failed: ${command}`);
  }
} catch (error) {
  process.stderr.write(`✘ [ERROR] ${error.message}\n`);
  process.exit(1);
}
