import { and, eq, inArray, sql } from "drizzle-orm";
import { secretOwner } from "../../contracts/settings";
import { seal, sealedPrefix, unseal } from "../../lib/crypto";
import { logError } from "../../lib/log";
import { type AuditEntry, audited } from "../access/audit";
import { database } from "../database";
import { SEALED, type Sealed } from "../indexed";
import { endpoints } from "../tables/endpoints";
import { tenants } from "../tables/service";
import { nextVersion } from "../version";
import { callbackOwner } from "./callbacks";
import { idsOf, pointsOf } from "./foreign-seals";

/** The most rows that one call seals anew: D1 bounds an invocation's queries. */
const ROWS_AT_ONCE = 20;
/** The most rows that one call looks at: what it cannot seal anew stays where it finds it. */
const LOOK_AT_ONCE = 200;

/** In this order, each by its ids. */
const TABLES = ["tenants", "endpoints"] as const;

/** How far a walk through all rows has come: `table/id`, after the number of the database where that is not the first. */
export const RESEAL_CURSOR = /^(?:([1-9]\d?)\/)?((?:tenants|endpoints)\/[A-Za-z0-9_-]{1,63})$/;

/** What a call has done. */
export interface Resealed {
  /** Values. */
  resealed: number;
  /** Where to go on; `null`: it came to the end. */
  next: string | null;
}

/** Walks through all databases, one after the other, as {@link reseal} does through one. */
export async function resealAll(
  databases: readonly D1Database[],
  secretsKeys: readonly string[],
  now: number,
  entry: AuditEntry,
  after: string | null,
): Promise<Resealed> {
  const [, number = "0", from = null] = RESEAL_CURSOR.exec(after ?? "") ?? [];
  let [resealed, cursor] = [0, from];
  for (let n = Number(number); n < databases.length; n++) {
    const part = await reseal(databases[n] as D1Database, secretsKeys, now, entry, cursor);
    resealed += part.resealed;
    if (part.next !== null) return { resealed, next: n === 0 ? part.next : `${n}/${part.next}` };
    cursor = null;
  }
  return { resealed, next: null };
}

/**
 * Seals values that are under older keys anew, under the first, a bounded number of rows at a time, from the cursor
 * `after` on. What is sealed anew is not found again, so that a repeat from the start goes on as well; what no key opens
 * stays as it is, and a row that somebody changes meanwhile is left for the next walk.
 */
export async function reseal(
  d1: D1Database,
  secretsKeys: readonly string[],
  now: number,
  entry: AuditEntry,
  after: string | null,
): Promise<Resealed> {
  const [today, ...old] = secretsKeys as [string, ...string[]];
  const ids = await idsOf(old);
  const prefixes = ids.map(sealedPrefix);
  const anew: Anew = async (owner, sealed) => {
    if (sealed === null || !prefixes.some((prefix) => sealed.startsWith(prefix))) return sealed;
    try {
      return await seal(today, owner, await unseal(secretsKeys, owner, sealed));
    } catch (error) {
      logError("secret.reseal.failed", error, { owner });
      return sealed;
    }
  };
  const [first, id = ""] = (after ?? `${TABLES[0]}/`).split("/") as [(typeof TABLES)[number], string?];
  const done = { values: 0, rows: 0 };
  let looked = 0;
  for (const table of TABLES.slice(TABLES.indexOf(first))) {
    const found = await idsUnder(d1, table, ids, table === first ? id : "");
    while (found.length > 0) {
      const some = found.splice(0, ROWS_AT_ONCE - done.rows);
      const each = await (table === "tenants" ? resealTenants : resealEndpoints)(d1, some, anew, now, entry);
      for (const values of each) {
        done.values += values;
        done.rows += values > 0 ? 1 : 0;
      }
      looked += some.length;
      if (looked >= LOOK_AT_ONCE || done.rows === ROWS_AT_ONCE) {
        return { resealed: done.values, next: `${table}/${some.at(-1)}` };
      }
    }
  }
  return { resealed: done.values, next: null };
}

/** The first ids after `after` of the rows of a table that have values under keys of these ids, in their order. */
async function idsUnder(
  d1: D1Database,
  table: Sealed["table"],
  keyIds: readonly string[],
  after: string,
): Promise<string[]> {
  if (keyIds.length === 0) return [];
  const db = database(d1);
  const found = SEALED.filter((sealed) => sealed.table === table).flatMap((sealed) =>
    [...keyIds, ...pointsOf(sealed)].map((keyId) =>
      db
        .select({ id: sql<string>`id` })
        .from(sql.raw(table))
        .where(and(sql.raw(sealed.where), sql`${sql.raw(sealed.keyId)} = ${keyId}`, sql`id > ${after}`))
        .orderBy(sql`id`)
        .limit(LOOK_AT_ONCE),
    ),
  );
  const rows = await db.batch(found as [(typeof found)[number]]);
  return [...new Set(rows.flat().map(({ id }) => id))].toSorted().slice(0, LOOK_AT_ONCE);
}

type Anew = (owner: string, sealed: string | null) => Promise<string | null>;

/** How many values of each of the endpoints are sealed anew. */
async function resealEndpoints(
  d1: D1Database,
  ids: readonly string[],
  anew: Anew,
  now: number,
  entry: AuditEntry,
): Promise<number[]> {
  const rows = await database(d1)
    .select()
    .from(endpoints)
    .where(inArray(endpoints.id, [...ids]))
    .all();
  const values: number[] = [];
  for (const row of rows) {
    const owner = secretOwner(row.tenant, row.id);
    const { secret, nextSecret } = row;
    const before = { secret, nextSecret, laterSecrets: row.laterSecrets ?? [], headers: row.headers ?? {} };
    const after = {
      secret: (await anew(owner, before.secret)) as string,
      nextSecret: await anew(owner, before.nextSecret),
      laterSecrets: await Promise.all(
        before.laterSecrets.map(async (later) => ({ ...later, secret: (await anew(owner, later.secret)) as string })),
      ),
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
      .set({
        ...after,
        laterSecrets: row.laterSecrets && after.laterSecrets,
        headers: row.headers && after.headers,
        version: nextVersion(now),
      })
      .where(and(eq(endpoints.id, row.id), eq(endpoints.version, row.version)))
      .returning({ id: endpoints.id });
    const changed = await audited(d1, update, { ...entry, target: row.id, tenant: row.tenant }, now);
    if (changed.length > 0) values.push(changes);
  }
  return values;
}

/** Likewise of the tenants. */
async function resealTenants(
  d1: D1Database,
  ids: readonly string[],
  anew: Anew,
  now: number,
  entry: AuditEntry,
): Promise<number[]> {
  const { callbackSecret } = tenants;
  const rows = await database(d1)
    .select()
    .from(tenants)
    .where(inArray(tenants.id, [...ids]))
    .all();
  const values: number[] = [];
  for (const row of rows) {
    const sealed = await anew(callbackOwner(row.id), row.callbackSecret);
    if (sealed === row.callbackSecret) continue;
    const update = database(d1)
      .update(tenants)
      .set({ callbackSecret: sealed })
      .where(and(eq(tenants.id, row.id), eq(callbackSecret, row.callbackSecret as string)))
      .returning({ id: tenants.id });
    const changed = await audited(d1, update, { ...entry, target: row.id, tenant: row.id }, now);
    values.push(changed.length);
  }
  return values;
}

function flat(row: {
  secret: string;
  nextSecret: string | null;
  laterSecrets: readonly { secret: string }[];
  headers: object;
}) {
  const later = row.laterSecrets.map(({ secret }) => secret);
  return [row.secret, row.nextSecret, ...later, ...Object.values(row.headers)];
}

function differences(before: unknown[], after: unknown[]): number {
  return before.filter((value, i) => value !== after[i]).length;
}
