import type { FC } from "hono/jsx";
import { DELIVERY_STATUSES } from "../../contracts/delivery";
import { path, type Site, withQuery } from "../site";
import { type Column, Rows } from "./listing";
import { isFiltered, Log, LogFilter, type LogQuery } from "./log";
import { Empty, Pager } from "./parts";
import { type Delivery, Outcome, StatusPill, WaitReason } from "./pills";
import { Ago } from "./time";

/** Which deliveries are asked for, as the address has it. */
export const DELIVERY_FILTERS = ["status", "event", "code", "since", "until"] as const;
export type DeliveryQuery = LogQuery<(typeof DELIVERY_FILTERS)[number]>;

/** The filter of a log of deliveries. */
export const DeliveryFilter: FC<{ action: string; query: DeliveryQuery; types: readonly string[] }> = ({
  query,
  ...form
}) => (
  <LogFilter
    {...form}
    what="deliveries"
    query={query}
    first={
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
    }
    more={
      <label>
        Code
        <input name="code" value={query.code ?? ""} placeholder="500 or 5xx" autocomplete="off" size={8} />
      </label>
    }
  />
);

/** A log: deliveries, newest first. `names`: the endpoints', when they are not all of one. */
export const DeliveryTable: FC<{
  site: Site;
  tenant: string;
  deliveries: readonly Delivery[];
  now: number;
  names?: ReadonlyMap<string, string>;
}> = ({ site, tenant, deliveries, now, names }) => (
  <Rows
    rows={deliveries}
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
}> = ({ page, query: { cursor, ...kept }, here, short = null, none, seen, ...table }) => {
  const newest = cursor === undefined ? null : withQuery(here, kept);
  const isWhole = page.nextCursor === null || short !== null;
  return (
    <Log live={newest === null ? withQuery(here, { ...kept, limit: short, seen }) : null}>
      {page.data.length > 0 ? (
        <DeliveryTable {...table} deliveries={page.data} />
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
