import { and, count, desc, eq, exists, inArray, isNotNull, isNull, sql } from "drizzle-orm";
import type { Env } from "../contracts/env";
import { OPERATOR_TENANT } from "../lib/operator";
import type { Day } from "../lib/time";
import { type AuditEntry, audited, auditOfLast, logChange } from "./access/audit";
import { database } from "./database";
import { configOf, databasesOf, demandBound, listOverAll } from "./databases";
import { withoutFigures } from "./endpoints/endpoints";
import { hasIn } from "./has-in";
import { checkOf, limited, stillSo } from "./limits";
import { apiKeys, portalLinks } from "./tables/access";
import { endpoints, formerEndpoints } from "./tables/endpoints";
import { automations, listItems, lists, segments, signals } from "./tables/rules";
import { tenants } from "./tables/service";
import { ChangedMeanwhile, laterThan, written } from "./version";

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

/**
 * The tenant of that id, in whichever database it is; `null`: there is none, so that what is left of it may be erased.
 * Throws where it is in a database that is not bound.
 */
export async function tenantAnywhere(env: Env, id: string): Promise<Tenant | null> {
  const found = await findTenant(await configOf(env, id), id);
  if (found === null) await demandBound(env, id);
  return found;
}

/** Where a page of tenants ended. */
export type TenantCursor = Pick<Tenant, "createdAt" | "id">;

/** Tenants, newest first, after `before`; at most `limit`. `text`: only those that have it in their id or name. */
export async function listTenants(
  d1: D1Database,
  limit: number,
  before: TenantCursor | null,
  text?: string,
): Promise<Tenant[]> {
  // As rows, so that a page begins in the index where the one before it ended.
  const beyond = before && sql`(${tenants.createdAt}, ${tenants.id}) < (${before.createdAt}, ${before.id})`;
  return database(d1)
    .select()
    .from(tenants)
    .where(and(live, beyond ?? undefined, text === undefined ? undefined : hasIn(text, tenants.id, tenants.name)))
    .orderBy(desc(tenants.createdAt), desc(tenants.id))
    .limit(limit)
    .all();
}

/** Tenants of all databases, likewise. Each has the row of the service's own tenant, which is in the first. */
export async function listAllTenants(
  env: Env,
  limit: number,
  before: TenantCursor | null,
  text?: string,
): Promise<Tenant[]> {
  const [first] = databasesOf(env);
  const read = async (d1: D1Database) => {
    // One more where that row goes.
    const rows = await listTenants(d1, d1 === first ? limit : limit + 1, before, text);
    return d1 === first ? rows : rows.filter(({ id }) => id !== OPERATOR_TENANT);
  };
  const ahead = (a: Tenant, b: Tenant) => a.createdAt > b.createdAt || (a.createdAt === b.createdAt && a.id > b.id);
  return listOverAll(env, limit, read, ahead);
}

/** How many endpoints each of these tenants has; who has none is left out. */
export async function endpointCounts(d1: D1Database, ids: readonly string[]): Promise<Map<string, number>> {
  const rows = await database(d1)
    .select({ tenant: endpoints.tenant, n: count() })
    .from(endpoints)
    .where(
      and(
        sql`${endpoints.tenant} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`,
        isNull(endpoints.deletedAt),
      ),
    )
    .groupBy(endpoints.tenant)
    .all();
  return new Map(rows.map(({ tenant, n }) => [tenant, n]));
}

/** What these tenants are called, in whichever database they are. */
export async function namesOf(env: Env, ids: readonly string[]): Promise<Map<string, string>> {
  const { id, name } = tenants;
  const its = sql`${id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`;
  const found = databasesOf(env).map((d1) =>
    database(d1).select({ id, name }).from(tenants).where(and(its, live)).all(),
  );
  return new Map((await Promise.all(found)).flat().map((row) => [row.id, row.name]));
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

/** Changes a tenant that still is as it was read. Throws `ChangedMeanwhile`. */
export async function updateTenant(
  d1: D1Database,
  read: Tenant,
  change: Partial<TenantFields>,
  now: number,
  entry: AuditEntry,
): Promise<Tenant> {
  const update = database(d1)
    .update(tenants)
    .set({ ...change, updatedAt: laterThan(read, now) })
    .where(
      and(eq(tenants.id, read.id), eq(tenants.createdAt, read.createdAt), eq(tenants.updatedAt, read.updatedAt), live),
    )
    .returning();
  return written(await audited(d1, update, entry, now));
}

/**
 * A deletion on its way. By its name alone it could be another tenant's, made since: what is done for it goes by which
 * tenant it was, and when that was deleted.
 */
export type Deletion = Pick<Tenant, "id" | "createdAt"> & { deletedAt: number };

/** The row of the tenant whose deletion it is, for as long as that is on its way. */
function deleted(d1: D1Database, { id, createdAt, deletedAt }: Deletion) {
  return database(d1)
    .select({ id: tenants.id })
    .from(tenants)
    .where(and(eq(tenants.id, id), eq(tenants.createdAt, createdAt), eq(tenants.deletedAt, deletedAt)));
}

/** Whether the deletion is still on its way: until it is over there is no other tenant of the name. */
export async function isBeingDeleted(d1: D1Database, deletion: Deletion): Promise<boolean> {
  return (await deleted(d1, deletion).get()) !== undefined;
}

/**
 * The first step of a deletion: from here on nobody finds the tenant. Answers its row, also when it has been marked
 * before and the deletion did not come to its end. `null`: there is none such. `read`: only as it was read; throws
 * `ChangedMeanwhile` where it is not that any more.
 */
export async function markTenantDeleted(
  d1: D1Database,
  id: string,
  now: number,
  entry: AuditEntry,
  read: Tenant | null = null,
): Promise<(Tenant & { deletedAt: number }) | null> {
  const db = database(d1);
  const asRead = read && [eq(tenants.createdAt, read.createdAt), eq(tenants.updatedAt, read.updatedAt)];
  // In one transaction: after it, this deletion may be over and another tenant have the name.
  const [, written, [row]] = await db.batch([
    db
      .update(tenants)
      .set({ deletedAt: now })
      .where(and(eq(tenants.id, id), live, ...(asRead ?? []))),
    auditOfLast(d1, entry, now),
    db
      .select()
      .from(tenants)
      .where(and(eq(tenants.id, id), isNotNull(tenants.deletedAt))),
  ]);
  if (written.meta.changes > 0) logChange(entry);
  else if (read !== null) throw new ChangedMeanwhile();
  return (row as (Tenant & { deletedAt: number }) | undefined) ?? null;
}

/** Notes how far a deletion came: this day's log and all later ones are erased. */
export async function noteErased(d1: D1Database, deletion: Deletion, day: Day): Promise<void> {
  const { id } = deletion;
  await database(d1)
    .update(tenants)
    .set({ erasedDay: day })
    .where(and(eq(tenants.id, id), exists(deleted(d1, deletion))))
    .run();
}

/** The deleted tenant's endpoints whose objects may hold something, deleted ones included; at most `limit`. */
export async function endpointsToErase(d1: D1Database, deletion: Deletion, limit: number): Promise<string[]> {
  const db = database(d1);
  const { id } = deletion;
  const its = exists(deleted(d1, deletion));
  const [configured, former] = await db.batch([
    db
      .select({ id: endpoints.id })
      .from(endpoints)
      .where(and(eq(endpoints.tenant, id), its))
      .limit(limit),
    db
      .select({ id: formerEndpoints.id })
      .from(formerEndpoints)
      .where(and(eq(formerEndpoints.tenant, id), its))
      .limit(limit),
  ]);
  return [...configured, ...former].slice(0, limit).map(({ id }) => id);
}

/** Notes that an endpoint's object is erased. */
export async function forgetEndpoint(d1: D1Database, tenant: string, id: string): Promise<void> {
  const db = database(d1);
  await db.batch([
    db.delete(endpoints).where(and(eq(endpoints.tenant, tenant), eq(endpoints.id, id))),
    db.delete(formerEndpoints).where(and(eq(formerEndpoints.tenant, tenant), eq(formerEndpoints.id, id))),
    ...withoutFigures(d1, tenant, id),
  ]);
}

/** The last step of a deletion; nothing happens when another request has made it. */
export async function removeTenant(d1: D1Database, deletion: Deletion): Promise<void> {
  const db = database(d1);
  const { id } = deletion;
  const own = db.select({ id: lists.id }).from(lists).where(eq(lists.tenant, id));
  const batch = db.batch([
    checkOf(d1, stillSo(sql`EXISTS ${deleted(d1, deletion)}`)),
    db.delete(listItems).where(inArray(listItems.list, own)),
    db.delete(lists).where(eq(lists.tenant, id)),
    db.delete(signals).where(eq(signals.tenant, id)),
    db.delete(automations).where(eq(automations.tenant, id)),
    db.delete(segments).where(eq(segments.tenant, id)),
    db.delete(apiKeys).where(eq(apiKeys.tenant, id)),
    db.delete(portalLinks).where(eq(portalLinks.tenant, id)),
    db.delete(tenants).where(eq(tenants.id, id)),
  ]);
  await limited(batch).catch((error) => {
    if (!(error instanceof ChangedMeanwhile)) throw error;
  });
}
