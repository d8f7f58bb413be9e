import type { FC } from "hono/jsx";
import { DELIVERY_STATUSES } from "../../contracts/delivery";
import { path, type Site, withQuery } from "../site";
import { Token } from "./form";
import { type Column, Rows } from "./listing";
import { isFiltered, isLive, Log, LogFilter, type LogQuery } from "./log";
import { Empty, Pager } from "./parts";
import { type Delivery, Outcome, StatusPill, WaitReason } from "./pills";
import { Ago } from "./time";

/** Which deliveries are asked for, as the address has it. */
export const DELIVERY_FILTERS = ["status", "event", "code", "since", "until"] as const;
/** The same over all endpoints, of deliveries and of events. */
export const TENANT_FILTERS = [...DELIVERY_FILTERS, "endpoint", "search"] as const;
export type DeliveryQuery = LogQuery<(typeof TENANT_FILTERS)[number]>;

/** From how many endpoints on one is typed, with proposals, rather than chosen. */
const CHOSEN = 250;

const EndpointChoice: FC<{ value: string | undefined; endpoints: ReadonlyMap<string, string> }> = ({
  value = "",
  endpoints,
}) =>
  endpoints.size > CHOSEN ? (
    <label>
      Endpoint
      <input name="endpoint" value={value} list="endpoints" autocomplete="off" placeholder="any: its id" />
      <datalist id="endpoints">
        {[...endpoints].map(([id, name]) => (
          <option value={id}>{name}</option>
        ))}
      </datalist>
    </label>
  ) : (
    <label>
      Endpoint
      <select name="endpoint">
        <option value="">any</option>
        {[...endpoints, ...(value === "" || endpoints.has(value) ? [] : [[value, value] as const])].map(
          ([id, name]) => (
            <option value={id} selected={id === value}>
              {name}
            </option>
          ),
        )}
      </select>
    </label>
  );

/** The filter of a log of deliveries, or of `what`. `endpoints`: their names by id, where they are not all of one. */
export const DeliveryFilter: FC<{
  action: string;
  query: DeliveryQuery;
  types: readonly string[];
  endpoints?: ReadonlyMap<string, string>;
  what?: string;
}> = ({ query, endpoints, what = "deliveries", ...form }) => (
  <LogFilter
    {...form}
    what={what}
    query={query}
    first={
      <>
        {endpoints === undefined ? null : (
          <>
            <label title="An event's own id, its key, or a value that its type names as searchable">
              Found by
              <input
                name="search"
                type="search"
                value={query.search ?? ""}
                maxlength={255}
                autocomplete="off"
                placeholder="order 4711"
                size={14}
              />
            </label>
            <EndpointChoice value={query.endpoint} endpoints={endpoints} />
          </>
        )}
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
      </>
    }
    more={
      <label>
        Code
        <input name="code" value={query.code ?? ""} placeholder="500 or 5xx" autocomplete="off" size={8} />
      </label>
    }
  />
);

/** The form of what is selected in a log, outside of which its fields stand. */
const SELECTED = "selected";

/** Chooses a delivery of a log. */
const Select: FC<{ delivery: Delivery }> = ({ delivery: { endpoint, id, event, createdAt } }) => (
  <input
    type="checkbox"
    form={SELECTED}
    name="delivery"
    value={`${endpoint}/${id}`}
    aria-label={`Select ${event} of ${createdAt}`}
  />
);

/**
 * A log: deliveries, newest first. `names`: the endpoints', when they are not all of one; `selects`: whether they can be
 * selected.
 */
export const DeliveryTable: FC<{
  site: Site;
  tenant: string;
  deliveries: readonly Delivery[];
  now: number;
  names?: ReadonlyMap<string, string>;
  selects?: boolean;
}> = ({ site, tenant, deliveries, now, names, selects = false }) => (
  <Rows
    rows={deliveries}
    actions={selects ? (delivery) => <Select delivery={delivery} /> : undefined}
    columns={[
      { name: "Status", phone: "state", cell: (delivery) => <StatusPill delivery={delivery} short /> },
      {
        name: "Event",
        phone: "lead",
        cell: (delivery) => (
          <a href={deliveryHref(site, tenant, delivery)} class="row-link" data-drawer>
            <code>{delivery.event}</code>
          </a>
        ),
      },
      ...(names === undefined
        ? []
        : [
            {
              name: "Endpoint",
              class: "clip",
              cell: ({ endpoint }) => (
                <a href={path(site.base, "tenants", tenant, "endpoints", endpoint)}>
                  {names.get(endpoint) ?? endpoint}
                </a>
              ),
            } satisfies Column<Delivery>,
          ]),
      ...OUTCOME,
      { name: "Accepted", cell: ({ createdAt }) => <Ago at={createdAt} now={now} /> },
      {
        name: "Next",
        phone: "named",
        cell: ({ nextAttemptAt: at, waitReason }) =>
          at === null ? (
            <span class="muted none">—</span>
          ) : (
            <>
              <Ago at={at} now={now} />
              <WaitReason reason={waitReason} />
            </>
          ),
      },
    ]}
  />
);

/** How deliveries went, in columns. */
export const OUTCOME: readonly Column<Delivery>[] = [
  {
    name: "Last answer",
    cell: ({ lastStatusCode, lastError }) => <Outcome code={lastStatusCode} error={lastError} />,
  },
  { name: "Attempts", class: "number", cell: ({ attempts }) => attempts },
];

/** The page of a delivery. */
export function deliveryHref(site: Site, tenant: string, { endpoint, id }: Pick<Delivery, "endpoint" | "id">): string {
  return path(site.base, "tenants", tenant, "endpoints", endpoint, "deliveries", id);
}

/**
 * A log of deliveries. `here`: its page; `short`: only the newest few are shown; `none`: what is said where there are none at
 * all.
 */
export const DeliveryLog: FC<{
  site: Site;
  tenant: string;
  page: { data: readonly Delivery[]; nextCursor: string | null };
  now: number;
  query: DeliveryQuery;
  here: string;
  short?: number | null;
  none: string;
  names?: ReadonlyMap<string, string>;
  /** What the look for news says that it has. */
  seen?: string;
}> = ({ page, query, here, short = null, none, seen, ...table }) => {
  const { cursor, ...kept } = query;
  const newest = cursor === undefined ? null : withQuery(here, kept);
  const isWhole = page.nextCursor === null || short !== null;
  const { site, tenant } = table;
  const selects = short === null && site.may.deliveries.resend;
  return (
    <Log live={isLive(query) ? withQuery(here, { ...kept, limit: short, seen }) : null}>
      {page.data.length > 0 ? (
        <>
          <DeliveryTable {...table} deliveries={page.data} selects={selects} />
          {selects ? (
            <form method="post" id={SELECTED} action={path(site.base, "tenants", tenant, "deliveries", "resend")}>
              <Token visit={site} />
              <button type="submit">Resend selected …</button>
            </form>
          ) : null}
        </>
      ) : isFiltered(kept) || newest !== null ? (
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
      <Pager
        next={isWhole ? null : withQuery(here, { ...kept, cursor: page.nextCursor })}
        first={newest}
        what="deliveries"
      />
    </Log>
  );
};
