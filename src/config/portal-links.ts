import { and, eq, gt, isNull, lte } from "drizzle-orm";
import { base64Url, hex, sha256 } from "../lib/crypto";
import { isTagged, tagOf } from "../lib/tags";
import { type AuditEntry, audited } from "./audit";
import { database } from "./database";
import { portalLinks, tenants } from "./schema";

const TOKEN_BYTES = 32;
/** The random bytes, and a tag of them. */
const TOKEN = /^([A-Za-z0-9_-]{43})([A-Za-z0-9_-]{8})$/;

export type PortalLink = Pick<typeof portalLinks.$inferSelect, "id" | "tenant" | "expiresAt">;

const shown = { id: portalLinks.id, tenant: portalLinks.tenant, expiresAt: portalLinks.expiresAt };

/** A new token: 32 random bytes, tagged under `secretsKey`. */
export async function newPortalToken(secretsKey: string): Promise<string> {
  const random = base64Url(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)));
  return random + (await tagOf(secretsKey, "posthorn link tag", random));
}

/** Writes a link that opens until `expiresAt` (ms), once; those of the tenant that have ended are forgotten. */
export async function insertPortalLink(
  d1: D1Database,
  link: PortalLink,
  token: string,
  now: number,
  entry: AuditEntry,
): Promise<void> {
  const hash = hex(await sha256(token));
  await database(d1)
    .delete(portalLinks)
    .where(and(eq(portalLinks.tenant, link.tenant), lte(portalLinks.expiresAt, now)))
    .run();
  await audited(
    d1,
    database(d1)
      .insert(portalLinks)
      .values({ ...link, hash, createdAt: now }),
    entry,
    now,
  );
}

/**
 * Opens a link: answers it the first time it is asked for, and `null` ever after, as for one that has ended or never was.
 * What cannot be ours costs no query. It is found by its hash, so there is nothing to compare in constant time.
 * `secretsKeys`: those that may have tagged it.
 */
export async function openPortalLink(
  d1: D1Database,
  token: string,
  now: number,
  secretsKeys: readonly string[],
): Promise<PortalLink | null> {
  const [, random, tag] = TOKEN.exec(token) ?? [];
  if (random === undefined || tag === undefined) return null;
  if (!(await isTagged(secretsKeys, "posthorn link tag", random, tag))) return null;
  const hash = hex(await sha256(token));
  const opened = await database(d1)
    .update(portalLinks)
    .set({ openedAt: now })
    .where(and(eq(portalLinks.hash, hash), isNull(portalLinks.openedAt), gt(portalLinks.expiresAt, now)))
    .returning(shown)
    .get();
  return opened ?? null;
}

/** The tenant's link of that id while what it opened lasts; `null` when it has ended or its tenant is gone. */
export async function findPortalLink(
  d1: D1Database,
  tenant: string,
  id: string,
  now: number,
): Promise<PortalLink | null> {
  const found = await database(d1)
    .select(shown)
    .from(portalLinks)
    .innerJoin(tenants, eq(tenants.id, portalLinks.tenant))
    .where(
      and(
        eq(portalLinks.tenant, tenant),
        eq(portalLinks.id, id),
        gt(portalLinks.expiresAt, now),
        isNull(tenants.deletedAt),
      ),
    )
    .get();
  return found ?? null;
}
