import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { DeliveryLog } from "../../components/deliveries";
import { FaredCard, faredOf } from "../../components/figures/fared";
import { Incident } from "../../components/figures/incidents";
import { SelectField, Token, textOf } from "../../components/form";
import { HealthCard } from "../../components/health";
import { Live } from "../../components/log";
import { Card, Copyable, Facts } from "../../components/parts";
import { type Endpoint, type Health, nameOf } from "../../components/pills";
import { type Refusal, readOr, refusedWith } from "../../errors";
import { needs } from "../../guard";
import { EndpointReason } from "../../inspect/reason";
import { type Site, type SiteContext, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page, part, wantsPart } from "../../write";
import { typesOf } from "../catalog/types";
import { EndpointFrame, endpointPath } from "./endpoint-frame";
import { endpointLog } from "./endpoint-log";
import { PastRecoveries, RunningRecoveries } from "./endpoint-recoveries";
import { askedOf, CallToAction, type Recovered, Recovery, recoveredIn } from "./endpoint-recovery";
import { type Changed, HIDDEN, promote, revealed, rotate, SecretCard, type ShownSecret } from "./endpoint-secret";
import { heldOf, keptSince } from "./endpoint-summaries";
import { choices, firstOf } from "./endpoint-test";

function where(c: SiteContext) {
  return { site: c.get("site"), tenant: c.req.param("tenant") ?? "", id: c.req.param("endpoint") ?? "" };
}

/** What was asked of the page, and refused or revealed. */
interface Shown {
  /** Of a recovery. */
  refusal: Refusal | null;
  secret: ShownSecret;
}

async function show(c: SiteContext, { refusal = null, secret = HIDDEN }: Partial<Shown> = {}): Promise<Response> {
  const { site, tenant, id } = where(c);
  const now = Date.now();
  const kept = keptSince(c.env, now);
  const what = recoveredIn((name) => c.req.query(name) ?? "", kept);
  const [{ found: head }, { data: recoveries }] = await Promise.all([
    readOr(site.api.endpoints.list(tenant, { query: { q: id, include: "summary", limit: 1 } })),
    site.api.recoveries.list(tenant, id),
  ]);
  const incident = (
    <Live id="now" from={endpointPath(site, tenant, id)}>
      {head?.data.map((one) => (
        <Incident site={site} tenant={tenant} one={one} now={now} here />
      ))}
      <RunningRecoveries site={site} tenant={tenant} endpoint={id} all={recoveries} />
    </Live>
  );
  if (wantsPart(c)) return part(c, incident);
  const [endpoint, health, log, fared] = await Promise.all([
    site.api.endpoints.get(tenant, id),
    site.api.endpoints.health(tenant, id),
    site.api.deliveries.list(tenant, id, { query: { limit: 10 } }),
    faredOf(c, tenant, { endpoint: id }, now),
  ]);
  const [held, disabled, counted, types] = await Promise.all([
    heldOf(site, tenant, endpoint, kept),
    disablingOf(site, tenant, endpoint),
    site.may.endpoints.recover ? readOr(countOf(site, tenant, id, what)) : null,
    site.may.endpoints.test ? typesOf(c) : [],
  ]);
  const here = endpointPath(site, tenant, endpoint.id);
  return page(
    c,
    {
      title: nameOf(endpoint),
      current: "Endpoints",
      refusal: secret.refusal,
      ...(refusal === null ? {} : { status: 409 as const }),
    },
    <EndpointFrame site={site} tenant={tenant} endpoint={endpoint} tab="Overview" failing={isFailing(health)}>
      {endpoint.enabled ? incident : null}
      <EndpointReason
        {...{ site, tenant, endpoint, health, now }}
        failed={log.data.find(({ lastError, test }) => lastError !== null && !test) ?? null}
      />
      <CallToAction
        disabled={disabled}
        endpoint={endpoint}
        held={held}
        recoverAt={site.may.endpoints.recover ? `${here}#recover` : null}
      />
      <div class="columns wide">
        <Card
          title="Receives"
          actions={site.may.endpoints.update ? <a href={`${here}/settings`}>Change</a> : undefined}
        >
          <Receives endpoint={endpoint} />
        </Card>
        <div>
          {site.may.secrets.get ? (
            <SecretCard site={site} tenant={tenant} endpoint={endpoint} shown={secret} now={now} />
          ) : null}
          {site.may.endpoints.test ? (
            <Card title="Test">
              <form method="post" action={`${here}/test`} class="inline">
                <Token visit={site} />
                <SelectField
                  name="event"
                  label="Event type"
                  value={firstOf(endpoint, types)}
                  options={choices(firstOf(endpoint, types), types)}
                />
                <button type="submit">Send test event</button>
              </form>
            </Card>
          ) : null}
        </div>
      </div>
      <Card title="Latest deliveries" actions={<a href={`${here}/deliveries`}>All deliveries</a>}>
        <DeliveryLog
          site={site}
          tenant={tenant}
          page={{ data: log.data, nextCursor: null }}
          now={now}
          query={{}}
          here={`${here}/deliveries`}
          short={10}
          none="They appear here as events come in. Send a test to see the first one."
        />
      </Card>
      <FaredCard c={c} fared={fared} />
      <HealthCard health={health} endpoint={endpoint} now={now} />
      {site.may.endpoints.recover ? (
        <Recovery
          {...{ site, tenant, endpoint, what, now }}
          broke={health.failingSince ?? endpoint.disabledAt}
          count={counted?.found ?? null}
          refusal={refusal ?? counted?.refusal ?? null}
          past={<PastRecoveries all={recoveries} now={now} />}
        />
      ) : null}
    </EndpointFrame>,
  );
}

/** Where and what it is sent, and how that is signed. */
const Receives: FC<{ endpoint: Endpoint }> = ({ endpoint: { url, events, filter, profile, format, signature } }) => (
  <Facts
    rows={[
      ["URL", <Copyable text={url} label="Copy the URL" />],
      [
        "Events",
        events.length === 0
          ? "by automations only"
          : events.includes("*")
            ? "all"
            : events.map((name) => (
                <>
                  <code>{name}</code>{" "}
                </>
              )),
      ],
      ["Filter", filter === null ? "none" : <code>{JSON.stringify(filter)}</code>],
      ["Body", `${format} (profile ${profile})`],
      [
        "Signature",
        <>
          {signature.scheme}
          {signature.header === null ? null : (
            <>
              {" in "}
              <code>{signature.header}</code>
            </>
          )}
        </>,
      ],
    ]}
  />
);

/** Who disabled an endpoint by hand, and when, as the audit knows it. */
async function disablingOf(site: Site, tenant: string, { id, enabled, disabledReason }: Endpoint) {
  if (enabled || disabledReason !== "manual" || !site.may.audit.ofTenant) return null;
  const { data } = await site.api.audit.ofTenant(tenant, { query: { target: id, limit: 50 } });
  return data.find(({ action }) => action === "endpoint.disabled") ?? null;
}

function isFailing(health: Health): boolean {
  return health.state === "failing";
}

async function countOf(site: Site, tenant: string, id: string, what: Recovered): Promise<number> {
  return (await site.api.endpoints.recover(tenant, id, askedOf(what), { query: { dryRun: true } })).count;
}

async function enable(c: SiteContext): Promise<Response> {
  const { site, tenant, id } = where(c);
  await site.api.endpoints.update(tenant, id, { enabled: true });
  if (textOf(c.get("form"), "recover") !== "") return recover(c);
  return c.redirect(withQuery(back(c), { done: "enabled" }), 303);
}

async function disable(c: SiteContext): Promise<Response> {
  const { site, tenant, id } = where(c);
  await site.api.endpoints.update(tenant, id, { enabled: false });
  return c.redirect(withQuery(back(c), { done: "disabled", of: id }), 303);
}

/** Where a change of the list's returns to. */
function back(c: SiteContext): string {
  const { site, tenant, id } = where(c);
  return textOf(c.get("form"), "back") === "list" ? tenantPath(c, "endpoints") : endpointPath(site, tenant, id);
}

async function recover(c: SiteContext): Promise<Response> {
  const { site, tenant, id } = where(c);
  const asked = askedOf(recoveredIn((name) => textOf(c.get("form"), name), keptSince(c.env, Date.now())));
  let count = 0;
  const refusal = await refusedWith(async () => {
    ({ count } = await site.api.endpoints.recover(tenant, id, asked));
  });
  if (refusal !== null) return show(c, { refusal });
  return c.redirect(withQuery(endpointPath(site, tenant, id), { recovered: count }), 303);
}

/** Ends a recovery. */
async function cancel(c: SiteContext): Promise<Response> {
  const { site, tenant, id } = where(c);
  await site.api.recoveries.cancel(tenant, id, textOf(c.get("form"), "recovery"));
  return c.redirect(withQuery(endpointPath(site, tenant, id), { done: "canceled" }), 303);
}

/** Lets a probe go; the page then says what is. */
async function probe(c: SiteContext): Promise<Response> {
  const { site, tenant, id } = where(c);
  const refusal = await refusedWith(() => site.api.endpoints.probe(tenant, id));
  if (refusal !== null) return show(c, { refusal });
  return c.redirect(withQuery(endpointPath(site, tenant, id), { done: "probed" }), 303);
}

/** Shows what was refused of a change of the secret, or goes back to the secret and says that it is done. */
async function secretChanged(c: SiteContext, changed: Changed): Promise<Response> {
  const { site, tenant, id } = where(c);
  if ("shown" in changed) return show(c, { secret: changed.shown });
  return c.redirect(withQuery(endpointPath(site, tenant, id), { done: changed.done }), 303);
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
  .get("/tenants/:tenant/endpoints/:endpoint/deliveries", endpointLog)
  .post("/tenants/:tenant/endpoints/:endpoint/enable", enable)
  .post("/tenants/:tenant/endpoints/:endpoint/disable", disable)
  .post("/tenants/:tenant/endpoints/:endpoint/probe", probe)
  .post("/tenants/:tenant/endpoints/:endpoint/cancel-recovery", cancel)
  .post("/tenants/:tenant/endpoints/:endpoint/recover", recover)
  .post("/tenants/:tenant/endpoints/:endpoint/reveal", async (c) => show(c, { secret: await revealed(c) }))
  .post("/tenants/:tenant/endpoints/:endpoint/rotate", async (c) => secretChanged(c, await rotate(c)))
  .post("/tenants/:tenant/endpoints/:endpoint/promote", async (c) => secretChanged(c, await promote(c)))
  .get("/tenants/:tenant/endpoints/:endpoint/delete", async (c) => {
    needs(c.get("site").may.endpoints.delete, "Your role reads, and does not delete endpoints.");
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
