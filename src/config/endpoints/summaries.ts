import { and, desc, eq, getTableColumns, gt, inArray, isNull, lt, lte, type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import type { Figures, Summary } from "../../contracts/figures";
import { DAY } from "../../lib/time";
import { database } from "../database";
import { hasIn } from "../has-in";
import { endpointFigures, endpointSummaries, endpoints } from "../tables/endpoints";
import type { EndpointRow } from "./endpoints";

type SummaryRow = typeof endpointSummaries.$inferSelect;

/** A summary as D1 has it, with its sums of the 24 h before `at`. */
export type StoredSummary = Omit<SummaryRow, "figures" | "figuresFrom">;

/** Which of a tenant's endpoints a list is about. */
export interface EndpointFilter {
  state?: "failing" | "waiting" | "held" | "disabled" | undefined;
  /** An event type that it is subscribed to. */
  event?: string | undefined;
  uid?: string | undefined;
  /** A part of its name, URL, `uid` or id. */
  q?: string | undefined;
}

/** What its object tells of an endpoint for D1: how it fares, its hours from `from` on (ms), and days that are over. */
export interface Told {
  summary: Summary;
  /** Of the 24 h before. */
  day: Pick<StoredSummary, "accepted" | "succeeded" | "failed">;
  from: number;
  hours: Figures;
  over: readonly Pick<typeof endpointFigures.$inferSelect, "from" | "until" | "hours" | "days">[];
  /** Figures of before are not kept any more, in ms. */
  keptSince: number;
}

const live = isNull(endpoints.deletedAt);
const { figures: _, figuresFrom: __, ...columns } = getTableColumns(endpointSummaries);
const joined = eq(endpointSummaries.endpoint, endpoints.id);

const STATES: Readonly<Record<NonNullable<EndpointFilter["state"]>, SQL | undefined>> = {
  failing: and(eq(endpoints.enabled, true), eq(endpointSummaries.state, "failing")),
  waiting: sql`${endpointSummaries.waiting} > 0`,
  held: sql`${endpointSummaries.held} > 0`,
  disabled: eq(endpoints.enabled, false),
};

function asked({ state, event, uid, q }: EndpointFilter): (SQL | undefined)[] {
  const listed = sql`EXISTS (SELECT 1 FROM json_each(${endpoints.events}) WHERE value IN (${event ?? ""}, '*'))`;
  const { name, url, id } = endpoints;
  return [
    state && STATES[state],
    event === undefined ? undefined : listed,
    uid === undefined ? undefined : eq(endpoints.uid, uid),
    q ? hasIn(q, name, url, endpoints.uid, id) : undefined,
  ];
}

/** Endpoints of the tenant with their summaries, newest first, after the id `before`; at most `limit`. One query. */
export async function listSummarized(
  d1: D1Database,
  tenant: string,
  filter: EndpointFilter,
  limit: number,
  before: string | null,
): Promise<(EndpointRow & { summary: StoredSummary | null })[]> {
  const beyond = before === null ? undefined : lt(endpoints.id, before);
  const rows = await database(d1)
    .select({ endpoint: getTableColumns(endpoints), summary: columns })
    .from(endpoints)
    .leftJoin(endpointSummaries, joined)
    .where(and(eq(endpoints.tenant, tenant), live, beyond, ...asked(filter)))
    .orderBy(desc(endpoints.id))
    .limit(limit)
    .all();
  return rows.map(({ endpoint, summary }) => ({ ...endpoint, summary }));
}

/** The summaries of these endpoints of the tenant, by their ids; those that have told of nothing yet have none. */
export async function summariesOf(
  d1: D1Database,
  tenant: string,
  ids: readonly string[],
): Promise<Map<string, StoredSummary>> {
  const listed = sql`(SELECT value FROM json_each(${JSON.stringify(ids)}))`;
  const rows = await database(d1)
    .select(columns)
    .from(endpointSummaries)
    .where(and(eq(endpointSummaries.tenant, tenant), inArray(endpointSummaries.endpoint, listed)))
    .all();
  return new Map(rows.map((row) => [row.endpoint, row]));
}

/** An endpoint in trouble, as a page over all tenants shows it. */
export type Troubled = StoredSummary &
  Pick<EndpointRow, "uid" | "name" | "url" | "enabled" | "disabledReason" | "disabledAt">;

/**
 * The endpoints of all tenants of a database that fail, have something waiting or hold something: those that failures
 * disabled first, then failing ones by the share that fails, then the others by how much waits.
 */
export async function troubled(d1: D1Database, { limit }: { limit: number }): Promise<Troubled[]> {
  const { uid, name, url, enabled, disabledReason, disabledAt } = endpoints;
  const { state, failedShare, failingSince, waiting, held } = endpointSummaries;
  const isTroubled = sql`(state = 'failing' OR waiting > 0 OR held > 0)`;
  const rank = sql`CASE WHEN ${enabled} = 0 AND ${disabledReason} <> 'manual' THEN 0 WHEN ${state} = 'failing' THEN 1 ELSE 2 END`;
  return database(d1)
    .select({ ...columns, uid, name, url, enabled, disabledReason, disabledAt })
    .from(endpointSummaries)
    .innerJoin(endpoints, and(joined, live))
    .where(isTroubled)
    .orderBy(rank, desc(sql`coalesce(${failedShare}, 0)`), desc(sql`${waiting} + ${held}`), failingSince)
    .limit(limit)
    .all();
}

/** What a tenant's endpoints told last, added up. Times in ms. */
export interface TenantSums {
  tenant: string;
  endpoints: number;
  failing: number;
  disabled: number;
  waiting: number;
  oldestWaitingAt: number | null;
  held: number;
  lastSuccessAt: number | null;
  /** Of the last day, as far as it was told of within it. */
  accepted: number;
  succeeded: number;
  failed: number;
}

/**
 * Sums by tenant, of those tenants whose endpoints have told of anything: the busiest first, or with `by: "failed"` those
 * with most failures, or these tenants alone. It reads a row for each endpoint.
 */
export async function sumsByTenant(
  d1: D1Database,
  how: { limit: number; now: number; by?: "accepted" | "failed"; tenants?: readonly string[] },
): Promise<TenantSums[]> {
  const { limit, now, by = "accepted", tenants } = how;
  const { tenant, at, state, waiting, oldestWaitingAt, held, lastSuccessAt } = endpointSummaries;
  const lately = (column: SQLiteColumn) => sql<number>`total(iif(${at} > ${now - DAY}, ${column}, 0))`;
  const sums = {
    tenant,
    endpoints: sql<number>`count(*)`,
    failing: sql<number>`total(${state} = 'failing')`,
    disabled: sql<number>`total(${state} = 'disabled')`,
    waiting: sql<number>`total(${waiting})`,
    oldestWaitingAt: sql<number | null>`min(${oldestWaitingAt})`,
    held: sql<number>`total(${held})`,
    lastSuccessAt: sql<number | null>`max(${lastSuccessAt})`,
    accepted: lately(endpointSummaries.accepted),
    succeeded: lately(endpointSummaries.succeeded),
    failed: lately(endpointSummaries.failed),
  };
  const those = tenants && inArray(tenant, sql`(SELECT value FROM json_each(${JSON.stringify(tenants)}))`);
  return database(d1)
    .select(sums)
    .from(endpointSummaries)
    .where(those)
    .groupBy(tenant)
    .orderBy(desc(sums[by]), tenant)
    .limit(limit)
    .all();
}

/** Writes what an endpoint's object tells, unless the endpoint is gone or something newer is there: one row, and one for each part that is over. */
export async function writeSummary(d1: D1Database, tenant: string, endpoint: string, told: Told): Promise<void> {
  const { summary, day, from, hours, over, keptSince } = told;
  const row = { endpoint, tenant, ...summary, ...day, figuresFrom: from, figures: hours };
  const db = database(d1);
  const there = sql`EXISTS (SELECT 1 FROM ${endpoints} WHERE id = ${endpoint} AND deleted_at IS NULL)`;
  const tell = db
    .insert(endpointSummaries)
    .values(row)
    .onConflictDoUpdate({ target: endpointSummaries.endpoint, set: row, setWhere: lte(endpointSummaries.at, row.at) });
  const parts = over.map((part) =>
    db
      .insert(endpointFigures)
      .values({ tenant, endpoint, ...part })
      .onConflictDoUpdate({
        target: [endpointFigures.tenant, endpointFigures.endpoint, endpointFigures.from],
        set: part,
      }),
  );
  const ofThis = and(eq(endpointFigures.tenant, tenant), eq(endpointFigures.endpoint, endpoint));
  const past = db.delete(endpointFigures).where(and(ofThis, lte(endpointFigures.until, keptSince)));
  // Told after its deletion: it is taken away with the rest.
  const none = sql`NOT ${there}`;
  await db.batch([
    tell,
    ...parts,
    ...(over.length > 0 ? [past] : []),
    db.delete(endpointSummaries).where(and(eq(endpointSummaries.endpoint, endpoint), none)),
    ...(over.length > 0 ? [db.delete(endpointFigures).where(and(ofThis, none))] : []),
  ]);
}

/** What is known of a tenant's endpoints by hour: what each told last, and the parts of a span (ms) that are over. */
export interface KnownFigures {
  /** Of all endpoints, newest first; `null`: it has told nothing yet. */
  last: { endpoint: string; told: Pick<SummaryRow, "at" | "oldestWaitingAt" | "figures"> | null }[];
  /** `hours` only where they are asked for: where the part is not all within the span, or with `byHour`. */
  parts: { endpoint: string; hours: Figures | null; days: Figures }[];
}

/** Two queries in one call. */
export async function figuresOf(
  d1: D1Database,
  tenant: string,
  { since, until, byHour }: { since: number; until: number; byHour: boolean },
): Promise<KnownFigures> {
  const db = database(d1);
  const { at, oldestWaitingAt, figures } = endpointSummaries;
  const { from, hours, days } = endpointFigures;
  const isCut = sql`(${byHour ? 1 : 0} OR ${from} < ${since} OR ${endpointFigures.until} > ${until})`;
  const [last, parts] = await db.batch([
    db
      .select({ endpoint: endpoints.id, told: { at, oldestWaitingAt, figures } })
      .from(endpoints)
      .leftJoin(endpointSummaries, joined)
      .where(and(eq(endpoints.tenant, tenant), live))
      .orderBy(desc(endpoints.id)),
    db
      .select({
        endpoint: endpointFigures.endpoint,
        hours: sql<string | null>`iif(${isCut}, ${hours}, NULL)`,
        days: sql<string>`iif(${isCut}, '{}', ${days})`,
      })
      .from(endpointFigures)
      .where(and(eq(endpointFigures.tenant, tenant), lt(from, until), gt(endpointFigures.until, since))),
  ]);
  return {
    last,
    parts: parts.map(({ endpoint, hours, days }) => ({
      endpoint,
      hours: hours === null ? null : (JSON.parse(hours) as Figures),
      days: JSON.parse(days) as Figures,
    })),
  };
}
