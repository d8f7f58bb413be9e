import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { HOUR } from "../../../lib/time";
import { VolumeChart } from "../../components/charts/chart";
import { pointsOf, reachOf } from "../../components/charts/points";
import { milliseconds } from "../../components/health";
import { PageHead } from "../../components/layout";
import { Rows } from "../../components/listing";
import { Card, Empty, Figure, Notice } from "../../components/parts";
import { type Endpoint, EndpointPill, nameOf, type Stats } from "../../components/pills";
import { Ago } from "../../components/time";
import type { Site, SiteContext, SiteEnv } from "../../site";
import { tenantPath } from "../../site";
import { page } from "../../write";
import { endpointPath } from "../endpoints/endpoint-frame";
import { type Fares, faresOf, keptSince, sayHeld } from "../endpoints/endpoint-summaries";
import { recentOf } from "../endpoints/endpoints";

/** The most endpoints whose health is asked for, each a call of its object: as many as a tenant has unless told otherwise. */
const LOOKED = 100;
/** The most endpoints that the page shows. */
const SHOWN = 12;
/** The most of them that a banner is about. */
const BANNERS = 3;

/**
 * The endpoints to look at first: disabled by failures, then with failures, then the rest; among equals those with more
 * deliveries. Pure.
 */
export function worstFirst(endpoints: readonly Endpoint[], stats: Stats["data"]): Endpoint[] {
  const recent = recentOf(stats);
  const traffic = ({ id }: Endpoint) => {
    const { succeeded = 0, failed = 0, waiting = 0 } = recent.get(id) ?? {};
    return succeeded + failed + waiting;
  };
  const rank = ({ id, enabled, disabledReason }: Endpoint) => {
    const { failed = 0, waiting = 0 } = recent.get(id) ?? {};
    if (!enabled && disabledReason !== "manual") return 0;
    if (failed > 0) return 1;
    if (waiting > 0) return 2;
    return enabled ? 3 : 4;
  };
  return endpoints.toSorted((a, b) => rank(a) - rank(b) || traffic(b) - traffic(a));
}

/** Failing ones first, as their health tells, and those that somebody disabled last. Pure. */
export function failingFirst<T extends Pick<Fares, "endpoint" | "health">>(fares: readonly T[]): T[] {
  const rank = ({ endpoint, health }: T) =>
    health.state === "disabled" ? (endpoint.disabledReason === "manual" ? 3 : 0) : health.state === "failing" ? 1 : 2;
  return fares.toSorted((a, b) => rank(a) - rank(b) || b.health.counts.failed - a.health.counts.failed);
}

function total(
  stats: Stats["data"],
  name: "succeeded" | "retrying" | "failed" | "held" | "pending" | "attempts",
): number {
  return stats.reduce((sum, row) => sum + row[name], 0);
}

const Banners: FC<{ site: Site; tenant: string; fares: readonly Fares[] }> = ({ site, tenant, fares }) => (
  <>
    {fares
      .filter(({ held }) => held.count > 0)
      .slice(0, BANNERS)
      .map(({ endpoint, held }) => (
        <Notice tone={endpoint.disabledReason === "manual" ? "warn" : "bad"}>
          <strong>{nameOf(endpoint)}</strong> is disabled: {sayHeld(held)}.{" "}
          {site.may.endpoints.recover ? (
            <a href={`${endpointPath(site, tenant, endpoint.id)}#recover`}>Recover …</a>
          ) : null}
        </Notice>
      ))}
  </>
);

const FaresTable: FC<{ site: Site; tenant: string; fares: readonly Fares[]; now: number }> = ({
  site,
  tenant,
  fares,
  now,
}) => (
  <Rows
    rows={fares}
    columns={[
      {
        name: "Endpoint",
        class: "main-cell",
        cell: ({ endpoint }) => (
          <a class="row-link" href={endpointPath(site, tenant, endpoint.id)}>
            {nameOf(endpoint)}
          </a>
        ),
      },
      {
        name: "State",
        cell: ({ endpoint, health }) => (
          <>
            <EndpointPill endpoint={endpoint} failing={health.state === "failing"} />
            {health.failingSince === null || !endpoint.enabled ? null : (
              <small class="muted">
                {" "}
                since <Ago at={health.failingSince} now={now} />
              </small>
            )}
          </>
        ),
      },
      { name: "Succeeded", class: "number", cell: ({ health }) => health.counts.succeeded },
      { name: "Retrying", class: "number", cell: ({ health }) => health.counts.retrying },
      { name: "Failed", class: "number", cell: ({ health }) => health.counts.failed },
      { name: "p50", class: "number", cell: ({ health }) => milliseconds(health.latency.p50) },
      { name: "p95", class: "number", cell: ({ health }) => milliseconds(health.latency.p95) },
    ]}
  />
);

/** The first steps of somebody who has nothing yet. */
const FirstSteps: FC<{ site: Site; here: string }> = ({ site, here }) => (
  <Card>
    <Empty icon="target" title="Let's have something delivered">
      <ol class="steps">
        <li>
          {site.may.endpoints.create ? <a href={`${here}/endpoints/new`}>Add an endpoint</a> : "Have an endpoint added"}
          : the URL of your receiver, and the events it wants.
        </li>
        <li>Copy its secret, and take the receiver in Node or Python that is filled in for it.</li>
        <li>Send a test event, and see the request and the answer here.</li>
      </ol>
      {site.may.endpoints.create ? (
        <a class="button primary" href={`${here}/endpoints/new`}>
          Add the first endpoint
        </a>
      ) : null}
    </Empty>
  </Card>
);

async function show(c: SiteContext): Promise<Response> {
  const site = c.get("site");
  const tenant = c.req.param("tenant") ?? "";
  const now = Date.now();
  const here = tenantPath(c);
  const [named, { data: endpoints, nextCursor }, stats] = await Promise.all([
    site.api.tenants.get(tenant),
    site.api.endpoints.list(tenant, { query: { limit: 250 } }),
    site.api.deliveries.stats(tenant) as Promise<Stats>,
  ]);
  const looked = worstFirst(endpoints, stats.data).slice(0, LOOKED);
  const fares = failingFirst(await faresOf(site, tenant, looked, keptSince(c.env, now)));
  const [succeeded, failed] = [total(stats.data, "succeeded"), total(stats.data, "failed")];
  const finished = succeeded + failed;
  return page(
    c,
    { title: "Overview", current: "Overview" },
    <>
      <PageHead title={named.name} about="The last 24 hours, by the time of acceptance." />
      {endpoints.length === 0 ? (
        <FirstSteps site={site} here={here} />
      ) : (
        <>
          <Banners site={site} tenant={tenant} fares={fares} />
          <dl class="figures">
            <Figure
              name="Succeeded"
              value={succeeded}
              tone="good"
              about={finished === 0 ? "none finished" : `${percent(succeeded, finished)} of finished`}
            />
            <Figure
              name="Retrying"
              value={total(stats.data, "retrying")}
              tone={total(stats.data, "retrying") > 0 ? "warn" : "calm"}
              about="will be tried again"
            />
            <Figure name="Failed" value={failed} tone={failed > 0 ? "bad" : "calm"} about="after the last retry" />
            <Figure
              name="Held"
              value={total(stats.data, "held")}
              tone={total(stats.data, "held") > 0 ? "held" : "calm"}
              about="of disabled endpoints"
            />
            <Figure name="Attempts" value={total(stats.data, "attempts")} about="HTTP requests" />
          </dl>
          <Card title="Deliveries by hour">
            <VolumeChart
              points={pointsOf(
                stats.data.map(({ hour, ...row }) => ({ ...row, at: Date.parse(hour) })),
                reachOf("24h", now).since,
                reachOf("24h", now).until,
                HOUR,
              )}
              span="24h"
            />
            {stats.truncated ? (
              <p class="hint">An endpoint had more deliveries than are looked at: its oldest are not counted.</p>
            ) : null}
          </Card>
          <Card
            title="Endpoints, failing ones first"
            actions={
              <a href={`${here}/endpoints`}>{nextCursor === null ? `All ${endpoints.length}` : "All of them"}</a>
            }
          >
            <FaresTable site={site} tenant={tenant} fares={fares.slice(0, SHOWN)} now={now} />
          </Card>
        </>
      )}
    </>,
  );
}

function percent(part: number, whole: number): string {
  return `${((part / whole) * 100).toFixed(part === whole ? 0 : 1)} %`;
}

/** How a tenant's webhooks fare. */
export const overviewPages = new Hono<SiteEnv>().get("/tenants/:tenant", show);
