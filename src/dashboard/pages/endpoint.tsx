import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { DAY } from "../../lib/time";
import {
  apiTime,
  DELIVERY_FILTERS,
  DeliveryFilterForm,
  DeliveryLog,
  type DeliveryQuery,
  localTime,
} from "../components/deliveries";
import { Act, Field, Refused, Token, textOf } from "../components/form";
import { HealthCard } from "../components/health";
import { Card, Notice } from "../components/parts";
import { type Endpoint, type Health, nameOf } from "../components/state";
import { type Refusal, refusedWith } from "../errors";
import { type Site, type SiteContext, type SiteEnv, tenantPath, withQuery } from "../site";
import { page, part, wantsPart } from "../write";
import { EndpointFrame, endpointPath } from "./endpoint-frame";

/** How far back a recovery looks unless told otherwise: as long as events are kept. */
const RECOVER_SPAN = 30 * DAY;

function where(c: SiteContext) {
  return { site: c.get("site"), tenant: c.req.param("tenant") ?? "", id: c.req.param("endpoint") ?? "" };
}

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

const Recovery: FC<{
  site: Site;
  tenant: string;
  endpoint: Endpoint;
  since: string;
  count: number | null;
  refusal?: Refusal | null;
}> = ({ site, tenant, endpoint, since, count, refusal = null }) => {
  const here = endpointPath(site, tenant, endpoint.id);
  return (
    <Card title="Recover" id="recover">
      <Refused refusal={refusal} what="Nothing was recovered." />
      <form method="get" action={`${here}#recover`} class="inline">
        <Field name="recoverSince" label="What failed or was held since (UTC)">
          {(attributes) => <input {...attributes} type="datetime-local" step={1} value={localTime(since)} />}
        </Field>
        <button type="submit">Count</button>
      </form>
      {count === null ? null : count === 0 ? (
        <p>Nothing failed and nothing is held in that time.</p>
      ) : (
        <>
          <p>
            <strong class="big">{count}</strong> {count === 1 ? "delivery" : "deliveries"} failed or held. They are sent
            oldest first, within the endpoint's limits, with today's settings.
          </p>
          {endpoint.enabled ? (
            <Act visit={site} action={`${here}/recover`} class="primary" fields={{ since }}>
              {`Recover ${count} ${count === 1 ? "delivery" : "deliveries"}`}
            </Act>
          ) : (
            <Act visit={site} action={`${here}/enable`} class="primary" fields={{ recover: since }}>
              {`Enable it and recover ${count} ${count === 1 ? "delivery" : "deliveries"}`}
            </Act>
          )}
        </>
      )}
    </Card>
  );
};

/** What has to be done about an endpoint. */
const CallToAction: FC<{ endpoint: Endpoint; held: number; here: string }> = ({ endpoint, held, here }) =>
  endpoint.enabled ? null : (
    <Notice tone={endpoint.disabledReason === "manual" ? "warn" : "bad"}>
      <p>
        <strong>
          Disabled: {held === 0 ? "nothing is held so far" : `${held} ${held === 1 ? "event" : "events"} held`}.
        </strong>{" "}
        {endpoint.disabledReason === "gone"
          ? "The receiver answered 410: it wants no more."
          : endpoint.disabledReason === "failing"
            ? "It kept failing over the whole failure window."
            : "Somebody disabled it."}{" "}
        {held === 0 ? null : <a href={`${here}#recover`}>Recover what is held</a>}
      </p>
    </Notice>
  );

async function show(c: SiteContext, refusal: Refusal | null = null): Promise<Response> {
  const { site, tenant, id } = where(c);
  const now = Date.now();
  const asked = apiTime(c.req.query("recoverSince"));
  const since =
    asked !== undefined && !Number.isNaN(Date.parse(asked)) ? asked : new Date(now - RECOVER_SPAN).toISOString();
  const [endpoint, health, log] = await Promise.all([
    site.api.endpoints.get(tenant, id),
    site.api.endpoints.health(tenant, id),
    site.api.deliveries.list(tenant, id, { query: { limit: 10 } }),
  ]);
  const count = site.may.manage ? await countOf(site, tenant, id, since) : null;
  const here = endpointPath(site, tenant, endpoint.id);
  return page(
    c,
    { title: nameOf(endpoint), current: "Endpoints", status: refusal === null ? 200 : 409 },
    <EndpointFrame site={site} tenant={tenant} endpoint={endpoint} tab="Health" failing={isFailing(health)}>
      <CallToAction endpoint={endpoint} held={health.counts.held} here={here} />
      <HealthCard health={health} endpoint={endpoint} now={now} />
      <Card title="Latest deliveries" actions={<a href={`${here}/deliveries`}>All deliveries</a>}>
        <DeliveryLog
          site={site}
          tenant={tenant}
          page={{ data: log.data, nextCursor: null }}
          now={now}
          query={{}}
          live={withQuery(`${here}/deliveries`, { limit: 10 })}
          older={null}
          newest={null}
          none="They appear here as events come in. Send a test to see the first one."
        />
      </Card>
      {site.may.manage ? (
        <Recovery site={site} tenant={tenant} endpoint={endpoint} since={since} count={count} refusal={refusal} />
      ) : null}
    </EndpointFrame>,
  );
}

function isFailing(health: Health): boolean {
  return health.state === "failing";
}

async function countOf(site: Site, tenant: string, id: string, since: string): Promise<number> {
  return (await site.api.endpoints.recover(tenant, id, { since }, { query: { dryRun: true } })).count;
}

/** The log of one endpoint: one call of its object per page. */
async function log(c: SiteContext): Promise<Response> {
  const { site, tenant, id } = where(c);
  const now = Date.now();
  const query = deliveryQuery(c);
  const { cursor } = query;
  const limit = c.req.query("limit") === "10" ? 10 : 50;
  const list = await site.api.deliveries.list(tenant, id, { query: { ...query, limit } });
  const here = endpointPath(site, tenant, id, "deliveries");
  const first = cursor === undefined;
  const { cursor: _, ...kept } = query;
  const content = (
    <DeliveryLog
      site={site}
      tenant={tenant}
      page={list}
      now={now}
      query={query}
      live={first ? withQuery(here, { ...kept, ...(limit === 10 ? { limit } : {}) }) : null}
      older={list.nextCursor === null || limit === 10 ? null : withQuery(here, { ...kept, cursor: list.nextCursor })}
      newest={first ? null : withQuery(here, kept)}
      none="They appear here as events come in."
    />
  );
  if (wantsPart(c)) return part(c, content);
  const [endpoint, types] = await Promise.all([site.api.endpoints.get(tenant, id), typeNames(site)]);
  return page(
    c,
    { title: `Deliveries · ${nameOf(endpoint)}`, current: "Endpoints" },
    <EndpointFrame site={site} tenant={tenant} endpoint={endpoint} tab="Deliveries">
      <Card>
        <DeliveryFilterForm action={here} query={query} types={types} />
        {first ? (
          <p class="live-note" data-live-note hidden>
            Live
          </p>
        ) : null}
        {content}
      </Card>
    </EndpointFrame>,
  );
}

async function enable(c: SiteContext): Promise<Response> {
  const { site, tenant, id } = where(c);
  await site.api.endpoints.update(tenant, id, { enabled: true });
  const since = textOf(c.get("form"), "recover");
  if (since !== "") return recover(c, since);
  return c.redirect(withQuery(back(c), { done: "enabled" }), 303);
}

async function disable(c: SiteContext): Promise<Response> {
  const { site, tenant, id } = where(c);
  await site.api.endpoints.update(tenant, id, { enabled: false });
  return c.redirect(withQuery(back(c), { done: "disabled" }), 303);
}

/** Where a change of the list's returns to. */
function back(c: SiteContext): string {
  const { site, tenant, id } = where(c);
  return textOf(c.get("form"), "back") === "list" ? tenantPath(c, "endpoints") : endpointPath(site, tenant, id);
}

async function recover(c: SiteContext, since: string): Promise<Response> {
  const { site, tenant, id } = where(c);
  let count = 0;
  const refusal = await refusedWith(async () => {
    ({ count } = await site.api.endpoints.recover(tenant, id, { since }));
  });
  if (refusal !== null) return show(c, refusal);
  return c.redirect(withQuery(endpointPath(site, tenant, id), { recovered: count }), 303);
}

/** Asks before it is done, without a script as well. */
const DeletePage: FC<{ site: Site; tenant: string; endpoint: Endpoint }> = ({ site, tenant, endpoint }) => {
  const here = endpointPath(site, tenant, endpoint.id);
  return (
    <EndpointFrame site={site} tenant={tenant} endpoint={endpoint} tab="Settings">
      <Card title={`Delete ${nameOf(endpoint)}?`}>
        <p>
          Its secret is forgotten, and deliveries that are not finished end as <em>canceled</em>. What it got stays in
          its events' logs. This cannot be undone; to pause it, disable it instead.
        </p>
        <form method="post" action={`${here}/delete`} class="inline">
          <Token visit={site} />
          <button type="submit" class="danger">
            Delete the endpoint
          </button>
          <a href={here}>Keep it</a>
        </form>
      </Card>
    </EndpointFrame>
  );
};

/** One endpoint: how it fares, what it got, switching it on and off. */
export const endpointPage = new Hono<SiteEnv>()
  .get("/tenants/:tenant/endpoints/:endpoint", (c) => show(c))
  .get("/tenants/:tenant/endpoints/:endpoint/deliveries", log)
  .post("/tenants/:tenant/endpoints/:endpoint/enable", enable)
  .post("/tenants/:tenant/endpoints/:endpoint/disable", disable)
  .post("/tenants/:tenant/endpoints/:endpoint/recover", (c) => recover(c, textOf(c.get("form"), "since")))
  .get("/tenants/:tenant/endpoints/:endpoint/delete", async (c) => {
    const { site, tenant, id } = where(c);
    const endpoint = await site.api.endpoints.get(tenant, id);
    return page(
      c,
      { title: `Delete ${nameOf(endpoint)}`, current: "Endpoints" },
      <DeletePage site={site} tenant={tenant} endpoint={endpoint} />,
    );
  })
  .post("/tenants/:tenant/endpoints/:endpoint/delete", async (c) => {
    const { site, tenant, id } = where(c);
    await site.api.endpoints.delete(tenant, id);
    return c.redirect(withQuery(tenantPath(c, "endpoints"), { done: "deleted" }), 303);
  });
