import type { Child, FC } from "hono/jsx";
import { OPERATOR_TENANT } from "../../lib/operator";
import { guideLink, helpOf, path, type Site, type Visit } from "../site";
import { ThemeSwitch, Token } from "./form";
import { Icon, type IconName } from "./icon";
import { SearchBox } from "./search-box";

export const HTMX_VERSION = "2.0.11";

/** No styles of its own, no code out of attributes, nothing kept of pages that others may open after. */
const HTMX_CONFIG = {
  includeIndicatorStyles: false,
  allowEval: false,
  allowScriptTags: false,
  selfRequestsOnly: true,
  historyCacheSize: 0,
  refreshOnHistoryMiss: true,
};

/** A whole document. */
const Document: FC<{ visit: Visit; title: string; children?: Child }> = ({ visit, title, children }) => (
  <html lang="en" {...(visit.theme === "auto" ? {} : { "data-theme": visit.theme })}>
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="robots" content="noindex" />
      <meta name="htmx-config" content={JSON.stringify(HTMX_CONFIG)} />
      <title>{`${title} · Posthorn`}</title>
      <link rel="icon" href="/posthorn.svg" />
      <link rel="stylesheet" href="/dashboard.css" />
      <script src={`/htmx-${HTMX_VERSION}.js`} defer></script>
      <script src="/dashboard.js" defer></script>
    </head>
    {children}
  </html>
);

interface Entry {
  name: string;
  parts: readonly string[];
  icon: IconName;
}

/** The pages of a tenant, in the order of somebody who is new. */
function entriesOf({ may }: Site): Entry[] {
  return [
    { name: "Overview", parts: [], icon: "chart" },
    { name: "Endpoints", parts: ["endpoints"], icon: "target" },
    { name: "Deliveries", parts: ["deliveries"], icon: "send" },
    { name: "Events", parts: ["events"], icon: "pulse" },
    { name: "Event types", parts: ["event-types"], icon: "book" },
    { name: "Segments", parts: ["segments"], icon: "filter" },
    { name: "Automations", parts: ["automations"], icon: "bolt" },
    { name: "Signals", parts: ["signals"], icon: "signal" },
    { name: "Lists", parts: ["lists"], icon: "list" },
    ...(may.keys.list ? [{ name: "API keys", parts: ["keys"], icon: "key" } as const] : []),
    ...(may.audit.ofTenant ? [{ name: "Audit", parts: ["audit"], icon: "list" } as const] : []),
    ...(may.portalLinks.list ? [{ name: "Portal links", parts: ["portal-links"], icon: "link" } as const] : []),
  ];
}

const TenantNav: FC<{ site: Site; tenant: string; current: string }> = ({ site, tenant, current }) => (
  <nav aria-label="Pages" class="side-nav">
    <ul>
      {entriesOf(site).map(({ name, parts, icon }) => (
        <li>
          <a
            href={path(site.base, "tenants", tenant, ...parts)}
            {...(name === current ? { "aria-current": "page" as const } : {})}
          >
            <Icon name={icon} />
            {name}
          </a>
        </li>
      ))}
    </ul>
  </nav>
);

const OperatorNav: FC<{ site: Site; tenant: string | null; current: string }> = ({ site, tenant, current }) => (
  <nav aria-label="Service" class="side-nav">
    <ul>
      {(
        [
          ["Now", "now", "pulse"],
          ["Tenants", "tenants", "people"],
        ] as const
      ).map(([name, at, icon]) => (
        <li>
          <a href={path(site.base, at)} {...(current === name ? { "aria-current": "page" as const } : {})}>
            <Icon name={icon} />
            {name}
          </a>
        </li>
      ))}
      {tenant === OPERATOR_TENANT ? null : (
        <li>
          <a href={path(site.base, "tenants", OPERATOR_TENANT, "events")}>
            <Icon name="bell" />
            Operator events
          </a>
        </li>
      )}
    </ul>
  </nav>
);

/** A page of somebody who is signed in. `tenant`: whose pages stand in the menu; `current`: the name of the one shown. */
export const Page: FC<{
  site: Site;
  title: string;
  current: string;
  tenant: string | null;
  children?: Child;
}> = ({ site, title, current, tenant, children }) => (
  <Document visit={site} title={tenant === null ? title : `${title} · ${tenant}`}>
    <body>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <div class="shell">
        <header class="side">
          <a class="brand" href={site.base}>
            <img src="/posthorn.svg" alt="" width="28" height="28" />
            <strong>Posthorn</strong>
          </a>
          <SearchBox site={site} tenant={tenant} />
          {site.may.tenants.list ? <OperatorNav site={site} tenant={tenant} current={current} /> : null}
          {tenant === null ? null : (
            <>
              <p class="side-tenant" title="The tenant whose pages these are">
                {tenant}
              </p>
              <TenantNav site={site} tenant={tenant} current={current} />
            </>
          )}
          <div class="side-end">
            <a class="side-link" {...guideLink(site.base, helpOf(site.base))}>
              <Icon name="help" />
              Help
            </a>
            <ThemeSwitch visit={site} />
            <form method="post" action={path(site.base, "sign-out")}>
              <Token visit={site} />
              <button type="submit" class="ghost">
                <Icon name="exit" />
                {site.base === "/portal" ? "Close the portal" : "Sign out"}
              </button>
            </form>
          </div>
        </header>
        <main id="main" tabindex={-1}>
          {children}
        </main>
      </div>
      <p id="announcer" class="hidden-text" role="status" aria-live="polite"></p>
    </body>
  </Document>
);

/** A page of somebody who is not signed in, or of something that went wrong before that was known. */
export const BarePage: FC<{ visit: Visit; title: string; children?: Child }> = ({ visit, title, children }) => (
  <Document visit={visit} title={title}>
    <body class="bare">
      <main id="main">
        <p class="brand">
          <img src="/posthorn.svg" alt="" width="36" height="36" />
          <strong>Posthorn</strong>
        </p>
        {children}
        <ThemeSwitch visit={visit} />
      </main>
    </body>
  </Document>
);

/** What a page is about, and what can be done there. */
export const PageHead: FC<{ title: string; about?: Child; up?: { href: string; name: string }; children?: Child }> = ({
  title,
  about,
  up,
  children,
}) => (
  <div class="page-head">
    <div>
      {up === undefined ? null : (
        <p class="up">
          <a href={up.href}>← {up.name}</a>
        </p>
      )}
      <h1>{title}</h1>
      {about === undefined ? null : <p class="about">{about}</p>}
    </div>
    {children === undefined ? null : <div class="page-actions">{children}</div>}
  </div>
);
