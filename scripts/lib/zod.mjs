/**
 * zod without what the Worker has no use for: its 63 languages, its JSON Schema, and the kinds of schema that no source
 * names. @hono/zod-openapi hands `z` around as one object, so that a bundler by itself has to keep all there is to it.
 * @module
 */

import { readdir, readFile } from "node:fs/promises";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import * as zod from "zod";
import { inProject, ROOT } from "./project.mjs";

/** What `zod` means to the bundler: `[alias]` in wrangler.toml. */
const TARGET = inProject("dist/zod.mjs");
/** What @asteasolutions/zod-to-openapi takes of `z`. */
const ALWAYS = ["ZodType"];
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

/**
 * Writes the file. A kind of schema that a source begins to name while `npm run dev` runs is there after its next start.
 *
 * @throws {Error} with esbuild's own message, where zod is no longer made of these modules
 */
export async function bundleZod() {
  const names = [...new Set([...ALWAYS, ...(await namedInSources())])].toSorted();
  await build({
    stdin: { contents: contentsOf(names), resolveDir: ROOT },
    outfile: TARGET,
    bundle: true,
    format: "esm",
    plugins: [
      { name: "no JSON Schema", setup: leaveOutJsonSchema },
      { name: "nothing needless", setup: leaveOutNeedless },
    ],
    logLevel: "error",
  });
}

function contentsOf(names) {
  const taken = names.map((name) => `${name} as z_${name}`); // `enum` is no name of a variable
  const z = names.map((name) => `${name}: z_${name}`);
  return `import { ${taken} } from "zod"; export const z = { ${z} };`;
}

/** Every `z.NAME` of our sources that zod has a value for; with `z.core.$ZodIssue` and its like a type is meant. */
async function namedInSources() {
  const files = (await readdir(inProject("src"), { recursive: true })).filter((name) => /\.tsx?$/.test(name));
  const texts = await Promise.all(files.map((name) => readFile(inProject(`src/${name}`), "utf8")));
  const named = texts.flatMap((text) =>
    [...text.matchAll(/\bz\s*\.([A-Za-z]\w*)(?!\w|\.\$)/g)].map(([, name]) => name),
  );
  return named.filter((name) => name in zod);
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

/** In place of each of the needless ones what those that import it need to be loaded. */
function leaveOutNeedless({ onLoad }) {
  onLoad({ filter: new RegExp(`/zod/v4/core/(?:${Object.keys(NEEDLESS).join("|")})\\.js$`) }, ({ path }) => {
    const none = 'const none = () => { throw new Error("this zod is bundled without it"); };';
    return { contents: `${none}\n${NEEDLESS[basename(path, ".js")]}` };
  });
  onLoad({ filter: /\/zod\/v4\/classic\/schemas\.js$/ }, async ({ path }) => {
    const source = await readFile(path, "utf8");
    if (!source.includes(COMPILED))
      throw new Error("zod makes its objects in another way than scripts/lib/zod.mjs knows");
    const formats = 'throw new Error("this zod is bundled without the formats of z.string()")';
    return { contents: source.replace(COMPILED, "core.$ZodObject.init(").replaceAll(FORMAT, formats) };
  });
}
