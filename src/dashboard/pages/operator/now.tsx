import { Hono } from "hono";
import type { FC } from "hono/jsx";
import type { Client } from "../../../client/index";
import { OPERATOR_TENANT } from "../../../lib/operator";
import { FailedShare, isWorst, shareOf } from "../../components/figures/incidents";
import { PageHead } from "../../components/layout";
import { Rows } from "../../components/listing";
import { Card, Empty, Figure, Pill } from "../../components/parts";
import { EndpointPill, Outcome } from "../../components/pills";
import { Ago } from "../../components/time";
import { PageError } from "../../errors";
import { path, type Site, type SiteContext, type SiteEnv, withQuery } from "../../site";
import { page, part, wantsPart } from "../../write";
import { auditColumns } from "../access/audit";
import { endpointPath } from "../endpoints/endpoint-frame";

type Overview = Awaited<ReturnType<Client["service"]["overview"]>>;
type Trouble = Overview["endpoints"][number];
type OfTheDay = Overview["busiest"][number];

const None = () => <span class="muted none">—</span>;

/** Endpoints of all tenants that fail, wait or hold, the most harm first. */
const Troubles: FC<{ site: Site; endpoints: readonly Trouble[]; now: number }> = ({ site, endpoints, now }) => (
  <Rows
    rows={endpoints}
    columns={[
      {
        name: "Endpoint",
        class: "main-cell",
        about: ({ url }) => url,
        cell: ({ tenant, endpoint, title }) => (
          <a class="row-link" href={endpointPath(site, tenant, endpoint)}>
            {title}
          </a>
        ),
      },
      {
        name: "Tenant",
        cell: ({ tenant, tenantName }) => <a href={path(site.base, "tenants", tenant)}>{tenantName}</a>,
      },
      {
        name: "State",
        phone: "state",
        cell: ({ enabled, disabledReason, summary, breaker }) => (
          <>
            <EndpointPill
              endpoint={{ enabled, disabledReason }}
              failing={summary.state === "failing"}
              worst={isWorst({ enabled, summary })}
            />
            {breaker?.state === "open" ? <Pill tone="warn">breaker open</Pill> : null}
          </>
        ),
      },
      {
        name: "Failed, last hour",
        phone: "named",
        cell: ({ summary }) => <FailedShare share={shareOf(summary)} />,
      },
      {
        name: "Since",
        cell: ({ summary: { failingSince: at } }) => (at === null ? <None /> : <Ago at={at} now={now} />),
      },
      {
        name: "Last failure",
        cell: ({ summary: { lastFailure } }) =>
          lastFailure === null ? <None /> : <Outcome code={lastFailure.statusCode} error={lastFailure.error} />,
      },
      { name: "Waiting", class: "number", cell: ({ summary: { waiting } }) => waiting },
      {
        name: "Oldest",
        cell: ({ summary: { oldestWaitingAt: at } }) => (at === null ? <None /> : <Ago at={at} now={now} />),
      },
      { name: "Held", class: "number", cell: ({ summary: { held } }) => held },
    ]}
  />
);

/** Tenants by their last day. */
const Tenants: FC<{ site: Site; tenants: readonly OfTheDay[]; none: string }> = ({ site, tenants, none }) =>
  tenants.length === 0 ? (
    <p class="muted">{none}</p>
  ) : (
    <Rows
      rows={tenants}
      columns={[
        {
          name: "Tenant",
          class: "main-cell",
          cell: ({ tenant, name }) => (
            <a class="row-link" href={path(site.base, "tenants", tenant)}>
              {name}
            </a>
          ),
        },
        { name: "Deliveries", class: "number", cell: ({ accepted }) => accepted },
        { name: "Failed", class: "number", cell: ({ failed }) => failed },
        { name: "Endpoints failing", class: "number", cell: ({ failing, endpoints }) => `${failing} of ${endpoints}` },
        { name: "Waiting", class: "number", cell: ({ waiting }) => waiting },
      ]}
    />
  );

/** Operator events, the endpoint that they are about first. */
const Told: FC<{ site: Site; events: Overview["events"]; now: number }> = ({ site, events, now }) => (
  <ul class="told">
    {events.map(({ tenant, endpoint, title, count, events: told }) => (
      <li>
        <a href={endpointPath(site, tenant, endpoint)}>{title}</a> <small class="muted">of {tenant}</small>:{" "}
        {told.map(({ id, event, timestamp }, i) => (
          <>
            {i === 0 ? "" : ", "}
            <a href={path(site.base, "tenants", OPERATOR_TENANT, "events", id)}>{event}</a>{" "}
            <small class="muted">
              <Ago at={timestamp} now={now} />
            </small>
          </>
        ))}
        {count > told.length ? ` and ${count - told.length} more` : null}
      </li>
    ))}
  </ul>
);

const waiting = (count: number | null) => count ?? "?";

const Content: FC<{ site: Site; overview: Overview; live: string }> = ({ site, overview, live }) => {
  const { failing, held, oldestWaitingAt, endpoints, truncated, queues, events } = overview;
  const now = Date.now();
  const dead = (queues.deliveriesDead ?? 0) + (queues.deadLetters ?? 0);
  return (
    <div id="now" hx-get={live} hx-trigger="every 10s" hx-swap="outerHTML">
      <dl class="figures">
        <Figure
          name="Failing"
          value={failing}
          tone={failing > 0 ? "bad" : "good"}
          about="endpoints, over all tenants"
        />
        <Figure
          name="Waiting"
          value={overview.waiting}
          tone={overview.waiting > 0 ? "warn" : "calm"}
          about={
            oldestWaitingAt === null ? (
              "deliveries"
            ) : (
              <>
                oldest <Ago at={oldestWaitingAt} now={now} />
              </>
            )
          }
        />
        <Figure name="Held" value={held} tone={held > 0 ? "held" : "calm"} about="until they are recovered" />
        <Figure
          name="In the queues"
          value={waiting(queues.deliveries)}
          about={`and ${waiting(queues.deliveriesSlow)} in the slow one`}
        />
        <Figure name="Dead letters" value={dead} tone={dead > 0 ? "bad" : "calm"} about="that nobody could handle" />
      </dl>
      <Card title="Endpoints with problems">
        {endpoints.length === 0 ? (
          <Empty icon="done" title="All endpoints are healthy">
            What fails or waits anywhere stands here within a minute.
          </Empty>
        ) : (
          <Troubles site={site} endpoints={endpoints} now={now} />
        )}
        {truncated ? <p class="hint">There are more: these do the most harm.</p> : null}
      </Card>
      <div class="columns wide">
        <Card title="Busiest tenants, 24 h">
          <Tenants site={site} tenants={overview.busiest} none="Nothing was delivered." />
        </Card>
        <Card title="Most failures, 24 h">
          <Tenants site={site} tenants={overview.mostFailing} none="Nothing has failed." />
        </Card>
      </div>
      <Card
        title="Operator events"
        actions={<a href={path(site.base, "tenants", OPERATOR_TENANT, "events")}>All of them</a>}
      >
        {events.length === 0 ? (
          <p class="muted">
            None in the last week. They are kept once an endpoint of the tenant <code>{OPERATOR_TENANT}</code> listens.
          </p>
        ) : (
          <Told site={site} events={events} now={now} />
        )}
      </Card>
      <Card title="Latest changes" actions={<a href={path(site.base, "audit")}>The audit</a>}>
        <Rows rows={overview.audit} columns={auditColumns(site, now, { tenant: true })} />
      </Card>
    </div>
  );
};

/** How everything fares: the operator's first page. */
export const nowPages = new Hono<SiteEnv>().get("/now", async (c: SiteContext) => {
  const site = c.get("site");
  if (!site.may.service.overview) throw new PageError(404, "There is no such page.");
  const content = <Content site={site} overview={await site.api.service.overview()} live={withQuery(c.req.path, {})} />;
  if (wantsPart(c)) return part(c, content);
  return page(
    c,
    { title: "Now", current: "Now" },
    <>
      <PageHead title="Now" about="What fails and what waits, over all tenants. Updated every 10 seconds." />
      {content}
    </>,
  );
});
