import { and, desc, eq, isNull, lt } from "drizzle-orm";
import { DAY } from "../../lib/time";
import { database } from "../database";
import { endpoints, recoveries } from "../tables/endpoints";

/** How long a recovery is found over all endpoints, in ms. */
const KEPT = 31 * DAY;

/** Notes that an endpoint of the tenant has a recovery, whose object knows all else of it. */
export async function noteRecovery(
  d1: D1Database,
  row: { id: string; tenant: string; endpoint: string },
  now: number,
): Promise<void> {
  const db = database(d1);
  await db.batch([
    db
      .insert(recoveries)
      .values({ ...row, at: now })
      .onConflictDoNothing(),
    db.delete(recoveries).where(and(eq(recoveries.tenant, row.tenant), lt(recoveries.at, now - KEPT))),
  ]);
}

/** The latest recoveries of the tenant's endpoints, newest first; at most `limit`. */
export async function latestRecoveries(
  d1: D1Database,
  tenant: string,
  limit: number,
): Promise<{ id: string; endpoint: string }[]> {
  return database(d1)
    .select({ id: recoveries.id, endpoint: recoveries.endpoint })
    .from(recoveries)
    .innerJoin(endpoints, and(eq(endpoints.id, recoveries.endpoint), isNull(endpoints.deletedAt)))
    .where(eq(recoveries.tenant, tenant))
    .orderBy(desc(recoveries.id))
    .limit(limit)
    .all();
}
