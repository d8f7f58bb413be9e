/**
 * The project's own typed client, for scripts that run on any Node: it is TypeScript, so it is bundled in memory first.
 * @module
 */

import { inProject } from "../lib/project.mjs";

/**
 * A client of the API.
 *
 * @param {string} url where Posthorn serves
 * @param {string} key the operator's
 * @param {AbortSignal} signal breaks off what is under way
 * @returns {Promise<import("../../src/client/index").Client>}
 */
export async function makeClient(url, key, signal) {
  // Only now: nothing is installed when npm start begins.
  const { build } = await import("esbuild");
  const bundle = await build({
    entryPoints: [inProject("src/client/index.ts")],
    bundle: true,
    format: "esm",
    platform: "neutral",
    write: false,
  });
  const [{ text }] = bundle.outputFiles;
  const { createClient } = await import(`data:text/javascript,${encodeURIComponent(text)}`);
  return createClient({ url, key, fetch: (request) => fetch(request, { signal }) });
}
