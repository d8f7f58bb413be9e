import { and, asc, desc, eq, gte, inArray, lt, type SQL, sql } from "drizzle-orm";
import type { BatchItem } from "drizzle-orm/batch";
import { encodeTime, newId } from "../../lib/ids";
import { log } from "../../lib/log";
import { DAY } from "../../lib/time";
import { database } from "../database";
import { checkOf, type Limit, limited } from "../limits";
import { type AuditAction, audit } from "../tables/access";

export { AUDIT_ACTIONS, type AuditAction } from "../tables/access";

export type AuditRow = typeof audit.$inferSelect;

/** How long what was changed is kept, in ms: a year, and a month in which somebody looks back at all of it. */
export const AUDIT_RETENTION = 400 * DAY;
/** The most rows that go with a change: more than come with it, so that no backlog lasts. */
const FORGET_AT_ONCE = 10;

/** Who does what nobody asked for, such as disabling an endpoint that fails. */
export const ITSELF = "posthorn";

/** What is to be written down of a change: who, what, to what. */
export interface AuditEntry {
  /** A key's id, `operator`, or {@link ITSELF}. */
  actor: string;
  action: AuditAction;
  target: string;
  tenant: string | null;
  /** The names of the changed fields; never values. */
  fields?: readonly string[];
}

/**
 * Makes a change and writes it down in the same transaction, so that there is no change without its row. A statement
 * that changed nothing leaves no row. Throws `OverLimit`, and has changed nothing, when one of the limits is passed.
 */
export async function audited<T extends BatchItem<"sqlite">>(
  d1: D1Database,
  change: T,
  entry: AuditEntry,
  now: number,
  ...limits: readonly Limit[]
): Promise<T["_"]["result"]> {
  const checks = limits.map((limit) => checkOf(d1, limit));
  const batch = database(d1).batch([change, auditOfLast(d1, entry, now), forget(d1, now), ...checks]);
  const [result, written] = await limited(batch);
  if (written.meta.changes > 0) logChange(entry);
  return result as T["_"]["result"];
}

/** Writes down what changed nothing: that somebody was shown a secret. */
export async function auditRead(d1: D1Database, entry: AuditEntry, now: number): Promise<void> {
  await database(d1).batch([auditOfLast(d1, entry, now, sql`1`), forget(d1, now)]);
  logChange(entry);
}

/** A statement for a batch: forgets some of what is too old. Where there is none it reads a row. */
function forget(d1: D1Database, now: number) {
  const db = database(d1);
  const old = db
    .select({ id: audit.id })
    .from(audit)
    .where(lt(audit.id, `aud_${encodeTime(Math.max(now - AUDIT_RETENTION, 0))}`))
    .orderBy(asc(audit.id))
    .limit(FORGET_AT_ONCE);
  return db.delete(audit).where(inArray(audit.id, old));
}

/** The log line of a change that is written down. */
export function logChange({ actor, action, target, tenant, fields }: AuditEntry): void {
  log("config.changed", { actor, action, target, tenant, fields: fields ?? null });
}

/** A statement for a batch: writes the entry down if the statement right before it changed a row, or as told. */
export function auditOfLast(d1: D1Database, entry: AuditEntry, now: number, condition = sql`changes() > 0`) {
  const { actor, action, target, tenant, fields } = entry;
  const named = fields === undefined ? null : JSON.stringify(fields);
  return database(d1)
    .insert(audit)
    .select(
      sql`SELECT ${newId("aud", now)}, ${now}, ${actor}, ${action}, ${target}, ${tenant}, ${named} WHERE ${condition}`,
    );
}

/** A statement for a batch: writes the entry down as of `at` (ms), unless it is there with that time. */
export function auditOnce(d1: D1Database, entry: AuditEntry, at: number) {
  const { action, target } = entry;
  const then = sql`id >= ${`aud_${encodeTime(at)}`} AND id < ${`aud_${encodeTime(at + 1)}`}`;
  const there = sql`SELECT 1 FROM ${audit} WHERE ${then} AND action = ${action} AND target = ${target}`;
  return auditOfLast(d1, entry, at, sql`NOT EXISTS (${there})`);
}

/** Which rows of the audit are asked for; times in ms. */
export interface AuditQuery {
  tenant: string | null;
  /** Of a tenant: what was done to this. */
  target?: string | undefined;
  /** Inclusive. */
  since: number | null;
  /** Exclusive. */
  until: number | null;
}

/** Rows of the audit, newest first, after the id `before`; at most `limit`. */
export async function listAudit(
  d1: D1Database,
  { tenant, target, since, until }: AuditQuery,
  limit: number,
  before: string | null,
): Promise<AuditRow[]> {
  // Ids sort by time, so that a span is a range of the index.
  const conditions: (SQL | undefined)[] = [
    tenant === null ? undefined : eq(audit.tenant, tenant),
    tenant === null || target === undefined ? undefined : eq(audit.target, target),
    since === null ? undefined : gte(audit.id, `aud_${encodeTime(since)}`),
    until === null ? undefined : lt(audit.id, `aud_${encodeTime(until)}`),
    before === null ? undefined : lt(audit.id, before),
  ];
  return database(d1)
    .select()
    .from(audit)
    .where(and(...conditions))
    .orderBy(desc(audit.id))
    .limit(limit)
    .all();
}
