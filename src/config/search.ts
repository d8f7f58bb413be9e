import { and, desc, eq, isNull, sql } from "drizzle-orm";
import { OPERATOR_TENANT } from "../lib/operator";
import { database } from "./database";
import type { EndpointRow } from "./endpoints/endpoints";
import { hasIn } from "./has-in";
import { endpoints } from "./tables/endpoints";
import { tenants } from "./tables/service";
import type { Tenant } from "./tenants";

/** How many tenants and endpoints of a database are looked through for a part of a name or URL: the newest. */
export const MOST_LOOKED = 20_000;

export type FoundEndpoint = Pick<EndpointRow, "tenant" | "id" | "uid" | "name" | "url">;

/**
 * Endpoints with a text in their id, `uid`, name or URL, at most `limit`, newest first. `tenant`: of this one; `null`: of
 * all in the database, as far as {@link MOST_LOOKED} goes; by its whole id each is found.
 */
export async function searchEndpoints(
  d1: D1Database,
  tenant: string | null,
  text: string,
  limit: number,
): Promise<FoundEndpoint[]> {
  const { id, uid, name, url } = endpoints;
  const columns = { tenant: endpoints.tenant, id, uid, name, url };
  const its = and(isNull(endpoints.deletedAt), tenant === null ? undefined : eq(endpoints.tenant, tenant));
  const db = database(d1);
  if (/^ep_[0-9A-Z]{26}$/.test(text)) {
    const [row] = await db
      .select(columns)
      .from(endpoints)
      .where(and(eq(id, text), its));
    if (row !== undefined) return [row];
  }
  const newest = db.select(columns).from(endpoints).where(its).orderBy(desc(id)).limit(MOST_LOOKED).as("newest");
  return db
    .select()
    .from(newest)
    .where(hasIn(text, newest.id, newest.uid, newest.name, newest.url))
    .limit(limit)
    .all();
}

/** Tenants with a text in their id or name, newest first, likewise; without the service's own. */
export async function searchTenants(
  d1: D1Database,
  text: string,
  limit: number,
): Promise<Pick<Tenant, "id" | "name" | "createdAt">[]> {
  const db = database(d1);
  const { id, name, createdAt } = tenants;
  const newest = db
    .select({ id, name, createdAt })
    .from(tenants)
    .where(isNull(tenants.deletedAt))
    .orderBy(desc(createdAt), desc(id))
    .limit(MOST_LOOKED)
    .as("newest");
  return db
    .select()
    .from(newest)
    .where(and(sql`${newest.id} <> ${OPERATOR_TENANT}`, hasIn(text, newest.id, newest.name)))
    .limit(limit)
    .all();
}
