import { and, desc, eq, isNull, ne, or, sql } from "drizzle-orm";
import { type Enablement, type EndpointSettings, secretOwner } from "../../contracts/settings";
import { rootCause } from "../../lib/log";
import { type AuditEntry, audited, auditOfLast, auditOnce, ITSELF, logChange } from "../access/audit";
import { database } from "../database";
import { bytesLimit, checkOf, limited } from "../limits";
import { ownedRows } from "../owned-rows";
import { endpointFigures, endpointSummaries, endpoints, formerEndpoints, recoveries } from "../tables/endpoints";
import { nextVersion, written } from "../version";
import { selectHosts } from "./own-hosts";
import { profileOf } from "./profiles";
import { schemeOf } from "./schemes";

export type EndpointRow = typeof endpoints.$inferSelect;

/** What a caller may say of an endpoint. */
export type EndpointFields = Pick<
  EndpointRow,
  | "uid"
  | "name"
  | "url"
  | "description"
  | "events"
  | "filter"
  | "profile"
  | "format"
  | "signature"
  | "method"
  | "metadata"
  | "retry"
  | "timeout"
  | "disableAfter"
  | "rateLimit"
>;

/** What is sealed of an endpoint. */
export type EndpointSecrets = Pick<EndpointRow, "secret" | "nextSecret" | "nextFrom" | "laterSecrets" | "headers">;

const live = isNull(endpoints.deletedAt);
const rows = ownedRows(endpoints);

/** SQL: how many endpoints the tenant has. */
function countOf(tenant: string) {
  return sql`(SELECT count(*) FROM ${endpoints} WHERE tenant = ${tenant} AND deleted_at IS NULL)`;
}

/** An endpoint of the tenant by its id or the caller's `uid`, or `null`. */
export async function findEndpoint(d1: D1Database, tenant: string, idOrUid: string): Promise<EndpointRow | null> {
  const named = or(eq(endpoints.id, idOrUid), eq(endpoints.uid, idOrUid));
  const rows = await database(d1)
    .select()
    .from(endpoints)
    .where(and(eq(endpoints.tenant, tenant), live, named))
    .all();
  return rows.find(({ id }) => id === idOrUid) ?? rows[0] ?? null;
}

/** The tenant's other endpoints that requests go to the same URL of; a fragment is not sent. */
export async function endpointsAt(
  d1: D1Database,
  tenant: string,
  { id, url }: Pick<EndpointRow, "id" | "url">,
): Promise<Pick<EndpointRow, "id" | "uid">[]> {
  const rows = await database(d1)
    .select({ id: endpoints.id, uid: endpoints.uid, url: endpoints.url })
    .from(endpoints)
    .where(and(eq(endpoints.tenant, tenant), live))
    .orderBy(endpoints.id)
    .all();
  const sent = (text: string) => URL.parse(text)?.href.replace(/#.*$/, "") ?? text;
  return rows.filter((other) => other.id !== id && sent(other.url) === sent(url)).map(({ id, uid }) => ({ id, uid }));
}

/** The ids of the tenant's endpoints, newest first. */
export async function endpointIds(d1: D1Database, tenant: string): Promise<string[]> {
  const rows = await database(d1)
    .select({ id: endpoints.id })
    .from(endpoints)
    .where(and(eq(endpoints.tenant, tenant), live))
    .orderBy(desc(endpoints.id))
    .all();
  return rows.map(({ id }) => id);
}

/** Endpoints of the tenant, newest first, after the id `before`; at most `limit`. */
export async function listEndpoints(
  d1: D1Database,
  tenant: string,
  limit: number,
  before: string | null,
): Promise<EndpointRow[]> {
  return rows.list(d1, tenant, limit, before, live);
}

/**
 * Writes a new endpoint. `conflict`: the tenant has another endpoint of that `uid`; `full`: it has as many as it may,
 * `most`. Throws `OverLimit`.
 */
export async function insertEndpoint(
  d1: D1Database,
  tenant: string,
  id: string,
  fields: EndpointFields & EndpointSecrets & { enabled: boolean },
  most: number,
  now: number,
  entry: AuditEntry,
): Promise<EndpointRow | "conflict" | "full"> {
  const enablement: Enablement = fields.enabled
    ? { enabled: true, disabledReason: null, disabledAt: null }
    : { enabled: false, disabledReason: "manual", disabledAt: now };
  const db = database(d1);
  // A batch is one transaction: of simultaneous creations none sees a count without the others, and the one too many
  // is gone before anybody could see it.
  const limit = await bytesLimit(d1, tenant);
  const batch = db.batch([
    db
      .insert(endpoints)
      .values({ ...fields, ...enablement, id, tenant, version: 1, createdAt: now, updatedAt: now })
      .onConflictDoNothing()
      .returning(),
    db
      .delete(endpoints)
      .where(and(eq(endpoints.tenant, tenant), eq(endpoints.id, id), sql`${countOf(tenant)} > ${most}`))
      .returning({ id: endpoints.id }),
    auditOfLast(d1, entry, now, sql`EXISTS (SELECT 1 FROM ${endpoints} WHERE id = ${id})`),
    checkOf(d1, limit),
  ]);
  const [[inserted], removed] = await limited(batch);
  if (inserted === undefined) return "conflict";
  if (removed.length > 0) return "full";
  logChange(entry);
  return inserted;
}

/**
 * Changes an endpoint that still is as it was read, and its version. `conflict`: another endpoint has that `uid`. Throws
 * `OverLimit` and `ChangedMeanwhile`.
 */
export async function updateEndpoint(
  d1: D1Database,
  { tenant, id, version }: Pick<EndpointRow, "tenant" | "id" | "version">,
  change: Partial<EndpointFields & EndpointSecrets>,
  now: number,
  entry: AuditEntry,
): Promise<"updated" | "conflict"> {
  try {
    const update = database(d1)
      .update(endpoints)
      .set({ ...change, version: nextVersion(now), updatedAt: now })
      .where(and(eq(endpoints.tenant, tenant), eq(endpoints.id, id), eq(endpoints.version, version), live))
      .returning({ id: endpoints.id });
    const isLoaded = change.events !== undefined || change.filter !== undefined;
    written(await audited(d1, update, entry, now, ...(isLoaded ? [await bytesLimit(d1, tenant)] : [])));
  } catch (error) {
    // The only unique index besides the id is the one over `uid`.
    if (/UNIQUE constraint failed/.test(String(rootCause(error)))) return "conflict";
    throw error;
  }
  return "updated";
}

/**
 * The first step of a deletion: from here on nobody finds the endpoint. Answers its id, also when it has been marked
 * before and the deletion did not come to its end. `null`: there is none such. `read`: only as it was read; throws
 * `ChangedMeanwhile` where it is not that any more.
 */
export async function markEndpointDeleted(
  d1: D1Database,
  tenant: string,
  idOrUid: string,
  now: number,
  entryFor: (id: string) => AuditEntry,
  read: EndpointRow | null = null,
): Promise<string | null> {
  const db = database(d1);
  const named = or(eq(endpoints.id, idOrUid), eq(endpoints.uid, idOrUid));
  const found = await db
    .select({ id: endpoints.id })
    .from(endpoints)
    .where(and(eq(endpoints.tenant, tenant), named))
    // Live ones first (NULL sorts first): a `uid` may have been given to another endpoint since.
    .orderBy(endpoints.deletedAt)
    .get();
  if (found === undefined) return null;
  // Whether it is enabled is its object's to say, and moves no version.
  const asRead = read && [
    eq(endpoints.version, read.version),
    eq(endpoints.enabled, read.enabled),
    sql`${endpoints.disabledAt} IS ${read.disabledAt}`,
  ];
  const mark = db
    .update(endpoints)
    .set({ deletedAt: now })
    .where(and(eq(endpoints.tenant, tenant), eq(endpoints.id, found.id), live, ...(asRead ?? [])))
    .returning({ id: endpoints.id });
  const marked = await audited(d1, mark, entryFor(found.id), now);
  if (read !== null) written(marked);
  return found.id;
}

/** The last step of a deletion. Its object keeps the log for now, so its id is kept: former-endpoints.ts. */
export async function removeEndpoint(d1: D1Database, tenant: string, id: string, now: number): Promise<void> {
  const db = database(d1);
  await db.batch([
    db.insert(formerEndpoints).values({ tenant, id, removedAt: now }).onConflictDoNothing(),
    db.delete(endpoints).where(and(eq(endpoints.tenant, tenant), eq(endpoints.id, id))),
    ...withoutFigures(d1, tenant, id),
  ]);
}

/** What goes with an endpoint: the copy of how it fared. */
export function withoutFigures(d1: D1Database, tenant: string, id: string) {
  const db = database(d1);
  const figures = and(eq(endpointFigures.tenant, tenant), eq(endpointFigures.endpoint, id));
  return [
    db.delete(endpointSummaries).where(eq(endpointSummaries.endpoint, id)),
    db.delete(endpointFigures).where(figures),
    db.delete(recoveries).where(and(eq(recoveries.tenant, tenant), eq(recoveries.endpoint, id))),
  ] as const;
}

/** What the endpoint's object needs to know; `null` when there is no such endpoint. */
export async function loadSettings(
  d1: D1Database,
  tenant: string,
  id: string,
): Promise<{ settings: EndpointSettings; enablement: Enablement } | null> {
  const [[row], hosts] = await database(d1).batch([
    database(d1)
      .select()
      .from(endpoints)
      .where(and(eq(endpoints.tenant, tenant), eq(endpoints.id, id), live)),
    selectHosts(d1),
  ]);
  if (row === undefined) return null;
  const { enabled, disabledReason, disabledAt } = row;
  const settings = { ...effectiveSettings(row), ownHosts: hosts.map(({ host }) => host) };
  return { settings, enablement: { enabled, disabledReason, disabledAt } };
}

/** The row with what it leaves to its profile filled in. */
export function effectiveSettings(row: EndpointRow): EndpointSettings {
  const profile = profileOf(row.profile);
  const { scheme, header = null } = row.signature ?? profile.signature;
  return {
    tenant: row.tenant,
    endpoint: row.id,
    uid: row.uid,
    name: row.name,
    version: row.version,
    url: row.url,
    method: row.method ?? profile.method,
    profile: row.profile,
    format: row.format ?? profile.format,
    signature: { scheme, header: header ?? schemeOf(scheme)?.header ?? null },
    owner: secretOwner(row.tenant, row.id),
    sealedHeaders: row.headers ?? {},
    sealedSecret: row.secret === "" ? null : row.secret,
    sealedNext: row.nextSecret,
    nextFrom: row.nextFrom,
    sealedLater: row.laterSecrets ?? [],
    retry: row.retry ?? [...profile.retry],
    timeout: row.timeout ?? profile.timeout,
    disableAfter: row.disableAfter,
    rateLimit: row.rateLimit,
  };
}

/**
 * Writes D1's copy of what the endpoint's object decided, and in the audit when it disabled the endpoint by itself
 * (`disabledAt`, ms), each once however often this is called; a person's switch was written down when they made it.
 */
export async function mirrorEnablement(
  d1: D1Database,
  tenant: string,
  id: string,
  enablement: Enablement,
  disabledAt: readonly number[] = [],
): Promise<void> {
  // The same again changes nothing.
  const other = or(
    ne(endpoints.enabled, enablement.enabled),
    sql`${endpoints.disabledAt} IS NOT ${enablement.disabledAt}`,
  );
  const update = database(d1)
    .update(endpoints)
    .set(enablement)
    .where(and(eq(endpoints.tenant, tenant), eq(endpoints.id, id), other));
  const entry = { actor: ITSELF, action: "endpoint.disabled", target: id, tenant } as const;
  const [, ...written] = await database(d1).batch([update, ...disabledAt.map((at) => auditOnce(d1, entry, at))]);
  for (const { meta } of written) if (meta.changes > 0) logChange(entry);
}
