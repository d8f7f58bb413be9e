/**
 * The API reference at `/docs/api`: Scalar over our own document, from our own origin. Its script is a static asset, which
 * scripts/assets.mjs takes from the package of this version.
 * @module
 */
import { router } from "../http/context";

export const SCALAR_VERSION = "1.46.4";

/** Nothing that would ask another origin: no fonts, no proxy, no telemetry, no assistant, no hosted client. */
const CONFIGURATION = {
  withDefaultFonts: false,
  telemetry: false,
  agent: { disabled: true },
  hideClientButton: true,
  showDeveloperTools: "never",
  documentDownloadType: "direct",
};

/** Scalar writes its styles into the page; all else is ours, and no script but the one asset runs. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Posthorn API</title>
    <link rel="icon" href="/posthorn.svg">
  </head>
  <body>
    <script id="api-reference" data-url="/openapi.json" data-configuration='${JSON.stringify(CONFIGURATION)}'></script>
    <script src="/scalar-${SCALAR_VERSION}.js"></script>
    <noscript>The API reference needs JavaScript; the document itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
  </body>
</html>
`;

/** The API reference; needs no key. */
export const docsRoutes = router();

docsRoutes.get("/docs/api", (c) =>
  c.body(PAGE, 200, {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
  }),
);

// The guides are static assets, which answer before the Worker does; where there are none, this leads to what there is.
docsRoutes.get("/docs", (c) => c.redirect("/docs/api", 302));
