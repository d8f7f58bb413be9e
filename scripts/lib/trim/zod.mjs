/**
 * zod without what the Worker has no use for: its 63 languages, its JSON Schema, and the kinds of schema that no source
 * names. @hono/zod-openapi hands `z` around as one object, of which a bundler has to keep all there is; our sources get it
 * from zod itself, see document.mjs.
 * @module
 */

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "../project.mjs";

/** zod's modules for JSON Schema: each schema has a method that writes it as one, which nothing calls. */
const JSON_SCHEMA = /\/(?:to-json-schema|json-schema-processors)\.js$/;
/** What in them is for that alone. The rest tells a schema's format and bounds, which are asked for. */
const WRITES = /Processor$/;
const MAKES_WRITER = /^create\w+Method$/;
/**
 * What else nothing needs: code that is compiled at run time, which Workers refuse; one half of a schema that transforms,
 * which is asked for by name alone; and the memory of values that lead back to themselves, as no JSON does.
 */
const NEEDLESS = {
  doc: "export class Doc { constructor() { none(); } }",
  visit: "export const visit = none;",
  memoizer:
    "export const [memoizer, isBackEdge, isRecursiveSchema] = [() => undefined, () => false, none]; export class $ZodCyclicError extends Error {}",
};

/** `zod` for the bundler. Throws esbuild's own message where zod is no longer made of these modules. */
export const trimZod = {
  name: "zod without what nothing uses",
  setup(build) {
    leaveOutWhole(build);
    leaveOutJsonSchema(build);
    leaveOutNeedless(build);
  },
};

/** What @hono/zod-openapi hands around has nothing in it. */
function leaveOutWhole({ onResolve, onLoad }) {
  const namespace = "no zod";
  const filter = /^zod$/;
  onResolve({ filter }, ({ path, importer }) =>
    importer.includes("/@hono/zod-openapi/") ? { path, namespace } : undefined,
  );
  onLoad({ filter, namespace }, () => ({ contents: "export const z = {};" }));
}

/** In place of each of these modules one that has its names, of which those that write JSON Schema throw. */
function leaveOutJsonSchema({ onLoad }) {
  onLoad({ filter: JSON_SCHEMA }, async ({ path, suffix }) => {
    if (suffix !== "") return undefined; // the module itself, which the one in its place takes from
    const names = Object.keys(await import(pathToFileURL(path).href));
    const [makers, writers] = [MAKES_WRITER, WRITES].map((pattern) => names.filter((name) => pattern.test(name)));
    const rest = names.filter((name) => !makers.includes(name) && !writers.includes(name));
    const lines = [
      'const none = () => { throw new Error("this zod is bundled without its JSON Schema"); };',
      ...writers.map((name) => `export const ${name} = none;`),
      ...makers.map((name) => `export const ${name} = () => none;`),
      `export { ${rest} } from ${JSON.stringify(`${path}?whole`)};`,
    ];
    return { contents: lines.join("\n"), resolveDir: ROOT };
  });
}

/** The kind of object schema that compiles its parser, which Workers refuse: it then does as the one that does not. */
const COMPILED = "core.$ZodObjectJIT.init(";
/** A format as a method of `z.string()`, as `z.string().email()`: zod's old way, which has each text know all of them. */
const FORMAT = /return this\.check\(core\._\w+\(Zod[A-Z]\w+, params\)\)/g;
/** zod's helpers by way of its core, which has a bundler keep all of them. */
const UTIL = 'import { util } from "../core/index.js"';

/** In place of each of the needless ones what those that import it need to be loaded. */
function leaveOutNeedless({ onLoad }) {
  onLoad({ filter: new RegExp(`/zod/v4/core/(?:${Object.keys(NEEDLESS).join("|")})\\.js$`) }, ({ path }) => {
    const none = 'const none = () => { throw new Error("this zod is bundled without it"); };';
    return { contents: `${none}\n${NEEDLESS[basename(path, ".js")]}` };
  });
  onLoad({ filter: /\/zod\/v4\/classic\/schemas\.js$/ }, async ({ path }) => {
    const source = await readFile(path, "utf8");
    if (!source.includes(COMPILED) || !source.includes(UTIL))
      throw new Error("zod is made in another way than scripts/lib/trim/zod.mjs knows");
    const formats = 'throw new Error("this zod is bundled without the formats of z.string()")';
    const whole = source.replace(UTIL, 'import * as util from "../core/util.js"').replaceAll("core.util.", "util.");
    return { contents: whole.replace(COMPILED, "core.$ZodObject.init(").replaceAll(FORMAT, formats) };
  });
}
