import type { FC } from "hono/jsx";
import { DELIVERY_STATUSES } from "../../contracts/delivery";
import type { Refusal } from "../errors";
import { path, type Site } from "../site";
import { Empty, Notice, Pager } from "./parts";
import { type Delivery, Outcome, StatusPill } from "./state";
import { Ago } from "./time";

/** Which deliveries are asked for, as the address has it. */
export const DELIVERY_FILTERS = ["status", "event", "code", "since", "until"] as const;
export type DeliveryQuery = Partial<Record<(typeof DELIVERY_FILTERS)[number] | "cursor", string>>;

/** The filter of a log; it stays in the address. */
export const DeliveryFilterForm: FC<{ action: string; query: DeliveryQuery; types: readonly string[] }> = ({
  action,
  query,
  types,
}) => (
  <form method="get" action={action} class="filters" aria-label="Filter deliveries">
    <label>
      Status
      <select name="status">
        <option value="">any</option>
        {DELIVERY_STATUSES.map((status) => (
          <option value={status} selected={status === query.status}>
            {status}
          </option>
        ))}
        <option value="failed,held" selected={query.status === "failed,held"}>
          failed or held
        </option>
      </select>
    </label>
    <label>
      Event type
      <input name="event" value={query.event ?? ""} list="event-types" autocomplete="off" placeholder="any" />
    </label>
    <label>
      Code
      <input name="code" value={query.code ?? ""} placeholder="500 or 5xx" autocomplete="off" size={8} />
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
    {isFiltered(query) ? <a href={action}>Clear</a> : null}
    <datalist id="event-types">
      {types.map((type) => (
        <option value={type} />
      ))}
    </datalist>
  </form>
);

/** Whether a query leaves anything out. */
export function isFiltered(query: DeliveryQuery): boolean {
  return DELIVERY_FILTERS.some((name) => (query[name] ?? "") !== "");
}

/** A time as the browser's field for it has it: without a zone, in UTC. */
export function localTime(time: string | undefined): string {
  return time?.replace(/(\.\d+)?Z$/, "") ?? "";
}

/** A time out of such a field as the API takes it. What is no time is left for the API to refuse. */
export function apiTime(text: string | undefined): string | undefined {
  if (text === undefined || text === "") return undefined;
  const whole = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(text) ? `${text}:00` : text;
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$/.test(whole) ? `${whole}Z` : whole;
}

/** Why a log's filter was refused: in the log's place, with the form above as it was filled in. */
export const FilterRefused: FC<{ refusal: Refusal }> = ({ refusal: { detail, errors } }) => (
  <div id="log" class="log">
    <Notice tone="bad">
      <p>
        <strong>The filter was refused.</strong> {errors.length === 0 ? detail : null}
      </p>
      {errors.length === 0 ? null : (
        <ul>
          {errors.map(({ path: at, message }) => (
            <li>
              <code>{at}</code> {message}
            </li>
          ))}
        </ul>
      )}
    </Notice>
  </div>
);

/** A log: deliveries, newest first. `names`: the endpoints', when they are not all of one. */
export const DeliveryTable: FC<{
  site: Site;
  tenant: string;
  deliveries: readonly Delivery[];
  now: number;
  names?: ReadonlyMap<string, string>;
}> = ({ site, tenant, deliveries, now, names }) => (
  <table class="rows">
    <thead>
      <tr>
        <th scope="col">Status</th>
        <th scope="col">Event</th>
        {names === undefined ? null : <th scope="col">Endpoint</th>}
        <th scope="col">Last answer</th>
        <th scope="col" class="number">
          Attempts
        </th>
        <th scope="col">Accepted</th>
        <th scope="col">Next</th>
      </tr>
    </thead>
    <tbody>
      {deliveries.map((delivery) => (
        <tr>
          <td data-name="Status">
            <StatusPill delivery={delivery} />
          </td>
          <td data-name="Event">
            <a href={deliveryHref(site, tenant, delivery)} class="row-link">
              <code>{delivery.event}</code>
            </a>
          </td>
          {names === undefined ? null : (
            <td data-name="Endpoint" class="clip">
              <a href={path(site.base, "tenants", tenant, "endpoints", delivery.endpoint)}>
                {names.get(delivery.endpoint) ?? delivery.endpoint}
              </a>
            </td>
          )}
          <td data-name="Last answer">
            <Outcome code={delivery.lastStatusCode} error={delivery.lastError} />
          </td>
          <td data-name="Attempts" class="number">
            {delivery.attempts}
          </td>
          <td data-name="Accepted">
            <Ago at={delivery.createdAt} now={now} />
          </td>
          <td data-name="Next">
            {delivery.nextAttemptAt === null ? (
              <span class="muted">—</span>
            ) : (
              <Ago at={delivery.nextAttemptAt} now={now} />
            )}
          </td>
        </tr>
      ))}
    </tbody>
  </table>
);

/** The page of a delivery. */
export function deliveryHref(site: Site, tenant: string, { endpoint, id }: Pick<Delivery, "endpoint" | "id">): string {
  return path(site.base, "tenants", tenant, "endpoints", endpoint, "deliveries", id);
}

/** A log as a part of a page that replaces itself while it shows the newest. `live`: where it is had from. */
export const DeliveryLog: FC<{
  site: Site;
  tenant: string;
  page: { data: readonly Delivery[]; nextCursor: string | null };
  now: number;
  query: DeliveryQuery;
  live: string | null;
  older: string | null;
  newest: string | null;
  none: string;
  names?: ReadonlyMap<string, string>;
}> = ({ site, tenant, page, now, query, live, older, newest, none, names }) => (
  <div
    id="log"
    class="log"
    {...(live === null
      ? {}
      : { "hx-get": live, "hx-trigger": "posthorn:tick from:body", "hx-swap": "outerHTML", "data-live": "" })}
  >
    {page.data.length > 0 ? (
      <DeliveryTable site={site} tenant={tenant} deliveries={page.data} now={now} {...(names ? { names } : {})} />
    ) : isFiltered(query) || newest !== null ? (
      <Empty icon="filter" title="No delivery matches">
        {page.nextCursor === null
          ? "None is like that. Loosen the filter, or clear it."
          : "None among the deliveries looked at so far: there are older ones."}
      </Empty>
    ) : (
      <Empty icon="send" title="No deliveries yet">
        {none}
      </Empty>
    )}
    <Pager next={older} first={newest} what="deliveries" />
  </div>
);
