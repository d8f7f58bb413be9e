import { asc, isNull, lte, sql } from "drizzle-orm";
import { database } from "../database";
import { formerEndpoints } from "../tables/endpoints";

export type FormerEndpoint = Pick<typeof formerEndpoints.$inferSelect, "tenant" | "id">;

/** The most rows that are given a time at once. */
const DATED_AT_ONCE = 100;

/**
 * The endpoints of all tenants that were deleted at or before `before` (ms), the oldest first; at most `limit`. Those of
 * which it was not written down when count from now on.
 */
export async function formerEndpointsUntil(
  d1: D1Database,
  before: number,
  limit: number,
  now: number,
): Promise<FormerEndpoint[]> {
  const db = database(d1);
  const undated = db
    .select({ row: sql`rowid` })
    .from(formerEndpoints)
    .where(isNull(formerEndpoints.removedAt))
    .limit(DATED_AT_ONCE);
  const [, found] = await db.batch([
    db.update(formerEndpoints).set({ removedAt: now }).where(sql`rowid IN ${undated}`),
    db
      .select({ tenant: formerEndpoints.tenant, id: formerEndpoints.id })
      .from(formerEndpoints)
      .where(lte(formerEndpoints.removedAt, before))
      .orderBy(asc(formerEndpoints.removedAt))
      .limit(limit),
  ]);
  return found;
}
