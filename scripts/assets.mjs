/**
 * Puts what the Worker serves as static assets into .assets: the dashboard's script and styles, each one file and minified,
 * the guides, built from Markdown, and the OpenAPI document with its reference, made of the code. And bundles the Worker.
 * wrangler runs this before it bundles (`[build]` in wrangler.toml).
 * @module
 */

import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { build, transform } from "esbuild";
import { docsOf } from "./lib/guides.mjs";
import { inProject } from "./lib/project.mjs";
import { bundleWorker } from "./lib/worker.mjs";

const TARGET = inProject(".assets");

/** Our own: browsers ask whether it has changed. */
const OWN = inProject("src/dashboard/assets");

// Where it is served on this machine, errors tell the names that the sources have.
const { WRANGLER_COMMAND = "dev" } = process.env;
const bundled = bundleWorker({ minify: WRANGLER_COMMAND !== "dev" });

// Anew, so that no older version stays behind and is uploaded.
await rm(TARGET, { recursive: true, force: true });
await mkdir(TARGET, { recursive: true });
await copyFile(`${OWN}/posthorn.svg`, `${TARGET}/posthorn.svg`);
await build({
  entryPoints: [`${OWN}/scripts/main.js`],
  outfile: `${TARGET}/dashboard.js`,
  bundle: true,
  minify: true,
  logLevel: "error",
});
// One file for the browser, in the order of the names.
const styles = (await readdir(`${OWN}/styles`)).toSorted();
const texts = await Promise.all(styles.map((file) => readFile(`${OWN}/styles/${file}`, "utf8")));
const small = async (text) => (await transform(text, { loader: "css", minify: true, logLevel: "error" })).code;
await writeFile(`${TARGET}/dashboard.css`, await small(texts.join("")));

// The guides: their pages, and their styles over the dashboard's.
const DOCS = inProject("src/docs/assets");
await writeFile(`${TARGET}/docs.css`, await small([...texts, await readFile(`${DOCS}/docs.css`, "utf8")].join("\n")));
await copyFile(`${DOCS}/docs.js`, `${TARGET}/docs.js`);
const { files, headers } = await docsOf();
await mkdir(`${TARGET}/docs`, { recursive: true });
for (const [name, text] of files) await writeFile(`${TARGET}/${name}`, text);

// What all assets are served with is said once.
const said = Object.entries(headers)
  .filter(([name]) => name !== "X-Content-Type-Options")
  .map(([name, value]) => `  ${name}: ${value}\n`);
const guides = ["/docs", "/docs/*"].map((path) => `${path}\n${said.join("")}`);
// Any page may read the document; nothing else is open.
const open = "/openapi.json\n  Access-Control-Allow-Origin: *\n  Access-Control-Expose-Headers: ETag\n";
await writeFile(`${TARGET}/_headers`, `${guides.join("")}${open}/*\n  X-Content-Type-Options: nosniff\n`);
await bundled;
