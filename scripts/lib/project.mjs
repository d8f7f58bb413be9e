/**
 * Where things are.
 * @module
 */

import { fileURLToPath } from "node:url";

/** The project's root, with a slash at its end. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/**
 * The path of something in the project.
 *
 * @param {string} path relative to the root
 */
export function inProject(path) {
  return ROOT + path;
}

/** The Worker in one module, see worker.mjs: `main` of wrangler.toml. */
export const WORKER = inProject("dist/worker.mjs");
