/**
 * The Worker in one module, without what nothing uses of it and of its packages: `main` of wrangler.toml, which wrangler
 * uploads as it is.
 * @module
 */

import { mkdir, rename, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { build } from "esbuild";
import { ROOT, WORKER } from "./project.mjs";
import { trimDocument } from "./trim/document.mjs";
import { trimDrizzle } from "./trim/drizzle.mjs";
import { trimHono } from "./trim/hono.mjs";
import { withoutUnnamed } from "./trim/members.mjs";
import { trimZod } from "./trim/zod.mjs";

/** The language of the runtime. */
const TARGET = "es2024";

/**
 * Writes it, with a map of its sources beside it.
 *
 * @param {{ minify?: boolean } & Partial<import("esbuild").BuildOptions>} [options] `minify`: as it is uploaded; the others
 *   are over the bundler's
 * @throws {Error} with esbuild's own message; or where a package is no longer made as it was
 */
export async function bundleWorker({ minify = false, ...options } = {}) {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["src/index.ts"],
    outfile: WORKER,
    bundle: true,
    format: "esm",
    target: TARGET,
    // As wrangler's, also the next two.
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    define: { "navigator.userAgent": '"Cloudflare-Workers"', "process.env.NODE_ENV": '"production"' },
    sourcemap: "linked",
    write: false,
    plugins: [trimDocument, trimDrizzle, trimHono, trimZod],
    logLevel: "error", // with file and line
    ...options,
  });
  const { default: ts } = await import("typescript-5");
  const [map, module] = outputFiles;
  const { text } = withoutUnnamed(ts, module.text);
  if (minify) await writeMinified(module.path, text, map.text);
  else await Promise.all([write(map.path, map.text), write(module.path, text)]);
}

/** Writes a module as small as it can be. Names are given by how often they are used, which compresses better than esbuild's. */
async function writeMinified(path, text, inputMap) {
  const { minify } = await import("rolldown/utils");
  const { code, map, errors } = await minify(path, text, {
    module: true,
    compress: { target: TARGET },
    mangle: { toplevel: true },
    codegen: { legalComments: "none" },
    sourcemap: true,
    inputMap: JSON.parse(inputMap),
  });
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
  await write(`${path}.map`, JSON.stringify(map));
  await write(path, `${code}\n//# sourceMappingURL=${basename(path)}.map\n`);
}

/** Writes a file in one step, since another may be reading it. */
async function write(path, text) {
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}-${process.pid}`;
  await writeFile(unfinished, text);
  await rename(unfinished, path);
}
