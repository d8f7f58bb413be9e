import type { Child, FC } from "hono/jsx";
import { OPERATOR_TENANT } from "../../lib/operator";
import { guideLink, helpOf, path, type Site, type Visit } from "../site";
import { ThemeSwitch, Token } from "./form";
import { Icon, type IconName } from "./icon";
import { SearchBox } from "./search-box";

/** A whole document. */
const Document: FC<{ visit: Visit; title: string; children?: Child }> = ({ visit, title, children }) => (
  <html lang="en" {...(visit.theme === "auto" ? {} : { "data-theme": visit.theme })}>
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="robots" content="noindex" />
      <title>{`${title} · Posthorn`}</title>
      <link rel="icon" href="/posthorn.svg" />
      <link rel="stylesheet" href="/dashboard.css" />
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
          <div class="side-top">
            <a class="brand" href={site.base}>
              <img src="/posthorn.svg" alt="" width="28" height="28" />
              <strong>Posthorn</strong>
            </a>
            <button type="button" class="menu-button" popovertarget="menu">
              <Icon name="list" />
              Menu
            </button>
          </div>
          <SearchBox site={site} tenant={tenant} />
          <div id="menu" class="side-menu" popover>
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
              <ZoneSwitch />
              <form method="post" action={path(site.base, "sign-out")}>
                <Token visit={site} />
                <button type="submit" class="ghost">
                  <Icon name="exit" />
                  {site.base === "/portal" ? "Close the portal" : "Sign out"}
                </button>
              </form>
            </div>
          </div>
        </header>
        <main id="main" tabindex={-1}>
          {children}
        </main>
      </div>
      <Drawer />
      <p id="announcer" class="hidden-text" role="status" aria-live="polite"></p>
    </body>
  </Document>
);

/** Chooses how times are told; the browser remembers it. Without a script they are told in UTC, and nothing is to choose. */
const ZoneSwitch: FC = () => (
  // biome-ignore lint/a11y/useSemanticElements: a fieldset is for what is sent
  <div class="theme-switch zone-switch" role="group" aria-label="Times" hidden>
    {[
      ["local", "Local time"],
      ["utc", "UTC"],
    ].map(([zone, name]) => (
      <button type="button" data-zone-choice={zone} aria-pressed="false">
        {name}
      </button>
    ))}
  </div>
);

/** Where a delivery is shown beside its log; the script fills it. */
const Drawer: FC = () => (
  <dialog id="drawer" class="drawer" aria-label="Delivery">
    <div class="drawer-head">
      <a class="button small" href="#main" data-drawer-page>
        Open as a page
      </a>
      <button type="button" class="small" data-drawer-step="-1">
        Previous
      </button>
      <button type="button" class="small" data-drawer-step="1">
        Next
      </button>
      <button type="button" class="small drawer-close" data-drawer-close>
        Close
      </button>
    </div>
    <div class="drawer-content" data-drawer-content></div>
  </dialog>
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
