/**
 * The frame of every page under `/docs`, whoever makes it: scripts/assets.mjs from Markdown, the Worker from its own code.
 * Strings in, a string out.
 * @module
 */
import { SECTIONS } from "./menu";

/** A heading that can be gone to. */
export interface Heading {
  id: string;
  text: string;
}

/** Something that the search finds. */
export interface Found {
  page: string;
  text: string;
  href: string;
}

/** What a page under `/docs` is allowed: its own styles, script and search index, and nothing of anybody else. */
export const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:", // the small pictures in styles
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** What answers and files under `/docs` say besides. */
export const DOCS_HEADERS = {
  "Content-Security-Policy": DOCS_POLICY,
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
} as const;

const MARKS: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text as HTML shows it. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (mark) => MARKS[mark] ?? mark);
}

/** Text with what stands between backticks as code, as HTML. */
export function marked(text: string): string {
  return text
    .split("`")
    .map((part, i) => (i % 2 === 1 ? `<code>${escaped(part)}</code>` : escaped(part)))
    .join("");
}

/** The address of a page; none: the first page. */
export function docsPath(name: string): string {
  return name === "" ? "/docs" : `/docs/${name}`;
}

/** A table as HTML, in a box that scrolls where the window is narrow. `rows` are HTML. */
export function table(label: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const heads = head.map((text) => `<th scope="col">${text}</th>`).join("");
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`).join("\n");
  return `<div class="scroll" tabindex="0" role="group" aria-label="${escaped(label)}"><table>
<thead><tr>${heads}</tr></thead>
<tbody>${body}</tbody>
</table></div>`;
}

function menu(current: string, headings: readonly Heading[]): string {
  return SECTIONS.map(({ title, pages }) => {
    const entries = pages.map((page) => {
      const here = page.name === current;
      const within = here && headings.length > 0 ? `<ul>${headings.map(entry).join("")}</ul>` : "";
      return `<li><a href="${docsPath(page.name)}"${here ? ' aria-current="page"' : ""}>${escaped(page.title)}</a>${within}</li>`;
    });
    return `<p class="side-title">${escaped(title)}</p><ul>${entries.join("")}</ul>`;
  }).join("\n");
}

function entry({ id, text }: Heading): string {
  return `<li><a href="#${id}">${escaped(text)}</a></li>`;
}

/**
 * A whole document.
 *
 * @param name the page's, as the menu has it; what is not in the menu marks nothing there
 * @param body HTML
 * @param headings those of the second level, which the menu shows below the page
 */
export function page(name: string, title: string, body: string, headings: readonly Heading[] = []): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(title)} · Posthorn</title>
<link rel="icon" href="/posthorn.svg">
<link rel="stylesheet" href="/docs.css">
<script src="/docs.js"></script>
</head>
<body class="docs">
<a class="skip" href="#main">Skip to the content</a>
<div class="shell">
<header class="side">
<a class="brand" href="/docs"><img src="/posthorn.svg" alt="" width="28" height="28"><strong>Posthorn</strong></a>
<form role="search" action="/docs/search" class="docs-search">
<label class="hidden-text" for="q">Search the guides</label>
<input type="search" id="q" name="q" placeholder="Search" autocomplete="off">
</form>
<details class="docs-menu" open>
<summary>Menu</summary>
<nav aria-label="Guides" class="side-nav">
${menu(name, headings)}
</nav>
</details>
<div class="theme-switch" role="group" aria-label="Look" hidden>
<button type="button" data-theme-is="light">Light</button>
<button type="button" data-theme-is="dark">Dark</button>
<button type="button" data-theme-is="auto">Auto</button>
</div>
</header>
<main id="main" tabindex="-1">
<section id="found" aria-label="Found" aria-live="polite" hidden></section>
<article>
${body}
</article>
</main>
</div>
</body>
</html>
`;
}
