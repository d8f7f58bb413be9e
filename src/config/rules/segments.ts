import { and, eq, notExists, sql } from "drizzle-orm";
import type { AuditEntry } from "../access/audit";
import { database } from "../database";
import { bytesLimit, countLimit, stillSo } from "../limits";
import { versionedRows } from "../owned-rows";
import { automations, segments } from "../tables/rules";
import { usesSegment } from "./segment-use";

export type Segment = typeof segments.$inferSelect;

/** What a caller may say of a segment. */
export type SegmentFields = Pick<Segment, "name" | "filter">;

/** The tenants' segments. */
export const segmentRows = versionedRows(segments);

/** Writes a new segment. Throws `OverLimit`. */
export async function insertSegment(
  d1: D1Database,
  tenant: string,
  id: string,
  fields: SegmentFields,
  now: number,
  entry: AuditEntry,
): Promise<Segment> {
  const row = { ...fields, id, tenant, createdAt: now, updatedAt: now };
  return segmentRows.insert(d1, row, now, entry, countLimit("segments", tenant));
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
  const users = database(d1)
    .select({ id: automations.id })
    .from(automations)
    .where(and(eq(automations.tenant, tenant), eq(automations.segment, id)));
  const checks = unused ? [stillSo(sql`NOT EXISTS ${users}`)] : [];
  return segmentRows.change(d1, read, change, now, entry, await bytesLimit(d1, tenant), ...checks);
}

/** Deletes a segment that still is as it was read unless an automation uses it; answers whether it did. */
export async function deleteSegment(d1: D1Database, read: Segment, now: number, entry: AuditEntry): Promise<boolean> {
  const users = database(d1)
    .select({ id: automations.id })
    .from(automations)
    .where(and(eq(automations.tenant, read.tenant), usesSegment(read.id)));
  return segmentRows.remove(d1, read.tenant, read.id, now, entry, segmentRows.asRead(read), notExists(users));
}
