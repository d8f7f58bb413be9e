import { Hono } from "hono";
import { DeliveryFilterForm, DeliveryLog } from "../components/deliveries";
import { PageHead } from "../components/layout";
import { Card } from "../components/parts";
import { nameOf } from "../components/state";
import { type Site, type SiteEnv, tenantPath, withQuery } from "../site";
import { page, part, wantsPart } from "../write";
import { deliveryQuery, typeNames } from "./endpoint";

/** The names of a tenant's endpoints by id, as many as the API answers at once. */
export async function endpointNames(site: Site, tenant: string): Promise<Map<string, string>> {
  const { data } = await site.api.endpoints.list(tenant, { query: { limit: 250 } });
  return new Map(data.map((endpoint) => [endpoint.id, nameOf(endpoint)]));
}

/** The log over all endpoints. */
export const deliveriesPages = new Hono<SiteEnv>().get("/tenants/:tenant/deliveries", async (c) => {
  const site = c.get("site");
  const tenant = c.req.param("tenant");
  const query = deliveryQuery(c);
  const { cursor, ...kept } = query;
  const [list, names] = await Promise.all([
    site.api.deliveries.listAll(tenant, { query: { ...query, limit: 50 } }),
    endpointNames(site, tenant),
  ]);
  const here = tenantPath(c, "deliveries");
  const content = (
    <DeliveryLog
      site={site}
      tenant={tenant}
      page={list}
      now={Date.now()}
      query={query}
      live={cursor === undefined ? withQuery(here, kept) : null}
      older={list.nextCursor === null ? null : withQuery(here, { ...kept, cursor: list.nextCursor })}
      newest={cursor === undefined ? null : withQuery(here, kept)}
      none="They appear here once events are posted and endpoints want them."
      names={names}
    />
  );
  if (wantsPart(c)) return part(c, content);
  return page(
    c,
    { title: "Deliveries", current: "Deliveries" },
    <>
      <PageHead title="Deliveries" about="One event for one endpoint, over all endpoints, newest first." />
      <Card>
        <DeliveryFilterForm action={here} query={query} types={await typeNames(site)} />
        {cursor === undefined ? (
          <p class="live-note" data-live-note hidden>
            Live
          </p>
        ) : null}
        {content}
      </Card>
    </>,
  );
});
