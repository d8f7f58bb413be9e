/**
 * The dashboard: the pages for those with a key, and the same ones as a portal for those with a link. They read and
 * change everything through the API, called inside the Worker as whoever is signed in: so a page shows the API's numbers,
 * refuses what the API refuses, and reaches nothing that the API would not answer.
 * @module
 */
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { misconfiguredText, outsideProblem } from "../api/problems/problem";
import { misconfigured } from "../api/service/deployment";
import { PosthornError } from "../client/index";
import { logError } from "../lib/log";
import { BarePage, Page } from "./components/layout";
import { PageError } from "./errors";
import { baseOf, headers, ofTenant, ownForms, ownSite, signedIn, visit } from "./guard";
import { auditPages } from "./pages/access/audit";
import { keyPages } from "./pages/access/keys";
import { portalLinkPages } from "./pages/access/portal-links";
import { signInPages } from "./pages/access/sign-in";
import { eventTypeFormPages } from "./pages/catalog/event-type-form";
import { eventTypePages } from "./pages/catalog/event-types";
import { deliveriesPages } from "./pages/deliveries/deliveries";
import { deliveryPages } from "./pages/deliveries/delivery";
import { resendSelectedPages } from "./pages/deliveries/resend-selected";
import { endpointPage } from "./pages/endpoints/endpoint";
import { endpointEditPages } from "./pages/endpoints/endpoint-edit";
import { endpointTestPages } from "./pages/endpoints/endpoint-test";
import { endpointVerifyPages } from "./pages/endpoints/endpoint-verify";
import { endpointPages } from "./pages/endpoints/endpoints";
import { eventPages } from "./pages/events/event";
import { eventsPages } from "./pages/events/events";
import { helpPages } from "./pages/operator/help";
import { nowPages } from "./pages/operator/now";
import { overviewPages } from "./pages/operator/overview";
import { tenantPages } from "./pages/operator/tenants";
import { searchPages } from "./pages/search/search";
import { automationPages } from "./pages/signals/automations";
import { listPages } from "./pages/signals/lists";
import { rulePages } from "./pages/signals/rule";
import { segmentPages } from "./pages/signals/segments";
import { signalPages } from "./pages/signals/signals";
import { BASES, type Call, type SiteContext, type SiteEnv } from "./site";
import { html } from "./write";

/** Whether the dashboard answers a path, rather than the API. */
export function isPage(path: string): boolean {
  return path === "/" || BASES.some((base) => path === base || path.startsWith(`${base}/`));
}

/** The pages of those who are signed in. */
const PAGES = [
  auditPages,
  endpointPages,
  endpointEditPages,
  endpointPage,
  endpointTestPages,
  endpointVerifyPages,
  deliveryPages,
  deliveriesPages,
  resendSelectedPages,
  eventsPages,
  eventPages,
  eventTypePages,
  eventTypeFormPages,
  rulePages,
  automationPages,
  helpPages,
  keyPages,
  listPages,
  nowPages,
  overviewPages,
  portalLinkPages,
  searchPages,
  segmentPages,
  signalPages,
  tenantPages,
];

/** The pages, over a way to call the API. */
export function dashboard(call: Call): Hono<SiteEnv> {
  const pages = new Hono<SiteEnv>();
  pages.use(headers, async (c, next) => {
    const faults = misconfigured(c.env);
    if (faults.length > 0) return failed(c, 503, misconfiguredText(faults), "Misconfigured");
    await next();
  });
  pages.use(visit, ownSite, ownForms);
  pages.route("/", signInPages);
  pages.use(signedIn(call));
  pages.use("/tenants/:tenant/*", ofTenant);
  pages.get("/", (c) => {
    const { base, principal } = c.get("site");
    const home = principal.tenant === null ? `${base}/now` : `${base}/tenants/${principal.tenant}`;
    return c.redirect(home, 303);
  });
  for (const some of PAGES) pages.route("/", some);

  const app = new Hono<SiteEnv>();
  app.get("/", (c) => c.redirect("/dashboard", 302));
  for (const base of BASES) app.route(base, pages);
  app.notFound((c) => failed(c, 404, "There is no such page."));
  app.onError((error, c) => {
    if (error instanceof PageError) return failed(c, error.status, error.message);
    if (error instanceof PosthornError) return failed(c, error.problem.status, error.problem.detail);
    // Of these there is one: ownSite's.
    if (error instanceof HTTPException) return failed(c, error.status, FOREIGN);
    logError("page.failed", error, { method: c.req.method, path: c.req.path });
    const problem = outsideProblem(error);
    if (problem !== null) {
      for (const [name, value] of Object.entries(problem.headers)) c.header(name, value);
      return failed(c, problem.status, problem.message);
    }
    return failed(c, 500, "Something went wrong on our side. Try again in a moment.");
  });
  return app;
}

const FOREIGN = "This form was sent from another site. Nothing was changed.";

const TITLES: Readonly<Record<number, string>> = {
  401: "Not signed in",
  403: "Not allowed",
  404: "Not found",
  409: "Not now",
  413: "Too large",
  422: "That does not fit",
  429: "Too many requests",
  503: "Out of reach",
};

/** What went wrong, as a page, or as a line where only a part of one was asked for. */
async function failed(
  c: SiteContext,
  status: number,
  detail: string,
  title = TITLES[status] ?? "Something went wrong",
): Promise<Response> {
  const site = c.get("site");
  const known = c.get("visit") ?? { base: baseOf(c), theme: "auto" as const, token: "", here: c.req.path };
  const body = (
    <>
      <h1>{title}</h1>
      <p class="about">{detail}</p>
      <p>
        <a href={known.base}>Go to the start</a>
      </p>
    </>
  );
  const page =
    site === undefined ? (
      <BarePage visit={known} title={title}>
        {body}
      </BarePage>
    ) : (
      <Page site={site} title={title} current="" tenant={tenantOf(c)}>
        {body}
      </Page>
    );
  const response = html(c, page, status as 404);
  await headers(c, async () => undefined);
  return response;
}

/** The tenant whose menu a page shows that failed. */
function tenantOf(c: SiteContext): string | null {
  const site = c.get("site");
  if (site.principal.tenant !== null) return site.principal.tenant;
  const [, named] = /\/tenants\/([a-z0-9][a-z0-9_-]{0,62})(?:\/|$)/.exec(c.req.path) ?? [];
  return named ?? null;
}
