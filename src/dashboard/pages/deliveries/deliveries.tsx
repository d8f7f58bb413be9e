import { Hono } from "hono";
import { DeliveryFilterForm, DeliveryLog, FilterRefused } from "../../components/deliveries";
import { PageHead } from "../../components/layout";
import { Card } from "../../components/parts";
import { nameOf } from "../../components/state";
import { readOr } from "../../errors";
import { type Site, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page, part, wantsPart } from "../../write";
import { deliveryQuery, typeNames } from "../endpoints/endpoint-log";

/** The names of a tenant's endpoints by id: whose is not among them is deleted. */
export async function endpointNames(site: Site, tenant: string): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  let cursor: string | null = null;
  do {
    const query: { limit: number; cursor?: string } = { limit: 250, ...(cursor === null ? {} : { cursor }) };
    const { data, nextCursor } = await site.api.endpoints.list(tenant, { query });
    for (const endpoint of data) names.set(endpoint.id, nameOf(endpoint));
    cursor = nextCursor;
  } while (cursor !== null);
  return names;
}

/** The log over all endpoints. */
export const deliveriesPages = new Hono<SiteEnv>().get("/tenants/:tenant/deliveries", async (c) => {
  const site = c.get("site");
  const tenant = c.req.param("tenant");
  const query = deliveryQuery(c);
  const { cursor, ...kept } = query;
  const [{ found, refusal }, names] = await Promise.all([
    readOr(site.api.deliveries.listAll(tenant, { query: { ...query, limit: 50 } })),
    endpointNames(site, tenant),
  ]);
  const here = tenantPath(c, "deliveries");
  const content =
    refusal !== null ? (
      <FilterRefused refusal={refusal} />
    ) : (
      <DeliveryLog
        site={site}
        tenant={tenant}
        page={found}
        now={Date.now()}
        query={query}
        live={cursor === undefined ? withQuery(here, kept) : null}
        older={found.nextCursor === null ? null : withQuery(here, { ...kept, cursor: found.nextCursor })}
        newest={cursor === undefined ? null : withQuery(here, kept)}
        none="They appear here once events are posted and endpoints want them."
        names={names}
      />
    );
  if (wantsPart(c)) return part(c, content);
  return page(
    c,
    { title: "Deliveries", current: "Deliveries", status: refusal === null ? 200 : 422 },
    <>
      <PageHead title="Deliveries" about="One event for one endpoint, over all endpoints, newest first." />
      <Card>
        <DeliveryFilterForm action={here} query={query} types={await typeNames(site)} />
        {cursor === undefined && refusal === null ? (
          <p class="live-note" data-live-note hidden>
            Live
          </p>
        ) : null}
        {content}
      </Card>
    </>,
  );
});
