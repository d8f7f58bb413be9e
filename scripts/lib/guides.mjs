/**
 * The pages under /docs: the guides, Markdown in, HTML out, and those that the code makes of itself.
 * @module
 */

import { readFile, rm } from "node:fs/promises";
import { posix } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { Marked } from "marked";
import { inProject } from "./project.mjs";

/**
 * The id of a heading, as GitHub makes it, so that a link works in both places.
 *
 * @param {string} text
 */
export function slugOf(text) {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");
}

/**
 * A guide's HTML, its title and its headings.
 *
 * @param {string} text Markdown
 * @param {string} file where it stands, from the project's root: links in it are relative to that
 * @param {Map<string, string>} places the address of each guide by its file
 * @param {(text: string) => string} escaped
 */
export function rendered(text, file, places, escaped) {
  /** @type {{level: number, id: string, text: string}[]} */
  const headings = [];
  const plain = (html) => html.replace(/<[^>]+>/g, "");
  const marked = new Marked({ gfm: true });
  marked.use({
    renderer: {
      heading({ tokens, depth }) {
        const inner = this.parser.parseInline(tokens);
        const words = tokens.map((token) => token.text ?? token.raw).join("");
        const same = headings.filter(({ base }) => base === slugOf(words)).length;
        const id = slugOf(words) + (same > 0 ? `-${same}` : "");
        headings.push({ level: depth, id, base: slugOf(words), text: words });
        return depth === 1
          ? `<h1 id="${id}">${inner}</h1>\n`
          : `<h${depth} id="${id}"><a href="#${id}">${plain(inner) === inner ? inner : plain(inner)}</a></h${depth}>\n`;
      },
      link({ href, tokens }) {
        const inner = this.parser.parseInline(tokens);
        if (/^https?:/.test(href)) return `<a href="${escaped(href)}" rel="noreferrer">${inner}</a>`;
        const [to = "", anchor] = href.split("#");
        const place = to === "" ? "" : places.get(posix.join(posix.dirname(file), to));
        // A file of the repository that is no page.
        if (place === undefined) return `<code>${inner}</code>`;
        return `<a href="${place}${anchor === undefined ? "" : `#${anchor}`}">${inner}</a>`;
      },
      codespan({ text: code }) {
        const html = `<code>${escaped(code)}</code>`;
        return /^\/(docs(\/[a-z]+)?|openapi\.json)$/.test(code) ? `<a href="${code}">${html}</a>` : html;
      },
      code({ text: code, lang }) {
        const label = `Code${lang ? `: ${lang}` : ""}`;
        return `<div class="block code"><div class="scroll" tabindex="0" role="group" aria-label="${escaped(label)}"><pre><code>${escaped(code)}</code></pre></div></div>\n`;
      },
      table({ header, rows }) {
        const cell = (tag, { tokens }) => `<${tag}>${this.parser.parseInline(tokens)}</${tag.split(" ")[0]}>`;
        const heads = header.map((one) => cell('th scope="col"', one)).join("");
        const body = rows.map((row) => `<tr>${row.map((one) => cell("td", one)).join("")}</tr>`).join("\n");
        return `<div class="scroll" tabindex="0" role="group" aria-label="Table"><table><thead><tr>${heads}</tr></thead>\n<tbody>${body}</tbody></table></div>\n`;
      },
    },
  });
  const html = marked.parse(text);
  const title = headings.find(({ level }) => level === 1)?.text ?? file;
  return { html, title, headings: headings.filter(({ level }) => level > 1) };
}

/** The frame, the menu, and what the code says of itself: run out of the Worker's TypeScript. */
async function parts() {
  const contents = `export * from "./docs/frame"; export * from "./docs/menu"; export * from "./api/spec/pages";`;
  const outfile = inProject(`dist/pages-${process.pid}.mjs`); // two may run at a time
  await build({
    stdin: { contents, resolveDir: inProject("src"), loader: "ts" },
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
  });
  try {
    return await import(pathToFileURL(outfile).href);
  } finally {
    await rm(outfile);
  }
}

/**
 * Every page under /docs that is a file, the OpenAPI document and the search's index, by their path below the assets, and what
 * all of them are served with. Throws when a guide links to a guide that is not there.
 *
 * @returns {Promise<{files: [string, string][], headers: Record<string, string>}>}
 */
export async function docsOf() {
  const { DOCS_HEADERS, GUIDES, SECTIONS, docsPath, escaped, generated, page } = await parts();
  const made = generated();
  const places = new Map(GUIDES.map(({ file, name }) => [file, docsPath(name)]));
  places.set("README.md", docsPath(""));
  const files = [];
  const found = [];
  const lists = [];
  for (const { name, file, title } of GUIDES) {
    const { html, headings } = rendered(await readFile(inProject(file), "utf8"), file, places, escaped);
    const second = headings.filter(({ level }) => level === 2);
    files.push([`docs/${name}.html`, page(name, title, html, second)]);
    const mine = headings.map(({ id, text }) => ({ page: title, text, href: `${docsPath(name)}#${id}` }));
    found.push({ page: title, text: title, href: docsPath(name) }, ...mine);
    const entries = mine.map(({ href, text }) => `<li><a href="${href}">${escaped(text)}</a></li>`);
    lists.push(`<h2><a href="${docsPath(name)}">${escaped(title)}</a></h2>\n<ul>${entries.join("")}</ul>`);
  }
  files.push(...made.files, ["docs/headings.json", JSON.stringify([...found, ...made.found])]);
  files.push(["docs/search.html", page("search", "All headings", `<h1>All headings</h1>\n${lists.join("\n")}`)]);
  const card = ({ name, title, about }) =>
    `<li><div class="card"><strong><a href="${docsPath(name)}">${escaped(title)}</a></strong><br>${escaped(about)}</div></li>`;
  const cards = SECTIONS.map(
    ({ title, pages }) => `<h2>${escaped(title)}</h2>\n<ul class="docs-cards">${pages.map(card).join("\n")}</ul>`,
  );
  const about =
    "Posthorn sends the webhooks of a SaaS product from the product's own Cloudflare account: it signs them, delivers them, retries what fails, and shows what became of each.";
  files.push(["docs.html", page("", "Guides", `<h1>Guides</h1>\n<p>${about}</p>\n${cards.join("\n")}`)]);
  return { files, headers: DOCS_HEADERS };
}
