import { Hono } from "hono";
import type { FC } from "hono/jsx";
import type { Client } from "../../../client/index";
import { DeliveryFilter, type DeliveryQuery, TENANT_FILTERS } from "../../components/deliveries";
import { PageHead } from "../../components/layout";
import { Rows } from "../../components/listing";
import { FilterRefused, isFiltered, isLive, Log, LogCard, logQuery } from "../../components/log";
import { Empty, Pager } from "../../components/parts";
import { Ago, At } from "../../components/time";
import { readOr } from "../../errors";
import { type SiteEnv, tenantPath, withQuery } from "../../site";
import { page, part, wantsPart } from "../../write";
import { endpointNames } from "../deliveries/deliveries";
import { typeNames } from "../endpoints/endpoint-log";

type List = Awaited<ReturnType<Client["events"]["list"]>>;

const EventLog: FC<{ list: List; here: string; query: DeliveryQuery; now: number }> = ({ list, here, query, now }) => {
  const { cursor, ...kept } = query;
  const live = isLive(query);
  const older = list.nextCursor === null ? null : withQuery(here, { ...kept, cursor: list.nextCursor });
  return (
    <Log live={live ? withQuery(here, kept) : null}>
      {list.data.length > 0 ? (
        <Rows
          rows={list.data}
          columns={[
            {
              name: "Event",
              cell: ({ id, event }) => (
                <a class="row-link" href={`${here}/${id}`}>
                  <code>{event}</code>
                </a>
              ),
            },
            { name: "Id", class: "clip", phone: "away", cell: ({ id }) => <code>{id}</code> },
            { name: "Happened", phone: "state", cell: ({ timestamp }) => <Ago at={timestamp} now={now} /> },
            { name: "Time", cell: ({ timestamp }) => <At at={timestamp} /> },
          ]}
        />
      ) : list.nextCursor !== null ? (
        <Empty icon="filter" title="None among those looked at so far">
          A page looks at a week and 1,000 events. <a href={older ?? here}>Look further back</a>
        </Empty>
      ) : isFiltered(query) ? (
        <Empty icon="filter" title="No event matches">
          Loosen the filter, or <a href={here}>clear it</a>.
          {kept.search === undefined
            ? null
            : " Events are found by their own id, their key, and the values that their type names as searchable."}
        </Empty>
      ) : (
        <Empty icon="pulse" title="No events yet">
          Your back end posts them to <code>{`POST /v1/tenants/…/events`}</code>; they appear here the moment they are
          accepted.
        </Empty>
      )}
      <Pager next={older} first={cursor === undefined ? null : withQuery(here, kept)} what="events" />
    </Log>
  );
};

/** The events of a tenant, with a live tail. */
export const eventsPages = new Hono<SiteEnv>().get("/tenants/:tenant/events", async (c) => {
  const site = c.get("site");
  const query = logQuery(c, TENANT_FILTERS);
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
  const [types, endpoints] = await Promise.all([typeNames(site), endpointNames(site, c.req.param("tenant"))]);
  return page(
    c,
    { title: "Events", current: "Events", refusal },
    <>
      <PageHead
        title="Events"
        about="What was posted, newest first. Open one to see who got it, and why others did not."
      />
      <LogCard
        filter={<DeliveryFilter action={here} what="events" query={query} types={types} endpoints={endpoints} />}
        live={isLive(query) && refusal === null}
      >
        {content}
      </LogCard>
    </>,
  );
});
