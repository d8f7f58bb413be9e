import { eq, type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { endpoints } from "./schema";

/**
 * SQL: the version of an endpoint after a change at `now` (ms). It goes by the clock, so that a change made after D1 was
 * set back to an earlier time is newer than all that the endpoint's object has seen.
 */
export function nextVersion(now: number): SQL {
  return sql`max(${endpoints.version} + 1, ${now})`;
}

/** SQL: that a row is as it was read, by the column that every change moves; without what was read: any row is. */
export function asRead(column: SQLiteColumn, read: number | undefined): SQL | undefined {
  return read === undefined ? undefined : eq(column, read);
}

/** SQL: the time of a change at `now` (ms), later than the change before it, so that {@link asRead} tells the two apart. */
export function later(column: SQLiteColumn, now: number): SQL<number> {
  return sql<number>`max(${now}, ${column} + 1)`;
}
