import { Hono } from "hono";
import type { FC } from "hono/jsx";
import { byHarm, type Summarized } from "../../components/figures/incidents";
import { Act } from "../../components/form";
import { Icon } from "../../components/icon";
import { PageHead } from "../../components/layout";
import { type Column, Rows } from "../../components/listing";
import { FilterRefused } from "../../components/log";
import { Empty, Pager } from "../../components/parts";
import { type Endpoint, nameOf } from "../../components/pills";
import { readOr } from "../../errors";
import { type Site, type SiteContext, type SiteEnv, tenantPath, withQuery } from "../../site";
import { page } from "../../write";
import { faresColumns, hoursOf } from "./endpoint-rows";

/** As many as the API answers at once: the worst of them stand first. */
const PAGE_SIZE = 250;

const STATES = ["failing", "waiting", "held", "disabled"] as const;
const FILTERS = ["q", "state", "event"] as const;

/** What it is, and what it is sent. */
function whatColumn(here: string): Column<Summarized> {
  return {
    name: "Endpoint",
    class: "main-cell",
    cell: ({ id, name, url, events, filter }) => (
      <>
        <a href={`${here}/${id}`} class="row-link">
          {nameOf({ name, url })}
        </a>
        <small class="muted clip" title={events.join(", ")}>
          {`${saidOf(events)}${filter === null ? "" : ", filtered"} · ${url}`}
        </small>
      </>
    ),
  };
}

function saidOf([first, ...others]: readonly string[]): string {
  if (first === undefined) return "by automations only";
  if (first === "*") return "all events";
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}

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
  const now = Date.now();
  const query = Object.fromEntries(FILTERS.map((name) => [name, (c.req.query(name) ?? "").trim()])) as Record<
    (typeof FILTERS)[number],
    string
  >;
  const asked = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ""));
  const filtered = Object.keys(asked).length > 0;
  const cursor = c.req.query("cursor");
  const here = tenantPath(c, "endpoints");
  const [{ found, refusal }, hours] = await Promise.all([
    readOr(
      site.api.endpoints.list(tenant, {
        query: { ...asked, include: "summary", limit: PAGE_SIZE, ...(cursor === undefined ? {} : { cursor }) },
      }),
    ),
    hoursOf(site, tenant, now),
  ]);
  const list = refusal === null ? found : { data: [], nextCursor: null };
  const shown = byHarm(list.data, now, hours);
  return page(
    c,
    { title: "Endpoints", current: "Endpoints", refusal },
    <>
      <PageHead title="Endpoints" about="Where events are sent: a URL, a secret, and the event types it wants.">
        {site.may.endpoints.create ? (
          <a class="button primary" href={`${here}/new`}>
            <Icon name="plus" /> New endpoint
          </a>
        ) : null}
      </PageHead>
      {list.data.length === 0 && cursor === undefined && !filtered ? (
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
              <input type="search" name="q" value={query.q} placeholder="name, URL or uid" autocomplete="off" />
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
            <label>
              Event type
              <input name="event" value={query.event} placeholder="any" autocomplete="off" size={16} />
            </label>
            <button type="submit">Filter</button>
            {filtered ? <a href={here}>Clear</a> : null}
          </form>
          {refusal !== null ? (
            <FilterRefused refusal={refusal} />
          ) : shown.length === 0 ? (
            <Empty icon="filter" title="No endpoint matches">
              Look for another word, or <a href={here}>clear the filter</a>.
            </Empty>
          ) : (
            <Rows
              rows={shown}
              columns={[whatColumn(here), ...faresColumns(now, hours)]}
              actions={
                site.may.endpoints.update ? (one) => <Actions site={site} here={here} endpoint={one} /> : undefined
              }
            />
          )}
          <Pager
            next={list.nextCursor === null ? null : withQuery(here, { ...query, cursor: list.nextCursor })}
            first={cursor === undefined ? null : withQuery(here, query)}
            what="endpoints"
          />
        </div>
      )}
    </>,
  );
});
