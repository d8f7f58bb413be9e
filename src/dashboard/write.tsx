import type { Child } from "hono/jsx";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { Done, Warnings } from "./components/done";
import { Page } from "./components/layout";
import type { Refusal } from "./errors";
import { takeWarnings } from "./guard";
import type { SiteContext } from "./site";

type Content = { toString(): string };

/** Answers a document. */
export function html(c: SiteContext, page: Content, status: ContentfulStatusCode = 200): Response {
  return c.html(`<!doctype html>${String(page)}`, status) as Response;
}

/** Answers a part of a page. */
export function part(c: SiteContext, content: Content): Response {
  return c.html(String(content)) as Response;
}

/**
 * Answers a page of the path's tenant, or of whose the visitor is. `current`: the menu's entry that it belongs to;
 * `refusal`: of the form that it answers.
 */
export function page(
  c: SiteContext,
  said: { title: string; current?: string; refusal?: Refusal | null; status?: ContentfulStatusCode },
  content: Child,
): Response {
  const { title, current = "", refusal = null, status = refusal === null ? 200 : 422 } = said;
  const site = c.get("site");
  return html(
    c,
    <Page site={site} title={title} current={current} tenant={c.req.param("tenant") ?? site.principal.tenant}>
      <Done c={c} />
      <Warnings texts={takeWarnings(c)} />
      {content}
    </Page>,
    status,
  );
}

/** Whether only a part of the page is asked for. */
export function wantsPart(c: SiteContext): boolean {
  return c.req.header("HX-Request") === "true";
}
