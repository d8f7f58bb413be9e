import { Hono } from "hono";
import { DELIVERY_FILTERS, DeliveryFilter, DeliveryLog } from "../../components/deliveries";
import { PageHead } from "../../components/layout";
import { FilterRefused, LogCard, logQuery } from "../../components/log";
import { nameOf } from "../../components/pills";
import { readOr } from "../../errors";
import { type Site, type SiteEnv, tenantPath } from "../../site";
import { page, part, wantsPart } from "../../write";
import { typeNames } from "../endpoints/endpoint-log";

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
  const query = logQuery(c, DELIVERY_FILTERS);
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
        {...{ site, tenant, query, here, names }}
        page={found}
        now={Date.now()}
        none="They appear here once events are posted and endpoints want them."
      />
    );
  if (wantsPart(c)) return part(c, content);
  return page(
    c,
    { title: "Deliveries", current: "Deliveries", refusal },
    <>
      <PageHead title="Deliveries" about="One event for one endpoint, over all endpoints, newest first." />
      <LogCard
        filter={<DeliveryFilter action={here} query={query} types={await typeNames(site)} />}
        live={query.cursor === undefined && refusal === null}
      >
        {content}
      </LogCard>
    </>,
  );
});
