import { and, count, eq, isNull, sql } from "drizzle-orm";
import { Cache } from "../../lib/cache";
import { base64Url, hex, keyIdOf, sha256 } from "../../lib/crypto";
import { isTagged, tagOf } from "../../lib/tags";
import { MINUTE, SECOND } from "../../lib/time";
import { database } from "../database";
import { findInAny } from "../databases";
import { ownedRows } from "../owned-rows";
import { apiKeys, type Role } from "../tables/access";
import { tenants } from "../tables/service";
import { type AuditEntry, audited } from "./audit";

export { ROLES, type Role } from "../tables/access";

export type KeyRow = typeof apiKeys.$inferSelect;

/** The tenants' keys. */
export const keyRows = ownedRows(apiKeys);

/** The most keys of a tenant. */
export const MAX_KEYS = 100;

/** How old what is known of a key may be, in ms: so long may a revoked one still be let in by another isolate. */
const MAX_AGE = 5 * SECOND;
/** How long a key of the old form is remembered as unknown, in ms: no more of them are made. */
const UNKNOWN_AGE = MINUTE;
/** How often a key's last use is written down, per isolate. */
const TOUCH_EVERY = MINUTE;
/** Bytes of what an isolate remembers of keys that let somebody in, of their uses, and of unknown ones, each. */
const REMEMBERED = 2_000_000;
/** About the bytes of one entry. */
const ENTRY = 200;

const KEY_BYTES = 32;
/**
 * A key: 32 random bytes, the id of the SECRETS_KEY under which it was made, and a tag of both under it. Keys that were
 * given out before there were tags end after the bytes.
 */
const KEY = /^phk_([A-Za-z0-9_-]{43})(?:([0-9a-f]{8})([A-Za-z0-9_-]{8}))?$/;

/** A new key, tagged under `secretsKey`. */
export async function newKey(secretsKey: string): Promise<string> {
  const text = base64Url(crypto.getRandomValues(new Uint8Array(KEY_BYTES))) + (await keyIdOf(secretsKey));
  return `phk_${text}${await tagOf(secretsKey, "posthorn key tag", text)}`;
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
let entries = new Cache<Entry>(REMEMBERED);
/** Until when keys are taken for unknown, in ms, by their hashes. */
let unknown = new Cache<number>(REMEMBERED);
const touched = new Cache<number>(REMEMBERED);
let changes = 0;

/** What a key tells of itself. `foreign`: its tag is none of ours. `untold`: it has none, or one of a key since retired. */
async function provenance(key: string, secretsKeys: readonly string[]): Promise<"ours" | "foreign" | "untold"> {
  const [, random, id, tag] = KEY.exec(key) ?? [];
  if (random === undefined) return "foreign";
  if (id === undefined || tag === undefined) return "untold";
  const ids = await Promise.all(secretsKeys.map(keyIdOf));
  const signers = secretsKeys.filter((_, i) => ids[i] === id);
  if (signers.length === 0) return "untold";
  return (await isTagged(signers, "posthorn key tag", random + id, tag)) ? "ours" : "foreign";
}

/**
 * Whom the key lets in, as of at most 5 s ago; `null` when it is not known, is revoked, or its tenant is gone. What
 * cannot be ours, or was unknown a moment ago, costs no query. It is found by its hash: how long that takes tells at most
 * how much of a hash somebody has hit, and nobody can work towards a hash they cannot invert, so there is nothing to
 * compare in constant time. A key does not say
 * whose it is, so all databases are asked. `secretsKeys`: those that may have tagged it; of a key tagged under another nothing is told.
 */
export async function findHolder(
  databases: readonly D1Database[],
  key: string,
  now: number,
  secretsKeys: readonly string[] = [],
): Promise<KeyHolder | null> {
  if (!KEY.test(key)) return null;
  const hash = await hashOf(key);
  const known = entries.get(hash);
  if (known !== undefined && now - known.loadedAt < MAX_AGE) return known.holder;
  if (now < (unknown.get(hash) ?? 0)) return null;
  const from = await provenance(key, secretsKeys);
  if (from === "foreign") return null;
  const before = changes;
  const row = await findInAny(databases, async (d1) => {
    const found = database(d1)
      .select({ id: apiKeys.id, tenant: apiKeys.tenant, role: apiKeys.role })
      .from(apiKeys)
      .innerJoin(tenants, eq(tenants.id, apiKeys.tenant))
      .where(and(eq(apiKeys.hash, hash), isNull(tenants.deletedAt)))
      .get();
    return (await found) ?? null;
  });
  entries.delete(hash);
  // Not remembered when something changed while it was read: it may be from before the change.
  if (before !== changes) return row;
  if (row !== null) entries.set(hash, { loadedAt: now, holder: row }, ENTRY);
  else unknown.set(hash, now + (from === "ours" ? MAX_AGE : UNKNOWN_AGE), ENTRY);
  return row;
}

/** The tenant's key of that id, read anew; `null` when it is revoked or its tenant is gone. */
export async function holderById(d1: D1Database, tenant: string, id: string): Promise<KeyHolder | null> {
  const row = await database(d1)
    .select({ id: apiKeys.id, tenant: apiKeys.tenant, role: apiKeys.role })
    .from(apiKeys)
    .innerJoin(tenants, eq(tenants.id, apiKeys.tenant))
    .where(and(keyRows.named(tenant, id), isNull(tenants.deletedAt)))
    .get();
  return row ?? null;
}

/** Forgets what is remembered of keys, so that a revocation shows at once in this isolate. */
export function invalidateKeys(): void {
  changes++;
  entries = new Cache(REMEMBERED);
  unknown = new Cache(REMEMBERED);
}

/** Whether the key's use is to be written down: once a minute. Answering yes counts as done. */
export function isTouchDue(id: string, now: number): boolean {
  const last = touched.get(id);
  if (last !== undefined && now - last < TOUCH_EVERY) return false;
  touched.set(id, now, ENTRY);
  return true;
}

/** Writes down when a key was last used. */
export async function touchKey(d1: D1Database, { tenant, id }: KeyHolder, now: number): Promise<void> {
  await database(d1).update(apiKeys).set({ lastUsedAt: now }).where(keyRows.named(tenant, id)).run();
}

/** Writes a new key; `null`: the tenant has {@link MAX_KEYS} already. */
export async function insertKey(
  d1: D1Database,
  tenant: string,
  id: string,
  { name, role, hash }: Pick<KeyRow, "name" | "role" | "hash">,
  now: number,
  entry: AuditEntry,
): Promise<KeyRow | null> {
  // Counted in the statement that writes: of simultaneous ones none sees a count without the others.
  const room = sql`(SELECT ${count()} FROM ${apiKeys} WHERE ${apiKeys.tenant} = ${tenant}) < ${MAX_KEYS}`;
  const insert = database(d1)
    .insert(apiKeys)
    .select(sql`SELECT ${id}, ${tenant}, ${name}, ${role}, ${hash}, ${now}, NULL WHERE ${room}`)
    .returning();
  const [row] = await audited(d1, insert, entry, now);
  return row ?? null;
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
    return await keyRows.remove(d1, tenant, id, now, entry);
  } finally {
    // However it ended: a write that failed may have been made.
    invalidateKeys();
  }
}
