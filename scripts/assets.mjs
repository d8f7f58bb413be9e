/**
 * Puts what the Worker serves as static assets into .assets: the script of the API reference, the foundation and htmx
 * from their packages, and the dashboard's own. And makes the bundle's zod. wrangler runs this before it bundles (`[build]`
 * in wrangler.toml).
 * @module
 */

import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { inProject } from "./lib/project.mjs";
import { bundleZod } from "./lib/zod.mjs";

const TARGET = inProject(".assets");

/** What is taken from packages. The name carries the version, so that browsers may keep the file. */
const TAKEN = [
  { name: "@scalar/api-reference", file: "dist/browser/standalone.js", as: "scalar", ending: "js" },
  { name: "htmx.org", file: "dist/htmx.min.js", as: "htmx", ending: "js" },
  { name: "@picocss/pico", file: "css/pico.min.css", as: "pico", ending: "css" },
];
/** Our own: browsers ask whether it has changed. */
const OWN = inProject("src/dashboard/assets");

// Anew, so that no older version stays behind and is uploaded.
await rm(TARGET, { recursive: true, force: true });
await mkdir(TARGET, { recursive: true });
for (const { name, file, as, ending } of TAKEN) {
  const at = inProject(`node_modules/${name}`);
  const { version } = JSON.parse(await readFile(`${at}/package.json`, "utf8"));
  await copyFile(`${at}/${file}`, `${TARGET}/${as}-${version}.${ending}`);
}
for (const file of ["dashboard.js", "posthorn.svg"]) await copyFile(`${OWN}/${file}`, `${TARGET}/${file}`);
// One file for the browser, in the order of the names.
const styles = (await readdir(`${OWN}/styles`)).toSorted();
const texts = await Promise.all(styles.map((file) => readFile(`${OWN}/styles/${file}`, "utf8")));
await writeFile(`${TARGET}/dashboard.css`, texts.join(""));
const kept = TAKEN.map(({ as }) => `/${as}-*\n  Cache-Control: public, max-age=31536000, immutable\n`);
await writeFile(`${TARGET}/_headers`, `${kept.join("")}/*\n  X-Content-Type-Options: nosniff\n`);
await bundleZod();
