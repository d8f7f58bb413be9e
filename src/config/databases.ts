/**
 * Which database holds what. A tenant's configuration, with its keys, links and audit, is in one of several: `DB`, `DB_1` and
 * so on, and {@link configOf} is the one door to it. What is the service's own, such as event types, is in the first.
 *
 * Where a tenant is, is chosen when it is made and written down in the first, and never changes after. With one database
 * nothing is asked or written down: there is only one place.
 * @module
 */
import { count, eq, sql } from "drizzle-orm";
import type { Env } from "../contracts/env";
import { Cache } from "../lib/cache";
import { database } from "./database";
import { tenantDatabases, tenants } from "./tables/service";

/** What an isolate remembers of where tenants are, in bytes; and about the bytes of one entry. */
const REMEMBERED = 4_000_000;
const ENTRY = 150;

/** The numbers of tenants' databases. Only what is written down, which never changes: so it is remembered for good. */
const places = new Cache<number>(REMEMBERED);

/** All databases, in the order of their numbers. */
export function databasesOf(env: Env): [D1Database, ...D1Database[]] {
  const all: [D1Database, ...D1Database[]] = [env.DB];
  for (let next = env.DB_1; next !== undefined; next = env[`DB_${all.length}`]) all.push(next);
  return all;
}

/** The database of what is the service's own. */
export function serviceOf(env: Env): D1Database {
  return env.DB;
}

/**
 * The database of a tenant's configuration; of one that is not there, the first. Throws when it is not bound any more: what
 * is not found where it is not, would pass for deleted.
 */
export async function configOf(env: Env, tenant: string): Promise<D1Database> {
  if (env.DB_1 === undefined) return env.DB;
  return databaseAt(env, (await placeOf(env, tenant)) ?? 0, tenant);
}

/**
 * Throws when a tenant is in a database that is not bound. For whoever would take a tenant that they have not found for
 * deleted: with one database, {@link configOf} does not ask.
 */
export async function demandBound(env: Env, tenant: string): Promise<void> {
  databaseAt(env, (await placeIn(env.DB, tenant)) ?? 0, tenant);
}

function databaseAt(env: Env, number: number, tenant: string): D1Database {
  const found = number === 0 ? env.DB : env[`DB_${number}`];
  if (found === undefined) throw new Error(`${NOT_BOUND}DB_${number}, where the tenant ${tenant} is`);
  return found;
}

const NOT_BOUND = "there is no binding ";

/** The binding for want of which a tenant's database was not found; `null`: an error is another one. Pure. */
export function unboundIn({ message }: Error): string | null {
  return new RegExp(`${NOT_BOUND}(DB_\\d+),`).exec(message)?.[1] ?? null;
}

/** The number of a tenant's database; `null`: there is no such tenant, nor was one since there are several. */
async function placeOf(env: Env, tenant: string): Promise<number | null> {
  const known = places.get(tenant);
  if (known !== undefined) return known;
  const number = (await placeIn(env.DB, tenant)) ?? (await findPlace(env, tenant));
  if (number !== null) places.set(tenant, number, ENTRY);
  return number;
}

async function placeIn(first: D1Database, tenant: string): Promise<number | null> {
  const place = database(first)
    .select({ number: tenantDatabases.database })
    .from(tenantDatabases)
    .where(eq(tenantDatabases.tenant, tenant))
    .get();
  return (await place)?.number ?? null;
}

/**
 * Looks for a tenant of which nothing is written down, and writes it down: one from before there were several, or whose place
 * was lost when the first database was set back in time.
 */
async function findPlace(env: Env, tenant: string): Promise<number | null> {
  const number = (await Promise.all(databasesOf(env).map((d1) => isAt(d1, tenant)))).indexOf(true);
  if (number === -1) return null;
  await database(env.DB).insert(tenantDatabases).values({ tenant, database: number }).onConflictDoNothing().run();
  return placeIn(env.DB, tenant);
}

async function isAt(d1: D1Database, tenant: string): Promise<boolean> {
  return (
    (await database(d1).select({ id: tenants.id }).from(tenants).where(eq(tenants.id, tenant)).get()) !== undefined
  );
}

/**
 * The database for a tenant that is to be made: where one of its name is or was, else the one with the fewest tenants, so
 * that a database that is added fills first. That counts the rows of them all, once for each new name: a thousandth of a cent
 * for ten thousand. Of two who make the same tenant at once, both are told the same.
 */
export async function placeFor(env: Env, tenant: string): Promise<D1Database> {
  const all = databasesOf(env);
  if (all.length > 1 && (await placeOf(env, tenant)) === null) {
    const counts = await Promise.all(all.map(tenantsAt));
    const fewest = counts.indexOf(Math.min(...counts));
    // Not where one has come to the first meanwhile, by a deployment that knows of no other.
    const free = sql`NOT EXISTS (SELECT 1 FROM ${tenants} WHERE id = ${tenant})`;
    await database(env.DB)
      .insert(tenantDatabases)
      .select(sql`SELECT ${tenant}, ${fewest} WHERE ${free}`)
      .onConflictDoNothing()
      .run();
  }
  return configOf(env, tenant);
}

async function tenantsAt(d1: D1Database): Promise<number> {
  return (await database(d1).select({ n: count() }).from(tenants).get())?.n ?? 0;
}

/** The first rows, at most `limit`, of a list that goes over all databases; `ahead`: whether a row comes before another. */
export async function listOverAll<Row>(
  env: Env,
  limit: number,
  read: (d1: D1Database) => Promise<Row[]>,
  ahead: (a: Row, b: Row) => boolean,
): Promise<Row[]> {
  const [first, ...others] = await Promise.all(databasesOf(env).map(read));
  if (others.length === 0) return first as Row[];
  const rows = [...(first as Row[]), ...others.flat()];
  return rows.sort((a, b) => (ahead(a, b) ? -1 : 1)).slice(0, limit);
}

/**
 * What one of the databases has, whichever that is; `null`: none. What is found counts also while another is out of reach;
 * throws where one is, and nothing was found.
 */
export async function findInAny<T>(
  databases: readonly D1Database[],
  find: (d1: D1Database) => Promise<T | null>,
): Promise<T | null> {
  const [only] = databases;
  if (databases.length === 1) return find(only as D1Database);
  const results = await Promise.allSettled(databases.map(find));
  for (const result of results) if (result.status === "fulfilled" && result.value !== null) return result.value;
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return null;
}
