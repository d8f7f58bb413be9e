import { eq } from "drizzle-orm";
import type { EndpointSettings } from "../../contracts/settings";
import { database } from "../database";
import { tenants } from "../tables/service";
import { selectHosts } from "./own-hosts";
import { profileOf } from "./profiles";
import { schemeOf } from "./schemes";

/** Per-request callbacks behave as the page they come from says. */
const PROFILE = "finder";

/** Who a tenant's callback secret is sealed for. */
export function callbackOwner(tenant: string): string {
  return `${tenant}/callbacks`;
}

/**
 * What delivering to the address that came with an event needs. It is signed when the tenant has a callback secret; it
 * has no row and so no versions, and is never switched off.
 */
export async function callbackSettings(
  d1: D1Database,
  tenant: string,
  endpoint: string,
  url: string,
): Promise<EndpointSettings> {
  const db = database(d1);
  const [[row], hosts] = await db.batch([
    db.select({ secret: tenants.callbackSecret }).from(tenants).where(eq(tenants.id, tenant)),
    selectHosts(d1),
  ]);
  const profile = profileOf(PROFILE);
  const sealedSecret = row?.secret ?? null;
  const scheme = sealedSecret === null ? "none" : profile.signature.scheme;
  return {
    tenant,
    endpoint,
    callback: true,
    version: 1,
    url,
    ownHosts: hosts.map(({ host }) => host),
    method: profile.method,
    profile: PROFILE,
    format: profile.format,
    signature: { scheme, header: schemeOf(scheme)?.header ?? null },
    owner: callbackOwner(tenant),
    sealedHeaders: {},
    sealedSecret,
    sealedNext: null,
    nextFrom: null,
    retry: [...profile.retry],
    timeout: profile.timeout,
    disableAfter: 0,
    rateLimit: null,
  };
}
