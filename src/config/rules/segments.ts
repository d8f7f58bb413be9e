import { and, desc, eq, lt, notExists, sql } from "drizzle-orm";
import { type AuditEntry, audited } from "../access/audit";
import { database } from "../database";
import { bytesLimit, countLimit, stillSo } from "../limits";
import { automations, segments } from "../tables/rules";
import { laterThan, written } from "../version";
import { usesSegment } from "./segment-use";

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

/**
 * Changes a segment that still is as it was read. `unused`: it was decided that no automation applies it to events.
 * Throws `OverLimit` and `ChangedMeanwhile`.
 */
export async function updateSegment(
  d1: D1Database,
  read: Segment,
  change: Partial<SegmentFields>,
  unused: boolean,
  now: number,
  entry: AuditEntry,
): Promise<Segment> {
  const { tenant, id } = read;
  const db = database(d1);
  const update = db
    .update(segments)
    .set({ ...change, updatedAt: laterThan(read, now) })
    .where(and(named(tenant, id), eq(segments.updatedAt, read.updatedAt)))
    .returning();
  const users = db
    .select({ id: automations.id })
    .from(automations)
    .where(and(eq(automations.tenant, tenant), eq(automations.segment, id)));
  const checks = unused ? [stillSo(sql`NOT EXISTS ${users}`)] : [];
  return written(await audited(d1, update, entry, now, await bytesLimit(d1, tenant), ...checks));
}

/** Deletes a segment that still is as it was read unless an automation uses it; answers whether it did. */
export async function deleteSegment(
  d1: D1Database,
  { tenant, id, updatedAt }: Segment,
  now: number,
  entry: AuditEntry,
): Promise<boolean> {
  const db = database(d1);
  const users = db
    .select({ id: automations.id })
    .from(automations)
    .where(and(eq(automations.tenant, tenant), usesSegment(id)));
  const remove = db
    .delete(segments)
    .where(and(named(tenant, id), eq(segments.updatedAt, updatedAt), notExists(users)))
    .returning({ id: segments.id });
  const deleted = await audited(d1, remove, entry, now);
  return deleted.length > 0;
}
