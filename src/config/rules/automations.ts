import { and, eq, sql } from "drizzle-orm";
import type { AuditEntry } from "../access/audit";
import { database } from "../database";
import { bytesLimit, countLimit, type Limit, stillSo } from "../limits";
import { versionedRows } from "../owned-rows";
import { automations, segments } from "../tables/rules";
import { usesSegment } from "./segment-use";
import type { Segment } from "./segments";

export type AutomationRow = typeof automations.$inferSelect;

/** What a caller may say of an automation. */
export type AutomationFields = Pick<AutomationRow, "name" | "trigger" | "segment" | "actions">;

/** The tenants' automations. */
export const automationRows = versionedRows(automations);

/** The tenant's oldest automation that uses the segment in such a way, or `null`. */
export async function findUserOf(
  d1: D1Database,
  tenant: string,
  segment: string,
  way: "any" | "events",
): Promise<AutomationRow | null> {
  const uses = way === "any" ? usesSegment(segment) : eq(automations.segment, segment);
  const user = await database(d1)
    .select()
    .from(automations)
    .where(and(eq(automations.tenant, tenant), uses))
    .orderBy(automations.id)
    .limit(1)
    .get();
  return user ?? null;
}

/** That the segments which an automation uses are as they were read. */
function sameSegments(read: readonly Segment[]): Limit[] {
  return read.map(({ id, updatedAt }) =>
    stillSo(sql`EXISTS (SELECT 1 FROM ${segments} WHERE id = ${id} AND updated_at = ${updatedAt})`),
  );
}

/** Writes a new automation, which uses these segments. Throws `OverLimit` and `ChangedMeanwhile`. */
export async function insertAutomation(
  d1: D1Database,
  tenant: string,
  id: string,
  fields: AutomationFields,
  uses: readonly Segment[],
  now: number,
  entry: AuditEntry,
): Promise<AutomationRow> {
  const row = { ...fields, id, tenant, createdAt: now, updatedAt: now };
  const limits = [countLimit("automations", tenant), await bytesLimit(d1, tenant), ...sameSegments(uses)];
  return automationRows.insert(d1, row, now, entry, ...limits);
}

/** Changes an automation that still is as it was read. Throws like {@link insertAutomation}. */
export async function updateAutomation(
  d1: D1Database,
  read: AutomationRow,
  change: Partial<AutomationFields>,
  uses: readonly Segment[],
  now: number,
  entry: AuditEntry,
): Promise<AutomationRow> {
  const limits = [await bytesLimit(d1, read.tenant), ...sameSegments(uses)];
  return automationRows.change(d1, read, change, now, entry, ...limits);
}
