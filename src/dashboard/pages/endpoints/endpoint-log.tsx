import { allOf } from "../../api-json";
import { DELIVERY_FILTERS, DeliveryFilter, DeliveryLog } from "../../components/deliveries";
import { FilterRefused, isLive, LogCard, logQuery } from "../../components/log";
import { nameOf } from "../../components/pills";
import { readOr } from "../../errors";
import type { Site, SiteContext } from "../../site";
import { page, part, wantsPart } from "../../write";
import { EndpointFrame, endpointPath } from "./endpoint-frame";

/** The names of the registered event types. */
export async function typeNames(site: Site): Promise<string[]> {
  return (await allOf((query) => site.api.eventTypes.list({ query }))).map(({ name }) => name);
}

/** The log of one endpoint: one call of its object per page. */
export async function endpointLog(c: SiteContext): Promise<Response> {
  const site = c.get("site");
  const [tenant, id] = [c.req.param("tenant") ?? "", c.req.param("endpoint") ?? ""];
  const query = logQuery(c, DELIVERY_FILTERS);
  const limit = c.req.query("limit") === "10" ? 10 : 50;
  const { found, refusal } = await readOr(site.api.deliveries.list(tenant, id, { query: { ...query, limit } }));
  const here = endpointPath(site, tenant, id, "deliveries");
  const content =
    refusal !== null ? (
      <FilterRefused refusal={refusal} />
    ) : (
      <DeliveryLog
        {...{ site, tenant, query, here }}
        page={found}
        now={Date.now()}
        short={limit === 10 ? limit : null}
        none="They appear here as events come in."
      />
    );
  if (wantsPart(c)) return part(c, content);
  const [endpoint, types] = await Promise.all([site.api.endpoints.get(tenant, id), typeNames(site)]);
  return page(
    c,
    { title: `Deliveries · ${nameOf(endpoint)}`, current: "Endpoints", refusal },
    <EndpointFrame site={site} tenant={tenant} endpoint={endpoint} tab="Deliveries">
      <LogCard
        filter={<DeliveryFilter action={here} query={query} types={types} />}
        live={isLive(query) && refusal === null}
      >
        {content}
      </LogCard>
    </EndpointFrame>,
  );
}
