import { and, desc, eq, lt } from "drizzle-orm";
import { type AuditEntry, audited } from "./audit";
import { database } from "./database";
import { bytesLimit, countLimit } from "./limits";
import { automations } from "./schema";
import { usesSegment } from "./segment-use";
import { asRead, later } from "./version";

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

/** Writes a new automation. Throws `OverLimit`. */
export async function insertAutomation(
  d1: D1Database,
  tenant: string,
  id: string,
  fields: AutomationFields,
  now: number,
  entry: AuditEntry,
): Promise<AutomationRow> {
  const insert = database(d1)
    .insert(automations)
    .values({ ...fields, id, tenant, createdAt: now, updatedAt: now })
    .returning();
  const limits = [countLimit("automations", tenant), await bytesLimit(d1, tenant)];
  const [row] = await audited(d1, insert, entry, now, ...limits);
  return row as AutomationRow;
}

/** Changes an automation; `null`: there is none such, or it is not as read. Throws `OverLimit`. */
export async function updateAutomation(
  d1: D1Database,
  tenant: string,
  id: string,
  change: Partial<AutomationFields>,
  now: number,
  entry: AuditEntry,
  /** The `updatedAt` that the caller has read; absent: whatever it is. */
  read?: number,
): Promise<AutomationRow | null> {
  const update = database(d1)
    .update(automations)
    .set({ ...change, updatedAt: later(automations.updatedAt, now) })
    .where(and(named(tenant, id), asRead(automations.updatedAt, read)))
    .returning();
  const [updated] = await audited(d1, update, entry, now, await bytesLimit(d1, tenant));
  return updated ?? null;
}

/** Deletes an automation; answers whether there was one. */
export async function deleteAutomation(
  d1: D1Database,
  tenant: string,
  id: string,
  now: number,
  entry: AuditEntry,
  /** The `updatedAt` that the caller has read; absent: whatever it is. */
  read?: number,
): Promise<boolean> {
  const remove = database(d1)
    .delete(automations)
    .where(and(named(tenant, id), asRead(automations.updatedAt, read)))
    .returning({ id: automations.id });
  const deleted = await audited(d1, remove, entry, now);
  return deleted.length > 0;
}
