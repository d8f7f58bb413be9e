/**
 * The page `/docs/problems`: every cause of an error answer, at the anchor that a problem's `type` names.
 * @module
 */
import { html } from "hono/html";
import { router } from "./context";
import { PROBLEMS } from "./problem-codes";

const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE = `
  body { max-width: 48rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; color-scheme: light dark; }
  h2 { margin: 2rem 0 0; font-size: 1.1rem; }
  :target { outline: 2px solid; outline-offset: 0.25rem; }
`;

/** The causes as a page; needs no key. */
export const problemPageRoutes = router();

problemPageRoutes.get("/docs/problems", async (c) => {
  const causes = Object.entries(PROBLEMS).map(
    ([code, { status, title, remedy }]) => html`<section id="${code}">
      <h2><code>${code}</code></h2>
      <p>${status} ${title}</p>
      <p>${marked(remedy)}</p>
    </section>`,
  );
  const page = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Problems · Posthorn API</title>
        <style>
          ${STYLE}
        </style>
      </head>
      <body>
        <h1>Problems</h1>
        <p>
          Every error of the API is <code>application/problem+json</code> (RFC 9457). Its <code>code</code> is stable; its
          <code>type</code> leads here. The words may change.
        </p>
        ${causes}
      </body>
    </html>`;
  return c.body(String(page), 200, {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
  });
});

/** Text with what stands between backticks as code. */
function marked(text: string) {
  return text.split("`").map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part));
}
