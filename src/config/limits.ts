import { and, eq, exists, isNull, type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { rootCause } from "../lib/log";
import { database } from "./database";
import { usesSegment } from "./rules/segment-use";
import { endpoints } from "./tables/endpoints";
import { automations, lists, segments, signals } from "./tables/rules";
import { eventTypes } from "./tables/service";
import { ChangedMeanwhile } from "./version";

/**
 * What a tenant may have configured. A limit is checked by a statement at the end of the batch that makes a change: it
 * fails when the change has passed the limit, and so undoes all of it. A batch is one transaction, so that of
 * simultaneous changes none passes the limit beside the others. What else a change was decided by can be checked so, too.
 */

/** The most segments of a tenant, and the most automations, signals and lists. */
export const MAX_OF_EACH = 100;
/** The most event types of a deployment: every isolate that accepts events knows their names. */
export const MAX_EVENT_TYPES = 10_000;
/** The most bytes (UTF-8 of its JSON) that matching loads of a tenant: every isolate that accepts its events keeps them. */
export const MAX_LOADED_BYTES = 262_144;

const COUNTED = { segments, automations, signals, lists };

/** A limit, and what is so when it is passed. */
export interface Limit {
  name: keyof typeof COUNTED | "types" | "bytes" | "changed";
  passed: SQL;
}

/** A change was undone, since it would have passed a limit. */
export class OverLimit extends Error {
  readonly limit: Exclude<Limit["name"], "changed">;

  constructor(limit: OverLimit["limit"]) {
    super(`over the limit of ${limit}`);
    this.limit = limit;
  }
}

/** That the tenant has at most {@link MAX_OF_EACH} of these. */
export function countLimit(name: keyof typeof COUNTED, tenant: string): Limit {
  const table = COUNTED[name];
  return { name, passed: sql`(SELECT count(*) FROM ${table} WHERE ${table.tenant} = ${tenant}) > ${MAX_OF_EACH}` };
}

/** That there are at most {@link MAX_EVENT_TYPES}, unless the one of that name was there before. */
export function typesLimit(type: string): Limit {
  const isNew = sql`(SELECT created_at = updated_at FROM ${eventTypes} WHERE name = ${type})`;
  return { name: "types", passed: sql`${isNew} AND (SELECT count(*) FROM ${eventTypes}) > ${MAX_EVENT_TYPES}` };
}

/**
 * That matching loads at most {@link MAX_LOADED_BYTES} of the tenant; what is more already may stay, and become less.
 */
export async function bytesLimit(d1: D1Database, tenant: string): Promise<Limit> {
  const [before] = await database(d1).all<{ bytes: number }>(sql`SELECT ${loadedBytes(tenant)} AS bytes`);
  const most = Math.max(MAX_LOADED_BYTES, before?.bytes ?? 0);
  return { name: "bytes", passed: sql`${loadedBytes(tenant)} > ${most}` };
}

/** That what the change was decided by is still so. Where it is not, the batch throws `ChangedMeanwhile`. */
export function stillSo(condition: SQL): Limit {
  return { name: "changed", passed: sql`NOT ${condition}` };
}

/** The statement that checks a limit, for the end of a batch. */
export function checkOf(d1: D1Database, { name, passed }: Limit) {
  // No statement fails on demand. A JSON path that is none does, and is named in the error.
  const failure = sql`json_extract('{}', ${`over_limit_of_${name}`})`;
  return database(d1).select({ failure }).from(sql`(SELECT 1)`).where(passed);
}

/** Awaits a batch with such checks. Throws {@link OverLimit} or `ChangedMeanwhile` when one of them has undone it. */
export async function limited<T>(batch: Promise<T>): Promise<T> {
  try {
    return await batch;
  } catch (error) {
    const [, limit] = /over_limit_of_(\w+)/.exec(String(rootCause(error))) ?? [];
    if (limit === undefined) throw error;
    throw limit === "changed" ? new ChangedMeanwhile() : new OverLimit(limit as OverLimit["limit"]);
  }
}

/** SQL: the bytes of what a snapshot is made of, but for names, which are short and may always be changed. */
function loadedBytes(tenant: string): SQL {
  const users = sql`(SELECT 1 FROM ${automations} WHERE ${and(eq(automations.tenant, tenant), usesSegment(segments.id))})`;
  return sql.join(
    [
      bytesOf(
        endpoints,
        [endpoints.events, endpoints.filter],
        and(eq(endpoints.tenant, tenant), isNull(endpoints.deletedAt)),
      ),
      bytesOf(
        automations,
        [automations.trigger, automations.segment, automations.actions],
        eq(automations.tenant, tenant),
      ),
      bytesOf(segments, [segments.filter], and(eq(segments.tenant, tenant), exists(users))),
      bytesOf(
        signals,
        [signals.emit, signals.entity, signals.filter, signals.when, signals.attach],
        eq(signals.tenant, tenant),
      ),
    ],
    sql` + `,
  );
}

function bytesOf(table: SQLiteTable, columns: readonly SQLiteColumn[], which: SQL | undefined): SQL {
  const each = columns.map((column) => sql`coalesce(length(CAST(${column} AS BLOB)), 0)`);
  return sql`(SELECT coalesce(sum(${sql.join(each, sql` + `)}), 0) FROM ${table} WHERE ${which})`;
}
