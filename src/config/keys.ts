import { and, desc, eq, isNull, lt } from "drizzle-orm";
import { base64Url, hex, sha256 } from "../lib/crypto";
import { MINUTE, SECOND } from "../lib/time";
import { type AuditEntry, audited } from "./audit";
import { database } from "./database";
import { apiKeys, type Role, tenants } from "./schema";

export { ROLES, type Role } from "./schema";

export type KeyRow = typeof apiKeys.$inferSelect;

/** How old what is known of a key may be, in ms: so long may a revoked one still be let in by another isolate. */
const MAX_AGE = 5 * SECOND;
/** How often a key's last use is written down, per isolate. */
const TOUCH_EVERY = MINUTE;
/** Keys remembered per isolate; beyond it the oldest is forgotten. */
const MAX_KEYS = 10_000;

const KEY_BYTES = 32;
const KEY = /^phk_[A-Za-z0-9_-]{43}$/;

/** A new key: 32 random bytes. */
export function newKey(): string {
  return `phk_${base64Url(crypto.getRandomValues(new Uint8Array(KEY_BYTES)))}`;
}

/**
 * The form in which a key is kept. A fast hash is enough: slow ones make the guessing of passwords dear, and 256
 * random bits cannot be guessed.
 */
export async function hashOf(key: string): Promise<string> {
  return hex(await sha256(key));
}

/** Whom a key lets in. */
export interface KeyHolder {
  id: string;
  tenant: string;
  role: Role;
}

interface Entry {
  loadedAt: number;
  holder: KeyHolder;
}

// Values and never promises: a promise of a request that was cut off would never settle for the others.
const entries = new Map<string, Entry>();
const touched = new Map<string, number>();
let changes = 0;

/**
 * Whom the key lets in, as of at most 5 s ago; `null` when it is not known, is revoked, or its tenant is gone. It is
 * found by its hash: how long that takes tells at most how much of a hash somebody has hit, and nobody can work
 * towards a hash they cannot invert, so there is nothing to compare in constant time.
 */
export async function findHolder(d1: D1Database, key: string, now: number): Promise<KeyHolder | null> {
  if (!KEY.test(key)) return null;
  const hash = await hashOf(key);
  const known = entries.get(hash);
  if (known !== undefined && now - known.loadedAt < MAX_AGE) return known.holder;
  const before = changes;
  const row = await database(d1)
    .select({ id: apiKeys.id, tenant: apiKeys.tenant, role: apiKeys.role })
    .from(apiKeys)
    .innerJoin(tenants, eq(tenants.id, apiKeys.tenant))
    .where(and(eq(apiKeys.hash, hash), isNull(tenants.deletedAt)))
    .get();
  entries.delete(hash);
  // Not remembered when something changed while it was read: it may be from before the change.
  if (row !== undefined && before === changes) remember(entries, hash, { loadedAt: now, holder: row });
  return row ?? null;
}

/** The tenant's key of that id, read anew; `null` when it is revoked or its tenant is gone. */
export async function holderById(d1: D1Database, tenant: string, id: string): Promise<KeyHolder | null> {
  const row = await database(d1)
    .select({ id: apiKeys.id, tenant: apiKeys.tenant, role: apiKeys.role })
    .from(apiKeys)
    .innerJoin(tenants, eq(tenants.id, apiKeys.tenant))
    .where(and(named(tenant, id), isNull(tenants.deletedAt)))
    .get();
  return row ?? null;
}

/** Forgets what is remembered of keys, so that a revocation shows at once in this isolate. */
export function invalidateKeys(): void {
  changes++;
  entries.clear();
}

/** Whether the key's use is to be written down: once a minute. Answering yes counts as done. */
export function isTouchDue(id: string, now: number): boolean {
  const last = touched.get(id);
  if (last !== undefined && now - last < TOUCH_EVERY) return false;
  touched.delete(id);
  remember(touched, id, now);
  return true;
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  if (map.size > MAX_KEYS) map.delete(map.keys().next().value as string);
}

/** Writes down when a key was last used. */
export async function touchKey(d1: D1Database, { tenant, id }: KeyHolder, now: number): Promise<void> {
  await database(d1).update(apiKeys).set({ lastUsedAt: now }).where(named(tenant, id)).run();
}

function named(tenant: string, id: string) {
  return and(eq(apiKeys.tenant, tenant), eq(apiKeys.id, id));
}

/** Keys of the tenant, newest first, after the id `before`; at most `limit`. */
export async function listKeys(
  d1: D1Database,
  tenant: string,
  limit: number,
  before: string | null,
): Promise<KeyRow[]> {
  return database(d1)
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.tenant, tenant), before === null ? undefined : lt(apiKeys.id, before)))
    .orderBy(desc(apiKeys.id))
    .limit(limit)
    .all();
}

/** Writes a new key. */
export async function insertKey(
  d1: D1Database,
  tenant: string,
  id: string,
  fields: Pick<KeyRow, "name" | "role" | "hash">,
  now: number,
  entry: AuditEntry,
): Promise<KeyRow> {
  const insert = database(d1)
    .insert(apiKeys)
    .values({ ...fields, id, tenant, createdAt: now })
    .returning();
  const [row] = await audited(d1, insert, entry, now);
  return row as KeyRow;
}

/** Revokes a key; answers whether there was one. */
export async function deleteKey(
  d1: D1Database,
  tenant: string,
  id: string,
  now: number,
  entry: AuditEntry,
): Promise<boolean> {
  try {
    const remove = database(d1).delete(apiKeys).where(named(tenant, id)).returning({ id: apiKeys.id });
    const removed = await audited(d1, remove, entry, now);
    return removed.length > 0;
  } finally {
    // However it ended: a write that failed may have been made.
    invalidateKeys();
  }
}
