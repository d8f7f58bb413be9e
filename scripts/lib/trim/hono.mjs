/**
 * Hono with one router in place of three, and with elements that are what they say. It tries a router of regular expressions
 * first, which answers soonest, and then the one that has all paths; here that one has them: the API remembers what it
 * finds, and pages are asked for seldom. Of elements it moves some into the head and takes functions as forms' actions.
 * @module
 */

import { readFile } from "node:fs/promises";

/** How Hono makes its router where it is given none. */
const ROUTERS = "new SmartRouter({ routers: [new RegExpRouter(), new TrieRouter()] })";

/** Has the bundler leave out the others. Throws where Hono makes its router in another way. */
export const trimHono = {
  name: "hono without what nothing needs",
  setup({ onLoad }) {
    onLoad({ filter: /\/node_modules\/hono\/dist\/hono\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      if (!source.includes(ROUTERS))
        throw new Error("Hono is made in another way than scripts/lib/trim/hono.mjs knows");
      return { contents: source.replace(ROUTERS, "new TrieRouter()") };
    });
    onLoad({ filter: /\/node_modules\/hono\/dist\/jsx\/intrinsic-element\/components\.js$/ }, () => ({
      contents: "export const components_exports = {};",
    }));
  },
};
