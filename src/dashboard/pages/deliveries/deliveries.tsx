import { Hono } from "hono";
import { iso } from "../../../lib/time";
import { allOf } from "../../api-json";
import { DeliveryFilter, DeliveryLog, TENANT_FILTERS } from "../../components/deliveries";
import { PageHead } from "../../components/layout";
import { FilterRefused, isLive, LogCard, logQuery } from "../../components/log";
import { type Delivery, nameOf } from "../../components/pills";
import { readOr } from "../../errors";
import { type Site, type SiteContext, type SiteEnv, tenantPath } from "../../site";
import { page, part, wantsPart } from "../../write";
import { typeNames } from "../endpoints/endpoint-log";

/** The names of a tenant's endpoints by id: whose is not among them is deleted. */
export async function endpointNames(site: Site, tenant: string): Promise<Map<string, string>> {
  const all = await allOf((query) => site.api.endpoints.list(tenant, { query }));
  return new Map(all.map((endpoint) => [endpoint.id, nameOf(endpoint)]));
}

/**
 * What a page of the log shows, in short: when its newest was accepted, and when the first of those that are under way changes
 * by itself, in ms; 0: at any moment. Pure.
 */
export function seenOf(deliveries: readonly Delivery[], now: number): string {
  const dues = deliveries
    .filter(({ status }) => status === "pending" || status === "retrying")
    .map(({ nextAttemptAt }) => (nextAttemptAt === null ? 0 : Date.parse(nextAttemptAt)));
  return `${deliveries[0]?.createdAt ?? iso(now)} ${Math.min(...dues)}`;
}

/** Whether a log has changed since: one question to the log of events, where the list would be one to every endpoint. */
async function isNews(c: SiteContext, tenant: string, now: number): Promise<boolean> {
  const [newest = "", due] = (c.req.query("seen") ?? "").split(" ");
  if (Number.isNaN(Date.parse(newest)) || !(now < Number(due))) return true;
  const since = iso(Date.parse(newest) + 1);
  const { data } = await c.get("site").api.events.list(tenant, { query: { since, limit: 1 } });
  return data.length > 0;
}

/** The log over all endpoints. */
export const deliveriesPages = new Hono<SiteEnv>().get("/tenants/:tenant/deliveries", async (c) => {
  const site = c.get("site");
  const tenant = c.req.param("tenant");
  const query = logQuery(c, TENANT_FILTERS);
  const now = Date.now();
  if (wantsPart(c) && !(await isNews(c, tenant, now))) return c.body(null, 204);
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
        seen={seenOf(found.data, now)}
        now={now}
        none="They appear here once events are posted and endpoints want them."
      />
    );
  if (wantsPart(c)) return part(c, content);
  return page(
    c,
    { title: "Deliveries", current: "Deliveries", refusal },
    <>
      <PageHead title="Deliveries" about="Every event sent to every endpoint, newest first." />
      <LogCard
        filter={<DeliveryFilter action={here} query={query} types={await typeNames(site)} endpoints={names} />}
        live={isLive(query) && refusal === null}
      >
        {content}
      </LogCard>
    </>,
  );
});
