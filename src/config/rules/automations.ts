import { and, desc, eq, lt, sql } from "drizzle-orm";
import { type AuditEntry, audited } from "../access/audit";
import { database } from "../database";
import { bytesLimit, countLimit, type Limit, stillSo } from "../limits";
import { automations, segments } from "../tables/rules";
import { laterThan, written } from "../version";
import { usesSegment } from "./segment-use";
import type { Segment } from "./segments";

export type AutomationRow = typeof automations.$inferSelect;

/** What a caller may say of an automation. */
export type AutomationFields = Pick<AutomationRow, "name" | "trigger" | "segment" | "actions">;

function named(tenant: string, id: string) {
  return and(eq(automations.tenant, tenant), eq(automations.id, id));
}

/** The tenant's automation of that id, or `null`. */
export async function findAutomation(d1: D1Database, tenant: string, id: string): Promise<AutomationRow | null> {
  return (await database(d1).select().from(automations).where(named(tenant, id)).get()) ?? null;
}

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

/** Automations of the tenant, newest first, after the id `before`; at most `limit`. */
export async function listAutomations(
  d1: D1Database,
  tenant: string,
  limit: number,
  before: string | null,
): Promise<AutomationRow[]> {
  return database(d1)
    .select()
    .from(automations)
    .where(and(eq(automations.tenant, tenant), before === null ? undefined : lt(automations.id, before)))
    .orderBy(desc(automations.id))
    .limit(limit)
    .all();
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
  const insert = database(d1)
    .insert(automations)
    .values({ ...fields, id, tenant, createdAt: now, updatedAt: now })
    .returning();
  const limits = [countLimit("automations", tenant), await bytesLimit(d1, tenant), ...sameSegments(uses)];
  const [row] = await audited(d1, insert, entry, now, ...limits);
  return row as AutomationRow;
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
  const { tenant, id } = read;
  const update = database(d1)
    .update(automations)
    .set({ ...change, updatedAt: laterThan(read, now) })
    .where(and(named(tenant, id), eq(automations.updatedAt, read.updatedAt)))
    .returning();
  const limits = [await bytesLimit(d1, tenant), ...sameSegments(uses)];
  return written(await audited(d1, update, entry, now, ...limits));
}

/** Deletes an automation that still is as it was read. Throws `ChangedMeanwhile`. */
export async function deleteAutomation(
  d1: D1Database,
  { tenant, id, updatedAt }: AutomationRow,
  now: number,
  entry: AuditEntry,
): Promise<void> {
  const remove = database(d1)
    .delete(automations)
    .where(and(named(tenant, id), eq(automations.updatedAt, updatedAt)))
    .returning({ id: automations.id });
  written(await audited(d1, remove, entry, now));
}
