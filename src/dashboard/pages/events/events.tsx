import { Hono } from "hono";
import type { FC } from "hono/jsx";
import type { Client } from "../../../client/index";
import { apiTime, FilterRefused, localTime } from "../../components/deliveries";
import { PageHead } from "../../components/layout";
import { Card, Empty, Pager } from "../../components/parts";
import { Ago, At } from "../../components/time";
import { readOr } from "../../errors";
import { type SiteContext, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page, part, wantsPart } from "../../write";
import { typeNames } from "../endpoints/endpoint-log";

const FILTERS = ["event", "since", "until"] as const;
type Query = Partial<Record<(typeof FILTERS)[number] | "cursor", string>>;
type List = Awaited<ReturnType<Client["events"]["list"]>>;

function queryOf(c: SiteContext): Query {
  const named = [...FILTERS, "cursor" as const].map((name) => [name, c.req.query(name)?.trim()] as const);
  const query: Query = Object.fromEntries(named.filter(([, value]) => value !== undefined && value !== ""));
  for (const name of ["since", "until"] as const) {
    const time = apiTime(query[name]);
    if (time !== undefined) query[name] = time;
  }
  return query;
}

const EventLog: FC<{ list: List; here: string; query: Query; now: number }> = ({ list, here, query, now }) => {
  const { cursor, ...kept } = query;
  const filtered = FILTERS.some((name) => query[name] !== undefined);
  const live = cursor === undefined && query.until === undefined;
  const older = list.nextCursor === null ? null : withQuery(here, { ...kept, cursor: list.nextCursor });
  return (
    <div
      id="log"
      class="log"
      {...(live
        ? {
            "hx-get": withQuery(here, kept),
            "hx-trigger": "posthorn:tick from:body",
            "hx-swap": "outerHTML",
            "data-live": "",
          }
        : {})}
    >
      {list.data.length > 0 ? (
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">Event</th>
              <th scope="col">Id</th>
              <th scope="col">Happened</th>
              <th scope="col">Time</th>
            </tr>
          </thead>
          <tbody>
            {list.data.map(({ id, event, timestamp }) => (
              <tr>
                <td data-name="Event">
                  <a class="row-link" href={`${here}/${id}`}>
                    <code>{event}</code>
                  </a>
                </td>
                <td data-name="Id" class="clip">
                  <code>{id}</code>
                </td>
                <td data-name="Happened">
                  <Ago at={timestamp} now={now} />
                </td>
                <td data-name="Time">
                  <At at={timestamp} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : list.nextCursor !== null ? (
        <Empty icon="filter" title="None among those looked at so far">
          A page looks at a week and 1,000 events. <a href={older ?? here}>Look further back</a>
        </Empty>
      ) : filtered ? (
        <Empty icon="filter" title="No event matches">
          Loosen the filter, or <a href={here}>clear it</a>.
        </Empty>
      ) : (
        <Empty icon="pulse" title="No events yet">
          Your back end posts them to <code>{`POST /v1/tenants/…/events`}</code>; they appear here the moment they are
          accepted.
        </Empty>
      )}
      <Pager next={older} first={cursor === undefined ? null : withQuery(here, kept)} what="events" />
    </div>
  );
};

/** The events of a tenant, with a live tail. */
export const eventsPages = new Hono<SiteEnv>().get("/tenants/:tenant/events", async (c) => {
  const site = c.get("site");
  const query = queryOf(c);
  const here = tenantPath(c, "events");
  const reading = site.api.events.list(c.req.param("tenant"), { query: { ...query, limit: 50 } });
  const { found, refusal } = await readOr(reading);
  const content =
    refusal !== null ? (
      <FilterRefused refusal={refusal} />
    ) : (
      <EventLog list={found} here={here} query={query} now={Date.now()} />
    );
  if (wantsPart(c)) return part(c, content);
  const types = await typeNames(site);
  return page(
    c,
    { title: "Events", current: "Events", status: refusal === null ? 200 : 422 },
    <>
      <PageHead
        title="Events"
        about="What was posted, newest first. Open one to see who got it, and why others did not."
      />
      <Card>
        <form method="get" action={here} class="filters" aria-label="Filter events">
          <label>
            Event type
            <input name="event" value={query.event ?? ""} list="event-types" autocomplete="off" placeholder="any" />
          </label>
          <label>
            Since <small>UTC</small>
            <input name="since" type="datetime-local" step="1" value={localTime(query.since)} />
          </label>
          <label>
            Until <small>UTC</small>
            <input name="until" type="datetime-local" step="1" value={localTime(query.until)} />
          </label>
          <button type="submit">Filter</button>
          {FILTERS.some((name) => query[name] !== undefined) ? <a href={here}>Clear</a> : null}
          <datalist id="event-types">
            {types.map((type) => (
              <option value={type} />
            ))}
          </datalist>
        </form>
        {query.cursor === undefined && query.until === undefined && refusal === null ? (
          <p class="live-note" data-live-note hidden>
            Live
          </p>
        ) : null}
        {content}
      </Card>
    </>,
  );
});
