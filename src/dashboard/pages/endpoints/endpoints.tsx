import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { ShareBar } from "../../components/charts/chart";
import { Act } from "../../components/form";
import { Icon } from "../../components/icon";
import { PageHead } from "../../components/layout";
import { type Column, Rows } from "../../components/listing";
import { Empty, Pager } from "../../components/parts";
import { type Endpoint, EndpointPill, nameOf, type Stats } from "../../components/pills";
import { type Site, type SiteContext, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page } from "../../write";
import { failingOf } from "./endpoint-summaries";

const PAGE_SIZE = 25;
/** As many as the API answers at once: a filter looks through so many. */
const FILTERED_SIZE = 250;

/** What became of an endpoint's deliveries of the last 24 h. */
interface Recent {
  succeeded: number;
  waiting: number;
  failed: number;
}

/** Totals by endpoint. Pure. */
export function recentOf(stats: Stats["data"]): Map<string, Recent> {
  const totals = new Map<string, Recent>();
  for (const { endpoint, succeeded, failed, retrying, pending, held } of stats) {
    const total = totals.get(endpoint) ?? { succeeded: 0, waiting: 0, failed: 0 };
    total.succeeded += succeeded;
    total.failed += failed;
    total.waiting += retrying + pending + held;
    totals.set(endpoint, total);
  }
  return totals;
}

const STATES = ["enabled", "failing", "disabled"] as const;

interface Query {
  q: string;
  state: string;
}

/** Whether an endpoint may be one of those asked for: failing ones are enabled ones. Pure. */
export function isAsked({ name, url, uid, events, enabled }: Endpoint, { q, state }: Query): boolean {
  const text = [name, url, uid, ...events].join(" ").toLowerCase();
  return text.includes(q.toLowerCase()) && (state === "" || (state !== "disabled") === enabled);
}

/** What the list says of each. `failing` and `recent`: by the endpoints' ids. */
function columnsOf(
  here: string,
  failing: ReadonlySet<string>,
  recent: ReadonlyMap<string, Recent>,
): readonly Column<Endpoint>[] {
  return [
    {
      name: "Endpoint",
      class: "main-cell",
      cell: (endpoint) => (
        <>
          <a href={`${here}/${endpoint.id}`} class="row-link">
            {nameOf(endpoint)}
          </a>
          <small class="muted clip">{endpoint.url}</small>
        </>
      ),
    },
    { name: "State", cell: (endpoint) => <EndpointPill endpoint={endpoint} failing={failing.has(endpoint.id)} /> },
    {
      name: "Events",
      class: "clip",
      cell: ({ events, filter }) => (
        <>
          {events.length === 0 ? (
            <span class="muted">by automations only</span>
          ) : events[0] === "*" ? (
            "all"
          ) : (
            <span title={events.join(", ")}>
              <code>{events[0]}</code>
              {events.length > 1 ? ` +${events.length - 1}` : ""}
            </span>
          )}
          {filter === null ? null : <span class="tag">filter</span>}
        </>
      ),
    },
    { name: "Last 24 h", class: "recent", cell: ({ id }) => <Lately {...(recent.get(id) ?? NOTHING)} /> },
  ];
}

const NOTHING: Recent = { succeeded: 0, waiting: 0, failed: 0 };

const Lately: FC<Recent> = (recent) =>
  recent.succeeded + recent.waiting + recent.failed === 0 ? (
    <span class="muted">nothing</span>
  ) : (
    <>
      <ShareBar {...recent} />
      <small>
        {recent.succeeded} ok
        {recent.waiting > 0 ? `, ${recent.waiting} waiting` : ""}
        {recent.failed > 0 ? `, ${recent.failed} failed` : ""}
      </small>
    </>
  );

/** Switches one on or off, or leads to its form. */
const Actions: FC<{ site: Site; here: string; endpoint: Endpoint }> = ({ site, here, endpoint }) => {
  const [at, name, word] = [`${here}/${endpoint.id}`, nameOf(endpoint), endpoint.enabled ? "Disable" : "Enable"];
  return (
    <>
      <Act
        visit={site}
        action={`${at}/${word.toLowerCase()}`}
        class="small"
        fields={{ back: "list" }}
        label={`${word} ${name}`}
      >
        {word}
      </Act>
      <a class="button small" href={`${at}/settings`} aria-label={`Edit ${name}`}>
        Edit
      </a>
    </>
  );
};

/** The list of endpoints. */
export const endpointPages = new Hono<SiteEnv>().get("/tenants/:tenant/endpoints", async (c: SiteContext) => {
  const site = c.get("site");
  const tenant = c.req.param("tenant") ?? "";
  const query = { q: (c.req.query("q") ?? "").trim(), state: c.req.query("state") ?? "" };
  const filtered = query.q !== "" || query.state !== "";
  const cursor = c.req.query("cursor");
  const here = tenantPath(c, "endpoints");
  const [list, stats] = await Promise.all([
    site.api.endpoints.list(tenant, {
      query: { limit: filtered ? FILTERED_SIZE : PAGE_SIZE, ...(cursor === undefined ? {} : { cursor }) },
    }),
    site.api.deliveries.stats(tenant) as Promise<Stats>,
  ]);
  const asked = list.data.filter((endpoint) => isAsked(endpoint, query));
  const failing = await failingOf(site, tenant, asked);
  const shown = query.state === "failing" ? asked.filter(({ id }) => failing.has(id)) : asked;
  const recent = recentOf(stats.data);
  return page(
    c,
    { title: "Endpoints", current: "Endpoints" },
    <>
      <PageHead title="Endpoints" about="Where events are sent: a URL, a secret, and the event types it wants.">
        {site.may.endpoints.create ? (
          <a class="button primary" href={`${here}/new`}>
            <Icon name="plus" /> New endpoint
          </a>
        ) : null}
      </PageHead>
      {list.data.length === 0 && cursor === undefined ? (
        <div class="card">
          <Empty icon="target" title="No endpoints yet">
            <p>An endpoint is the URL of a receiver. Add one, pick its events, copy its secret, and send it a test.</p>
            {site.may.endpoints.create ? (
              <a class="button primary" href={`${here}/new`}>
                Add the first endpoint
              </a>
            ) : null}
          </Empty>
        </div>
      ) : (
        <div class="card">
          <form method="get" action={here} class="filters" aria-label="Filter endpoints">
            <label>
              Search
              <input type="search" name="q" value={query.q} placeholder="name, URL or event type" autocomplete="off" />
            </label>
            <label>
              State
              <select name="state">
                <option value="">any</option>
                {STATES.map((state) => (
                  <option value={state} selected={state === query.state}>
                    {state}
                  </option>
                ))}
              </select>
            </label>
            <button type="submit">Filter</button>
            {filtered ? <a href={here}>Clear</a> : null}
          </form>
          {shown.length === 0 ? (
            <Empty icon="filter" title="No endpoint matches">
              Look for another word, or <a href={here}>clear the filter</a>.
            </Empty>
          ) : (
            <Rows
              rows={shown}
              columns={columnsOf(here, failing, recent)}
              actions={
                site.may.endpoints.update ? (one) => <Actions site={site} here={here} endpoint={one} /> : undefined
              }
            />
          )}
          <Pager
            next={list.nextCursor === null ? null : withQuery(here, { ...query, cursor: list.nextCursor })}
            first={cursor === undefined ? null : withQuery(here, { ...query })}
            what="endpoints"
          />
        </div>
      )}
    </>,
  );
});
