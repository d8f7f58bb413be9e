import {
  apiTime,
  DELIVERY_FILTERS,
  DeliveryFilterForm,
  DeliveryLog,
  type DeliveryQuery,
  FilterRefused,
} from "../../components/deliveries";
import { Card } from "../../components/parts";
import { nameOf } from "../../components/state";
import { readOr } from "../../errors";
import { type Site, type SiteContext, withQuery } from "../../site";
import { page, part, wantsPart } from "../../write";
import { EndpointFrame, endpointPath } from "./endpoint-frame";

/** The query of a log as the address has it. */
export function deliveryQuery(c: SiteContext): DeliveryQuery {
  const named = [...DELIVERY_FILTERS, "cursor" as const].map((name) => [name, c.req.query(name)?.trim()] as const);
  const query: DeliveryQuery = Object.fromEntries(named.filter(([, value]) => value !== undefined && value !== ""));
  for (const name of ["since", "until"] as const) {
    const time = apiTime(query[name]);
    if (time !== undefined) query[name] = time;
  }
  return query;
}

/** How many registered event types a filter proposes. */
const PROPOSED = 250;

/** The names of the registered event types. */
export async function typeNames(site: Site): Promise<string[]> {
  const { data } = await site.api.eventTypes.list({ query: { limit: PROPOSED } });
  return data.map(({ name }) => name);
}

/** The log of one endpoint: one call of its object per page. */
export async function endpointLog(c: SiteContext): Promise<Response> {
  const site = c.get("site");
  const [tenant, id] = [c.req.param("tenant") ?? "", c.req.param("endpoint") ?? ""];
  const now = Date.now();
  const query = deliveryQuery(c);
  const { cursor } = query;
  const limit = c.req.query("limit") === "10" ? 10 : 50;
  const { found, refusal } = await readOr(site.api.deliveries.list(tenant, id, { query: { ...query, limit } }));
  const here = endpointPath(site, tenant, id, "deliveries");
  const first = cursor === undefined;
  const { cursor: _, ...kept } = query;
  const content =
    refusal !== null ? (
      <FilterRefused refusal={refusal} />
    ) : (
      <DeliveryLog
        site={site}
        tenant={tenant}
        page={found}
        now={now}
        query={query}
        live={first ? withQuery(here, { ...kept, ...(limit === 10 ? { limit } : {}) }) : null}
        older={
          found.nextCursor === null || limit === 10 ? null : withQuery(here, { ...kept, cursor: found.nextCursor })
        }
        newest={first ? null : withQuery(here, kept)}
        none="They appear here as events come in."
      />
    );
  if (wantsPart(c)) return part(c, content);
  const [endpoint, types] = await Promise.all([site.api.endpoints.get(tenant, id), typeNames(site)]);
  return page(
    c,
    { title: `Deliveries · ${nameOf(endpoint)}`, current: "Endpoints", status: refusal === null ? 200 : 422 },
    <EndpointFrame site={site} tenant={tenant} endpoint={endpoint} tab="Deliveries">
      <Card>
        <DeliveryFilterForm action={here} query={query} types={types} />
        {first && refusal === null ? (
          <p class="live-note" data-live-note hidden>
            Live
          </p>
        ) : null}
        {content}
      </Card>
    </EndpointFrame>,
  );
}
