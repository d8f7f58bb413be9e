/**
 * drizzle-orm without what the Worker has no use for. Each of its classes has a static member with a computed name, and so,
 * to a bundler, an effect: it keeps all of them.
 * @module
 */

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

/** A class, as the package's files are laid out. */
const CLASS = /^class (\w+)[\s\S]*?^\}$/gm;
/**
 * Modules for what no source of ours does: relations between tables, counting by them, and columns that are made by a
 * function, which has every kind of column.
 */
const NEEDLESS = [
  "relations",
  "sqlite-core/columns/all",
  "sqlite-core/query-builders/count",
  "sqlite-core/query-builders/query",
];

/** Has the bundler leave out the classes that nothing uses, and those modules. */
export const trimDrizzle = {
  name: "drizzle without what nothing uses",
  setup({ onLoad }) {
    onLoad({ filter: /\/node_modules\/drizzle-orm\/.*\.js$/ }, async ({ path }) => {
      const name = /\/drizzle-orm\/(.*)\.js$/.exec(path)?.[1] ?? "";
      if (NEEDLESS.includes(name)) return { contents: await absent(path) };
      const source = await readFile(path, "utf8");
      // `let`: some are filled by what follows them, as a namespace is.
      const pure = (text, name) => `let ${name} = /* @__PURE__ */ (() => {${text} return ${name}; })();`;
      return { contents: source.replaceAll(CLASS, pure) };
    });
  },
};

/** A module with the names of that one, which all throw. */
async function absent(path) {
  const names = Object.keys(await import(pathToFileURL(path).href));
  const none = 'const none = () => { throw new Error("this drizzle is bundled without it"); };';
  return `${none}\nexport { ${names.map((name) => `none as ${name}`)} };`;
}
