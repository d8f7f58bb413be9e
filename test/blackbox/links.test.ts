/**
 * Every link of README.md, SECURITY.md and the guides, in Markdown and as built, leads somewhere.
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { docsOf, slugOf } from "../../scripts/lib/guides.mjs";
import { GUIDES } from "../../src/docs/menu";
import { documentText } from "./printed";

const ROOT = join(import.meta.dirname, "../..");
const FILES = ["README.md", ...GUIDES.map(({ file }) => file)];
/** What is there beside the pages: the Worker's own, and the document. */
const SERVED = ["/docs/limits", "/openapi.json"];
/** The pages that the code makes of itself. */
const MADE = ["/docs/api", "/docs/calls", "/docs/problems", "/docs/reasons"];

/** A document without its blocks of code. */
function prose(text: string): string {
  return text.replace(/^ *```[\s\S]*?^ *```$/gm, "");
}

/** The ids of a document's headings, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...prose(text).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => slugOf(heading.replace(/[`*]/g, "")));
}

describe("Markdown", () => {
  it.for(FILES)("%s links to files and headings that are there", (file) => {
    const text = documentText(file);
    const inline = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = ""]) => to);
    const named = [...prose(text).matchAll(/^\[[^\]]+\]: (\S+)$/gm)].map(([, to = ""]) => to);
    const dead = [...inline, ...named].filter((to) => {
      if (/^https?:/.test(to)) return !URL.canParse(to);
      const [path = "", anchor] = to.split("#");
      const target = path === "" ? file : posix.join(posix.dirname(file), path);
      if (!existsSync(join(ROOT, target))) return true;
      return anchor !== undefined && !anchorsOf(readFileSync(join(ROOT, target), "utf8")).includes(anchor);
    });
    expect(dead).toEqual([]);
  });

  it("is a guide for every file of src/docs, under the title that the menu gives it", () => {
    for (const { file, title } of GUIDES) {
      if (file.startsWith("src/docs/") && title !== "Receivers") expect(documentText(file)).toMatch(`# ${title}\n`);
    }
  });
});

describe("the built pages", async () => {
  const { files } = await docsOf();
  const pages = new Map(
    files.filter(([name]) => name.endsWith(".html")).map(([name, html]) => [`/${name.replace(".html", "")}`, html]),
  );
  const idsOf = (html: string) => [...html.matchAll(/ id="([^"]+)"/g)].map(([, id = ""]) => id);

  it("are one for each guide, the first page, all headings, and the reference", () => {
    const names = GUIDES.map(({ name }) => `/docs/${name}`);
    expect([...pages.keys()].toSorted()).toEqual([...names, ...MADE, "/docs", "/docs/search"].toSorted());
  });

  it.for([...pages.keys()])("%s: its links lead somewhere, its ids are its own, and no Markdown is left", (at) => {
    const html = pages.get(at) ?? "";
    const dead = [...html.matchAll(/ href="([^"]+)"/g)]
      .map(([, to = ""]) => to)
      .filter((to) => {
        if (/^https:/.test(to) || /^\/(docs\.css|posthorn\.svg)$/.test(to)) return false;
        const { pathname, hash } = new URL(to, `http://here${at}`);
        const target = pages.get(pathname);
        if (target === undefined) return !SERVED.includes(pathname);
        return hash !== "" && !idsOf(target).includes(decodeURIComponent(hash.slice(1)));
      });
    expect(dead).toEqual([]);
    const ids = idsOf(html);
    expect(ids.length).toBe(new Set(ids).size);
    expect(html.replace(/<(pre|code)>[\s\S]*?<\/\1>/g, "")).not.toMatch(/\]\(|\.md#|```/);
  });

  it("have every heading in the search, at an address that is there", () => {
    const [, text = "[]"] = files.find(([name]) => name === "docs/headings.json") ?? [];
    const found = JSON.parse(text) as { page: string; text: string; href: string }[];
    const all = GUIDES.flatMap(({ file }) => [...prose(documentText(file)).matchAll(/^#{2,6} (.*)$/gm)]);
    const titles = new Set(GUIDES.map(({ title }) => title));
    expect(found.filter(({ page }) => titles.has(page)).length).toBe(all.length + GUIDES.length);
    for (const { href } of found) {
      const { pathname, hash } = new URL(href, "http://here");
      const html = pages.get(pathname) ?? "";
      if (hash !== "") expect(idsOf(html), href).toContain(hash.slice(1));
    }
  });
});
