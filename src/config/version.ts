import { type SQL, sql } from "drizzle-orm";
import { endpoints } from "./schema";

/**
 * SQL: the version of an endpoint after a change at `now` (ms). It goes by the clock, so that a change made after D1 was
 * set back to an earlier time is newer than all that the endpoint's object has seen.
 */
export function nextVersion(now: number): SQL {
  return sql`max(${endpoints.version} + 1, ${now})`;
}
