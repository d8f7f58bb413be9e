import { sql } from "drizzle-orm";
import { isLoopback } from "../../lib/net/url-policy";
import { MINUTE } from "../../lib/time";
import { database } from "../database";
import { HOST } from "../indexed";
import { endpoints, ownHosts } from "../tables/endpoints";
import { nextVersion } from "../version";

/** How old what is known of our own hosts may be, in ms: they change when the Worker is given a new domain. */
const MAX_AGE = MINUTE;
/** The most hosts kept: a Worker behind a wildcard route has no end of names. */
const MAX_HOSTS = 100;

// Values and never promises: a promise of a request that was cut off would never settle for the others.
let known: { loadedAt: number; hosts: readonly string[] } | null = null;
const seenHere = new Set<string>();

/** The hosts at which this deployment has been called, as of at most a minute ago; those of this isolate at once. */
export async function knownHosts(d1: D1Database, now: number): Promise<string[]> {
  if (known === null || now - known.loadedAt >= MAX_AGE) {
    const rows = await selectHosts(d1).all();
    known = { loadedAt: now, hosts: rows.map(({ host }) => host) };
  }
  return [...known.hosts, ...seenHere];
}

/** The query for those of all isolates, to be batched with others. */
export function selectHosts(d1: D1Database) {
  return database(d1).select({ host: ownHosts.host }).from(ownHosts);
}

/** The hosts at which this isolate has been called. Costs nothing. */
export function hostsSeenHere(): ReadonlySet<string> {
  return seenHere;
}

/**
 * Remembers a host at which this deployment is called. Endpoints that lead there count one version up, so that their
 * objects read their settings, and with them this host, before the next send. Of loopback nothing is written down: its
 * ports change hands.
 */
export async function noteHost(databases: readonly D1Database[], host: string, now: number): Promise<void> {
  const [only] = databases;
  for (const d1 of databases) {
    // Of one of several nothing is remembered: it may have been added since, and does not know what the others do.
    const known = async () =>
      d1 === only ? knownHosts(d1, now) : (await selectHosts(d1).all()).map(({ host }) => host);
    const hosts = isLoopback(host) ? [host] : await known();
    if (hosts.includes(host) || hosts.length >= MAX_HOSTS) continue;
    const db = database(d1);
    const name = host.toLowerCase().replace(/:\d+$/, "").replace(/\.$/, "");
    await db.batch([
      db.insert(ownHosts).values({ host, seenAt: now }).onConflictDoNothing(),
      db
        .update(endpoints)
        .set({ version: nextVersion(now) })
        // Also those whose host only a parser of URLs reads: a version too many does no harm.
        .where(sql`${sql.raw(HOST)} = ${name} OR ${sql.raw(HOST)} IS NULL`),
    ]);
  }
  if (seenHere.size < MAX_HOSTS) seenHere.add(host);
}
