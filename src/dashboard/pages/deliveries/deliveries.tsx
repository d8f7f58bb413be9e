import { Hono } from "hono";
import { allOf } from "../../api-json";
import { DeliveryFilter, DeliveryLog, TENANT_FILTERS } from "../../components/deliveries";
import { PageHead } from "../../components/layout";
import { FilterRefused, isLive, LogCard, logQuery } from "../../components/log";
import { nameOf } from "../../components/pills";
import { readOr } from "../../errors";
import { type Site, type SiteEnv, tenantPath } from "../../site";
import { page, part, wantsPart } from "../../write";
import { typeNames } from "../endpoints/endpoint-log";

/** The names of a tenant's endpoints by id: whose is not among them is deleted. */
export async function endpointNames(site: Site, tenant: string): Promise<Map<string, string>> {
  const all = await allOf((query) => site.api.endpoints.list(tenant, { query }));
  return new Map(all.map((endpoint) => [endpoint.id, nameOf(endpoint)]));
}

/** The log over all endpoints. */
export const deliveriesPages = new Hono<SiteEnv>().get("/tenants/:tenant/deliveries", async (c) => {
  const site = c.get("site");
  const tenant = c.req.param("tenant");
  const query = logQuery(c, TENANT_FILTERS);
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
        filter={<DeliveryFilter action={here} query={query} types={await typeNames(site)} endpoints={names} />}
        live={isLive(query) && refusal === null}
      >
        {content}
      </LogCard>
    </>,
  );
});
