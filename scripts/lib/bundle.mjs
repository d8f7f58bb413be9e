/**
 * The Worker for the runtime on this machine, a program of its own that ends when it is made: what it needs of wrangler and
 * esbuild would stay in memory. It prints one line of JSON as soon as it knows it, what wrangler.toml and .dev.vars say as
 * Miniflare takes it; when it has ended, the Worker lies at {@link BUNDLE} in one module.
 * @module
 */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startGuarded } from "./child.mjs";
import { inProject, ROOT } from "./project.mjs";

/** Where the Worker is put. */
export const BUNDLE = inProject("dist/worker.js");

async function make() {
  const [wrangler, { build }] = await Promise.all([import("wrangler"), import("esbuild")]);
  const config = wrangler.unstable_readConfig({ config: inProject("wrangler.toml"), env: "" });
  const { workerOptions } = wrangler.unstable_getMiniflareWorkerOptions(config, "");
  const { name, d1_databases: databases } = config;
  process.stdout.write(`${JSON.stringify({ name, databases, options: workerOptions })}\n`);

  const { command, cwd = ROOT } = config.build;
  if (command !== undefined) {
    const status = await startGuarded("sh", ["-c", command], { cwd, output: "stderr" }).exited;
    if (status !== 0) throw new Error(`This command of wrangler.toml failed: ${command}`);
  }
  // wrangler's own settings of esbuild, but for the names, which stay as they are: an error's stack is read here.
  await build({
    absWorkingDir: ROOT,
    entryPoints: [config.main],
    outfile: BUNDLE,
    bundle: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    loader: { ".js": "jsx", ".mjs": "jsx", ".cjs": "jsx" },
    alias: Object.fromEntries(Object.entries(config.alias ?? {}).map(([from, to]) => [from, join(ROOT, to)])),
    define: { "navigator.userAgent": '"Cloudflare-Workers"', "process.env.NODE_ENV": '"production"', ...config.define },
    logLevel: "error", // with file and line
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await make();
  } catch (error) {
    // What esbuild objects to it has printed.
    if (error.errors === undefined) process.stderr.write(`✘ [ERROR] ${error.message}\n`);
    process.exit(1);
  }
}
