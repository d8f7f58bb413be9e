/**
 * The page `/docs/problems`: every cause of an error answer, at the anchor that a problem's `type` names.
 * @module
 */
import { DOCS_HEADERS, escaped, marked, page } from "../../docs/frame";
import { router } from "../http/context";
import { PROBLEMS } from "./problem-codes";

const PAGE = page(
  "problems",
  "Problems",
  `<h1>Problems</h1>
<p>Every error of the API is <code>application/problem+json</code> (RFC 9457). Its <code>code</code> is stable; its
<code>type</code> leads here. The words may change.</p>
${Object.entries(PROBLEMS)
  .map(
    ([code, { status, title, remedy }]) => `<section id="${code}">
<h2><code>${code}</code></h2>
<p>${status} ${escaped(title)}</p>
<p>${marked(remedy)}</p>
</section>`,
  )
  .join("\n")}`,
);

/** The causes as a page; needs no key. */
export const problemPageRoutes = router();

problemPageRoutes.get("/docs/problems", (c) =>
  c.body(PAGE, 200, { "Content-Type": "text/html; charset=utf-8", ...DOCS_HEADERS }),
);
