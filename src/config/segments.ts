import { and, desc, eq, lt, notExists } from "drizzle-orm";
import { type AuditEntry, audited } from "./audit";
import { database } from "./database";
import { bytesLimit, countLimit } from "./limits";
import { automations, segments } from "./schema";
import { usesSegment } from "./segment-use";
import { asRead, later } from "./version";

export type Segment = typeof segments.$inferSelect;

/** What a caller may say of a segment. */
export type SegmentFields = Pick<Segment, "name" | "filter">;

function named(tenant: string, id: string) {
  return and(eq(segments.tenant, tenant), eq(segments.id, id));
}

/** The tenant's segment of that id, or `null`. */
export async function findSegment(d1: D1Database, tenant: string, id: string): Promise<Segment | null> {
  return (await database(d1).select().from(segments).where(named(tenant, id)).get()) ?? null;
}

/** Segments of the tenant, newest first, after the id `before`; at most `limit`. */
export async function listSegments(
  d1: D1Database,
  tenant: string,
  limit: number,
  before: string | null,
): Promise<Segment[]> {
  return database(d1)
    .select()
    .from(segments)
    .where(and(eq(segments.tenant, tenant), before === null ? undefined : lt(segments.id, before)))
    .orderBy(desc(segments.id))
    .limit(limit)
    .all();
}

/** Writes a new segment. Throws `OverLimit`. */
export async function insertSegment(
  d1: D1Database,
  tenant: string,
  id: string,
  fields: SegmentFields,
  now: number,
  entry: AuditEntry,
): Promise<Segment> {
  const insert = database(d1)
    .insert(segments)
    .values({ ...fields, id, tenant, createdAt: now, updatedAt: now })
    .returning();
  const [row] = await audited(d1, insert, entry, now, countLimit("segments", tenant));
  return row as Segment;
}

/** Changes a segment; `null`: there is none such, or it is not as read. Throws `OverLimit`. */
export async function updateSegment(
  d1: D1Database,
  tenant: string,
  id: string,
  change: Partial<SegmentFields>,
  now: number,
  entry: AuditEntry,
  /** The `updatedAt` that the caller has read; absent: whatever it is. */
  read?: number,
): Promise<Segment | null> {
  const update = database(d1)
    .update(segments)
    .set({ ...change, updatedAt: later(segments.updatedAt, now) })
    .where(and(named(tenant, id), asRead(segments.updatedAt, read)))
    .returning();
  const [updated] = await audited(d1, update, entry, now, await bytesLimit(d1, tenant));
  return updated ?? null;
}

/** Deletes a segment unless an automation uses it; answers whether it did. */
export async function deleteSegment(
  d1: D1Database,
  tenant: string,
  id: string,
  now: number,
  entry: AuditEntry,
  /** The `updatedAt` that the caller has read; absent: whatever it is. */
  read?: number,
): Promise<boolean> {
  const db = database(d1);
  const users = db
    .select({ id: automations.id })
    .from(automations)
    .where(and(eq(automations.tenant, tenant), usesSegment(id)));
  const remove = db
    .delete(segments)
    .where(and(named(tenant, id), asRead(segments.updatedAt, read), notExists(users)))
    .returning({ id: segments.id });
  const deleted = await audited(d1, remove, entry, now);
  return deleted.length > 0;
}
