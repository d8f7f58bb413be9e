/**
 * What is made of the code once, before the Worker is bundled: the OpenAPI document, the pages of it, and what the search
 * finds of them. Run by scripts/assets.mjs.
 * @module
 */
import { docsPath, type Found } from "../../docs/frame";
import { REASONS_FOUND, reasonsPage } from "../../docs/reasons-page";
import { app } from "../app";
import { PROBLEMS } from "../problems/problem-codes";
import { problemsPage } from "../problems/problem-page";
import { callsPage } from "./calls-page";
import { openApiDocument } from "./document";
import type { Document } from "./reading";
import { foundIn, referencePage } from "./reference-page";

/** The files, by their path below the assets, and what the search finds of them and of the limits. */
export function generated(): { files: [path: string, text: string][]; found: Found[] } {
  const text = JSON.stringify(openApiDocument(app));
  const document = JSON.parse(text) as Document;
  const titles = { api: "API reference", calls: "All calls", limits: "Limits", problems: "Problems" };
  return {
    files: [
      ["openapi.json", text],
      ["docs/api.html", referencePage(document)],
      ["docs/calls.html", callsPage(document)],
      ["docs/problems.html", problemsPage()],
      ["docs/reasons.html", reasonsPage()],
    ],
    found: [
      ...Object.entries(titles).map(([name, title]) => ({ page: title, text: title, href: docsPath(name) })),
      ...REASONS_FOUND,
      ...foundIn(document).map((one) => ({ page: titles.api, ...one })),
      ...Object.keys(PROBLEMS).map((code) => ({ page: titles.problems, text: code, href: `/docs/problems#${code}` })),
    ],
  };
}
