import { and, asc, eq, inArray, sql } from "drizzle-orm";
import { newId } from "../../lib/ids";
import { type AuditEntry, auditOfLast } from "../access/audit";
import { database } from "../database";
import { bytesLimit, checkOf, countLimit, limited } from "../limits";
import { versionedRows } from "../owned-rows";
import { signals } from "../tables/rules";
import type { CatalogSignal } from "./signal-catalogs";

export type SignalRow = typeof signals.$inferSelect;

/** What a caller may say of a rule. */
export type SignalFields = Pick<SignalRow, "name" | "emit" | "entity" | "filter" | "when" | "attach">;

/** The tenants' rules. */
export const signalRows = versionedRows(signals);

/** Writes a new rule. Throws `OverLimit`: an entity's memory of all of a tenant's rules is one row. */
export async function insertSignal(
  d1: D1Database,
  tenant: string,
  id: string,
  fields: SignalFields,
  now: number,
  entry: AuditEntry,
): Promise<SignalRow> {
  const row = { ...fields, id, tenant, createdAt: now, updatedAt: now };
  return signalRows.insert(d1, row, now, entry, countLimit("signals", tenant), await bytesLimit(d1, tenant));
}

/** Changes a rule that still is as it was read. Throws `OverLimit` and `ChangedMeanwhile`. */
export async function updateSignal(
  d1: D1Database,
  read: SignalRow,
  change: Partial<SignalFields>,
  now: number,
  entry: AuditEntry,
): Promise<SignalRow> {
  return signalRows.change(d1, read, change, now, entry, await bytesLimit(d1, read.tenant));
}

/**
 * Writes those rules of a vendor that the tenant does not have yet, all or none, and answers all of them as they stand,
 * with how many are new. What a tenant has changed in one stays. Throws `OverLimit`.
 */
export async function installSignals(
  d1: D1Database,
  tenant: string,
  profile: string,
  rules: readonly CatalogSignal[],
  now: number,
  entry: AuditEntry,
): Promise<{ rows: SignalRow[]; created: number }> {
  const db = database(d1);
  const keys = rules.map(({ emit }) => `${profile}/${emit}`);
  const own = and(eq(signals.tenant, tenant), inArray(signals.catalog, keys));
  const before = await db.select({ id: signals.id }).from(signals).where(own).all();
  const [first, ...rest] = rules.map((rule, i) =>
    db
      .insert(signals)
      .values({
        filter: null,
        attach: null,
        ...rule,
        // One ms apart, so that their ids have the catalog's order.
        id: newId("sig", now + i),
        tenant,
        catalog: keys[i] as string,
        createdAt: now,
        updatedAt: now,
      })
      .onConflictDoNothing(),
  );
  if (first === undefined) return { rows: [], created: 0 };
  const known = new Set(before.map(({ id }) => id));
  const audit = auditOfLast(d1, entry, now, sql`${known.size} < ${rules.length}`);
  const limits = known.size === rules.length ? [] : [countLimit("signals", tenant), await bytesLimit(d1, tenant)];
  await limited(db.batch([first, ...rest, audit, ...limits.map((limit) => checkOf(d1, limit))]));
  const rows = await db.select().from(signals).where(own).orderBy(asc(signals.id)).all();
  return { rows, created: rows.filter(({ id }) => !known.has(id)).length };
}
