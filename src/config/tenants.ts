import { and, desc, eq, inArray, isNull, sql } from "drizzle-orm";
import type { Day } from "../lib/time";
import { type AuditEntry, audited } from "./audit";
import { database } from "./database";
import {
  apiKeys,
  automations,
  endpoints,
  formerEndpoints,
  listItems,
  lists,
  portalLinks,
  segments,
  signals,
  tenants,
} from "./schema";
import { asRead, later } from "./version";

export type Tenant = typeof tenants.$inferSelect;

/** What may be said of a tenant; the callback secret sealed. */
export type TenantFields = Pick<Tenant, "name"> & Partial<Pick<Tenant, "callbackSecret">>;

const live = isNull(tenants.deletedAt);

/** The tenant of that id, or `null`. */
export async function findTenant(d1: D1Database, id: string): Promise<Tenant | null> {
  const found = await database(d1)
    .select()
    .from(tenants)
    .where(and(eq(tenants.id, id), live))
    .get();
  return found ?? null;
}

/** Where a page of tenants ended. */
export type TenantCursor = Pick<Tenant, "createdAt" | "id">;

/** Tenants, newest first, after `before`; at most `limit`. */
export async function listTenants(d1: D1Database, limit: number, before: TenantCursor | null): Promise<Tenant[]> {
  // As rows, so that a page begins in the index where the one before it ended.
  const beyond = before && sql`(${tenants.createdAt}, ${tenants.id}) < (${before.createdAt}, ${before.id})`;
  return database(d1)
    .select()
    .from(tenants)
    .where(and(live, beyond ?? undefined))
    .orderBy(desc(tenants.createdAt), desc(tenants.id))
    .limit(limit)
    .all();
}

/** Creates a tenant; `null` when there is one of that id, be it on its way out. */
export async function insertTenant(
  d1: D1Database,
  id: string,
  fields: TenantFields,
  now: number,
  entry: AuditEntry,
): Promise<Tenant | null> {
  const insert = database(d1)
    .insert(tenants)
    .values({ ...fields, id, createdAt: now, updatedAt: now })
    .onConflictDoNothing()
    .returning();
  const [row] = await audited(d1, insert, entry, now);
  return row ?? null;
}

/** Changes a tenant; `null`: there is none such. */
export async function updateTenant(
  d1: D1Database,
  id: string,
  change: Partial<TenantFields>,
  now: number,
  entry: AuditEntry,
  /** The `updatedAt` that the caller has read; absent: whatever it is. */
  read?: number,
): Promise<Tenant | null> {
  const update = database(d1)
    .update(tenants)
    .set({ ...change, updatedAt: later(tenants.updatedAt, now) })
    .where(and(eq(tenants.id, id), live, asRead(tenants.updatedAt, read)))
    .returning();
  const [row] = await audited(d1, update, entry, now);
  return row ?? null;
}

/**
 * The first step of a deletion: from here on nobody finds the tenant. Answers its row, also when it has been marked
 * before and the deletion did not come to its end. `null`: there is none such.
 */
export async function markTenantDeleted(
  d1: D1Database,
  id: string,
  now: number,
  entry: AuditEntry,
): Promise<(Tenant & { deletedAt: number }) | null> {
  const mark = database(d1)
    .update(tenants)
    .set({ deletedAt: now })
    .where(and(eq(tenants.id, id), live));
  await audited(d1, mark, entry, now);
  const row = await database(d1).select().from(tenants).where(eq(tenants.id, id)).get();
  return (row as (Tenant & { deletedAt: number }) | undefined) ?? null;
}

/** Notes how far a deletion came: this day's log and all later ones are erased. */
export async function noteErased(d1: D1Database, id: string, day: Day): Promise<void> {
  await database(d1).update(tenants).set({ erasedDay: day }).where(eq(tenants.id, id)).run();
}

/** Endpoints whose objects may hold something, deleted ones included; at most `limit`. */
export async function endpointsToErase(d1: D1Database, tenant: string, limit: number): Promise<string[]> {
  const db = database(d1);
  const [configured, former] = await db.batch([
    db.select({ id: endpoints.id }).from(endpoints).where(eq(endpoints.tenant, tenant)).limit(limit),
    db.select({ id: formerEndpoints.id }).from(formerEndpoints).where(eq(formerEndpoints.tenant, tenant)).limit(limit),
  ]);
  return [...configured, ...former].slice(0, limit).map(({ id }) => id);
}

/** Notes that an endpoint's object is erased. */
export async function forgetEndpoint(d1: D1Database, tenant: string, id: string): Promise<void> {
  const db = database(d1);
  await db.batch([
    db.delete(endpoints).where(and(eq(endpoints.tenant, tenant), eq(endpoints.id, id))),
    db.delete(formerEndpoints).where(and(eq(formerEndpoints.tenant, tenant), eq(formerEndpoints.id, id))),
  ]);
}

/** The last step of a deletion. */
export async function removeTenant(d1: D1Database, id: string): Promise<void> {
  const db = database(d1);
  const own = db.select({ id: lists.id }).from(lists).where(eq(lists.tenant, id));
  await db.batch([
    db.delete(listItems).where(inArray(listItems.list, own)),
    db.delete(lists).where(eq(lists.tenant, id)),
    db.delete(signals).where(eq(signals.tenant, id)),
    db.delete(automations).where(eq(automations.tenant, id)),
    db.delete(segments).where(eq(segments.tenant, id)),
    db.delete(apiKeys).where(eq(apiKeys.tenant, id)),
    db.delete(portalLinks).where(eq(portalLinks.tenant, id)),
    db.delete(tenants).where(eq(tenants.id, id)),
  ]);
}
