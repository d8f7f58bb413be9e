/**
 * The Worker in one module, without what nothing uses of it and of its packages: `main` of wrangler.toml. wrangler minifies
 * it and uploads that; `npm start` has it as it is.
 * @module
 */

import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { build } from "esbuild";
import { ROOT, WORKER } from "./project.mjs";
import { trimDocument } from "./trim/document.mjs";
import { trimDrizzle } from "./trim/drizzle.mjs";
import { trimHono } from "./trim/hono.mjs";
import { withoutUnnamed } from "./trim/members.mjs";
import { trimZod } from "./trim/zod.mjs";

/**
 * Writes it, with a map of its sources beside it.
 *
 * @param {Partial<import("esbuild").BuildOptions>} [options] over those of the Worker: what is bundled, and where to
 * @throws {Error} with esbuild's own message; or where a package is no longer made as it was
 */
export async function bundleWorker(options = { entryPoints: ["src/index.ts"], outfile: WORKER }) {
  // As wrangler's.
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    bundle: true,
    format: "esm",
    target: "es2024",
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
  for (const { path, text } of outputFiles) {
    await mkdir(dirname(path), { recursive: true });
    // In one step, since another may be reading it.
    const unfinished = `${path}-${process.pid}`;
    await writeFile(unfinished, path.endsWith(".map") ? text : withoutUnnamed(ts, text).text);
    await rename(unfinished, path);
  }
}
