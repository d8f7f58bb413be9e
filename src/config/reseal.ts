import { and, eq, or, type SQL, sql } from "drizzle-orm";
import { keyIdOf, seal, sealedPrefix, unseal } from "../lib/crypto";
import { logError } from "../lib/log";
import { secretOwner } from "../lib/settings";
import { type AuditEntry, audited } from "./audit";
import { callbackOwner } from "./callbacks";
import { database } from "./database";
import { endpoints, tenants } from "./schema";
import { nextVersion } from "./version";

/** The most endpoints, and the most tenants, that one call seals anew: D1 bounds an invocation's queries. */
const ROWS_AT_ONCE = 20;

/** How many sealed values there are under keys other than today's: those that still open, and those that do not. */
export interface ForeignSeals {
  underOldKeys: number;
  unreadable: number;
}

/** SQL: the sealed values of all tables, one per row, as `value`. */
const SEALS = sql`(
  SELECT secret AS value FROM ${endpoints} WHERE secret <> ''
  UNION ALL SELECT next_secret FROM ${endpoints} WHERE next_secret IS NOT NULL
  UNION ALL SELECT h.value FROM ${endpoints}, json_each(${endpoints.headers}) AS h WHERE ${endpoints.headers} IS NOT NULL
  UNION ALL SELECT callback_secret FROM ${tenants} WHERE callback_secret IS NOT NULL
)`;

/** Counts the values that are sealed under other keys than the first. `secretsKeys`: today's, then the older ones. */
export async function countForeignSeals(d1: D1Database, secretsKeys: readonly string[]): Promise<ForeignSeals> {
  const [today, ...old] = await prefixesOf(secretsKeys);
  const beginsWith = (prefix: string) => sql`value LIKE ${`${prefix}%`}`;
  const isOld = old.length === 0 ? sql`0` : sql.join(old.map(beginsWith), sql` OR `);
  const counted = await database(d1).get<{ old: number | null; other: number | null }>(
    sql`SELECT sum(${isOld}) AS old, sum(NOT ${beginsWith(today as string)}) AS other FROM ${SEALS}`,
  );
  const underOldKeys = counted?.old ?? 0;
  return { underOldKeys, unreadable: (counted?.other ?? 0) - underOldKeys };
}

/**
 * Seals values that are under older keys anew, under the first, a bounded number of rows at a time; answers how many
 * values. What no key opens stays as it is. A row that somebody changes meanwhile is left for the next call.
 */
export async function reseal(
  d1: D1Database,
  secretsKeys: readonly string[],
  now: number,
  entry: AuditEntry,
): Promise<number> {
  const [today, ...old] = secretsKeys as [string, ...string[]];
  if (old.length === 0) return 0;
  const prefixes = await prefixesOf(old);
  const anew = async (owner: string, sealed: string | null): Promise<string | null> => {
    if (sealed === null || !prefixes.some((prefix) => sealed.startsWith(prefix))) return sealed;
    try {
      return await seal(today, owner, await unseal(secretsKeys, owner, sealed));
    } catch (error) {
      logError("secret.reseal.failed", error, { owner });
      return sealed;
    }
  };
  return (
    (await resealEndpoints(d1, prefixes, anew, now, entry)) + (await resealTenants(d1, prefixes, anew, now, entry))
  );
}

type Anew = (owner: string, sealed: string | null) => Promise<string | null>;

async function resealEndpoints(
  d1: D1Database,
  prefixes: readonly string[],
  anew: Anew,
  now: number,
  entry: AuditEntry,
): Promise<number> {
  const { secret, nextSecret, headers } = endpoints;
  const rows = await database(d1)
    .select()
    .from(endpoints)
    .where(
      or(
        ...prefixes.flatMap((prefix) => [
          sql`${secret} LIKE ${`${prefix}%`}`,
          sql`${nextSecret} LIKE ${`${prefix}%`}`,
          sql`EXISTS (SELECT 1 FROM json_each(${headers}) AS h WHERE h.value LIKE ${`${prefix}%`})`,
        ]),
      ),
    )
    .limit(ROWS_AT_ONCE)
    .all();
  let values = 0;
  for (const row of rows) {
    const owner = secretOwner(row.tenant, row.id);
    const before = { secret: row.secret, nextSecret: row.nextSecret, headers: row.headers ?? {} };
    const after = {
      secret: (await anew(owner, before.secret)) as string,
      nextSecret: await anew(owner, before.nextSecret),
      headers: Object.fromEntries(
        await Promise.all(
          Object.entries(before.headers).map(async ([name, sealed]) => [name, (await anew(owner, sealed)) as string]),
        ),
      ) as Record<string, string>,
    };
    const changes = differences(flat(before), flat(after));
    if (changes === 0) continue;
    const update = database(d1)
      .update(endpoints)
      // A new version, so that the endpoint's object takes the new seals over with its next event.
      .set({ ...after, headers: row.headers === null ? null : after.headers, version: nextVersion(now) })
      .where(and(eq(endpoints.id, row.id), eq(endpoints.version, row.version)))
      .returning({ id: endpoints.id });
    const changed = await audited(d1, update, { ...entry, target: row.id, tenant: row.tenant }, now);
    if (changed.length > 0) values += changes;
  }
  return values;
}

async function resealTenants(
  d1: D1Database,
  prefixes: readonly string[],
  anew: Anew,
  now: number,
  entry: AuditEntry,
): Promise<number> {
  const { callbackSecret } = tenants;
  const under = (prefix: string): SQL => sql`${callbackSecret} LIKE ${`${prefix}%`}`;
  const rows = await database(d1)
    .select()
    .from(tenants)
    .where(or(...prefixes.map(under)))
    .limit(ROWS_AT_ONCE)
    .all();
  let values = 0;
  for (const row of rows) {
    const sealed = await anew(callbackOwner(row.id), row.callbackSecret);
    if (sealed === row.callbackSecret) continue;
    const update = database(d1)
      .update(tenants)
      .set({ callbackSecret: sealed })
      .where(and(eq(tenants.id, row.id), eq(callbackSecret, row.callbackSecret as string)))
      .returning({ id: tenants.id });
    values += (await audited(d1, update, { ...entry, target: row.id, tenant: row.id }, now)).length;
  }
  return values;
}

async function prefixesOf(secretsKeys: readonly string[]): Promise<string[]> {
  return Promise.all(secretsKeys.map(async (key) => sealedPrefix(await keyIdOf(key))));
}

function flat({ secret, nextSecret, headers }: { secret: string; nextSecret: string | null; headers: object }) {
  return [secret, nextSecret, ...Object.values(headers)];
}

function differences(before: unknown[], after: unknown[]): number {
  return before.filter((value, i) => value !== after[i]).length;
}
