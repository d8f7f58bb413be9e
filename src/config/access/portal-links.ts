import { and, eq, exists, getTableColumns, gt, inArray, isNull, lte, or, sql } from "drizzle-orm";
import { base64Url, hex, sha256 } from "../../lib/crypto";
import { isTagged, tagOf } from "../../lib/tags";
import { database } from "../database";
import { ownedRows } from "../owned-rows";
import { apiKeys, endedSessions, portalLinks } from "../tables/access";
import { tenants } from "../tables/service";
import { ChangedMeanwhile } from "../version";
import type { AuditEntry } from "./audit";

const TOKEN_BYTES = 32;
/** The random bytes, and a tag of them. */
const TOKEN = /^([A-Za-z0-9_-]{43})([A-Za-z0-9_-]{8})$/;
/** What a link says of the operator's key that made it begins so. */
const OPERATORS = "operator/";
/** The most rows of ended sessions that go with one more. */
const FORGET_AT_ONCE = 10;

export type PortalLink = Omit<typeof portalLinks.$inferSelect, "hash">;

// All but what a link is found by.
const { hash: _, ...shown } = getTableColumns(portalLinks);

const rows = ownedRows<typeof portalLinks, PortalLink>(portalLinks, portalLinks.id, shown);

/** A new token: 32 random bytes, tagged under `secretsKey`. */
export async function newPortalToken(secretsKey: string): Promise<string> {
  const random = base64Url(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)));
  return random + (await tagOf(secretsKey, "posthorn link tag", random));
}

/** How links name the operator's keys among those that made them; the keys cannot be told from it. */
export async function makersOf(secretsKeys: readonly string[], operatorKeys: readonly string[]): Promise<string[]> {
  const pairs = secretsKeys.flatMap((secretsKey) => operatorKeys.map((key) => [secretsKey, key] as const));
  return Promise.all(
    pairs.map(async ([secretsKey, key]) => OPERATORS + (await tagOf(secretsKey, "posthorn maker", key))),
  );
}

/** Who made a link, for people: a key's id, or `operator`; `null`: it is not known. */
export function makerOf({ madeBy }: PortalLink): string | null {
  return madeBy?.startsWith(OPERATORS) ? "operator" : madeBy;
}

/** SQL: the link, or what it opened, lasts: it has not expired, and the key that made it is there. */
function lasting(d1: D1Database, now: number, makers: readonly string[]) {
  const key = database(d1)
    .select({ id: apiKeys.id })
    .from(apiKeys)
    .where(and(eq(apiKeys.id, portalLinks.madeBy), eq(apiKeys.tenant, portalLinks.tenant)));
  const made = or(isNull(portalLinks.madeBy), inArray(portalLinks.madeBy, [...makers]), exists(key));
  return and(gt(portalLinks.expiresAt, now), made);
}

/** Writes a link that opens until `expiresAt` (ms), once; those of the tenant that have ended are forgotten. */
export async function insertPortalLink(
  d1: D1Database,
  link: Omit<PortalLink, "createdAt" | "openedAt" | "endedAt">,
  token: string,
  now: number,
  entry: AuditEntry,
): Promise<PortalLink> {
  const hash = hex(await sha256(token));
  await database(d1)
    .delete(portalLinks)
    .where(and(eq(portalLinks.tenant, link.tenant), lte(portalLinks.expiresAt, now)))
    .run();
  return rows.insert(d1, { ...link, hash, createdAt: now }, now, entry);
}

/** The hash that a token's link is found by; `null`: it cannot be ours, and costs no query. */
async function hashOf(token: string, secretsKeys: readonly string[]): Promise<string | null> {
  const [, random, tag] = TOKEN.exec(token) ?? [];
  if (random === undefined || tag === undefined) return null;
  if (!(await isTagged(secretsKeys, "posthorn link tag", random, tag))) return null;
  return hex(await sha256(token));
}

/**
 * The link of a token, opened or not, and nothing is changed by it; `null` for one that has ended or never was. It is
 * found by its hash, so there is nothing to compare in constant time. `secretsKeys`: those that may have tagged it;
 * `makers`: {@link makersOf} today's operator keys.
 */
export async function seePortalLink(
  d1: D1Database,
  token: string,
  now: number,
  secretsKeys: readonly string[],
  makers: readonly string[],
): Promise<PortalLink | null> {
  const hash = await hashOf(token, secretsKeys);
  if (hash === null) return null;
  const found = await database(d1)
    .select(shown)
    .from(portalLinks)
    .where(and(eq(portalLinks.hash, hash), isNull(portalLinks.endedAt), lasting(d1, now, makers)))
    .get();
  return found ?? null;
}

/** Opens a link: answers it the first time it is asked for, and `null` ever after; else like {@link seePortalLink}. */
export async function openPortalLink(
  d1: D1Database,
  token: string,
  now: number,
  secretsKeys: readonly string[],
  makers: readonly string[] = [],
): Promise<PortalLink | null> {
  const hash = await hashOf(token, secretsKeys);
  if (hash === null) return null;
  const unopened = and(isNull(portalLinks.openedAt), isNull(portalLinks.endedAt));
  const opened = await database(d1)
    .update(portalLinks)
    .set({ openedAt: now })
    .where(and(eq(portalLinks.hash, hash), unopened, lasting(d1, now, makers)))
    .returning(shown)
    .get();
  return opened ?? null;
}

/** The tenant's link of that id while its session lasts; `null` when that has ended or the tenant is gone. */
export async function findPortalSession(
  d1: D1Database,
  tenant: string,
  id: string,
  now: number,
  makers: readonly string[],
): Promise<PortalLink | null> {
  const found = await database(d1)
    .select(shown)
    .from(portalLinks)
    .innerJoin(tenants, eq(tenants.id, portalLinks.tenant))
    .where(
      and(rows.named(tenant, id), isNull(portalLinks.endedAt), isNull(tenants.deletedAt), lasting(d1, now, makers)),
    )
    .get();
  return found ?? null;
}

/** Links of the tenant that have not expired, newest first, after the id `before`; at most `limit`. */
export async function listPortalLinks(
  d1: D1Database,
  tenant: string,
  limit: number,
  before: string | null,
  now: number,
  makers: readonly string[],
): Promise<PortalLink[]> {
  return rows.list(d1, tenant, limit, before, lasting(d1, now, makers));
}

/** The tenant's link of that id, or `null`; else like {@link listPortalLinks}. */
export async function findPortalLink(
  d1: D1Database,
  tenant: string,
  id: string,
  now: number,
  makers: readonly string[],
): Promise<PortalLink | null> {
  return rows.find(d1, tenant, id, lasting(d1, now, makers));
}

/**
 * Revokes a link, and with it the session that it opened; answers whether there was one. `read`: only as it was read; throws
 * `ChangedMeanwhile` where it is not that any more.
 */
export async function revokePortalLink(
  d1: D1Database,
  tenant: string,
  id: string,
  now: number,
  entry: AuditEntry,
  read: PortalLink | null = null,
): Promise<boolean> {
  // Nothing else of a link changes.
  const asRead = read && sql`(opened_at, ended_at) IS (${read.openedAt}, ${read.endedAt})`;
  const removed = await rows.remove(d1, tenant, id, now, entry, asRead ?? undefined);
  if (read !== null && !removed) throw new ChangedMeanwhile();
  return removed;
}

/** Ends the session that a link opened, and so the link. */
export async function endPortalSession(d1: D1Database, tenant: string, id: string, now: number): Promise<void> {
  await database(d1).update(portalLinks).set({ endedAt: now }).where(rows.named(tenant, id)).run();
}

/** Ends the session of a key, of that id, which would have lasted until `expiresAt` (ms). */
export async function endSession(d1: D1Database, id: string, expiresAt: number, now: number): Promise<void> {
  const db = database(d1);
  const over = db
    .select({ id: endedSessions.id })
    .from(endedSessions)
    .where(lte(endedSessions.expiresAt, now))
    .limit(FORGET_AT_ONCE);
  await db.batch([
    db.insert(endedSessions).values({ id, expiresAt }).onConflictDoNothing(),
    db.delete(endedSessions).where(inArray(endedSessions.id, over)),
  ]);
}

/** Whether the session of a key was ended before its time. */
export async function isSessionEnded(d1: D1Database, id: string): Promise<boolean> {
  const found = await database(d1).select({ one: sql`1` }).from(endedSessions).where(eq(endedSessions.id, id)).get();
  return found !== undefined;
}
