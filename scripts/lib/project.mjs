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
