/**
 * drizzle-orm without what the Worker has no use for. Each of its classes has a static member with a computed name, and so,
 * to a bundler, an effect: it keeps all of them.
 * @module
 */

import { readFile } from "node:fs/promises";

/** A class, as the package's files are laid out. */
const CLASS = /^class (\w+)[\s\S]*?^\}$/gm;

/** Has the bundler leave out the classes that nothing uses. */
export const trimDrizzle = {
  name: "drizzle without what nothing uses",
  setup({ onLoad }) {
    onLoad({ filter: /\/node_modules\/drizzle-orm\/.*\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      // `let`: some are filled by what follows them, as a namespace is.
      const pure = (text, name) => `let ${name} = /* @__PURE__ */ (() => {${text} return ${name}; })();`;
      return { contents: source.replaceAll(CLASS, pure) };
    });
  },
};
