import { configOf, databasesOf } from "../../config/databases";
import { endpointIds } from "../../config/endpoints/endpoints";
import { troubled } from "../../config/endpoints/summaries";
import type { DeliveryFilter } from "../../contracts/endpoint";
import type { Env } from "../../contracts/env";
import { endpointStub } from "../../contracts/find";
import { ulidTime } from "../../lib/ids";
import { logError } from "../../lib/log";
import { MINUTE } from "../../lib/time";

/** The most endpoints that are asked, and how many of them side by side. */
export const MOST_ASKED = 200;
const AT_ONCE = 20;
/** How far the clocks of isolates may be apart, in ms. */
const SKEW = 5 * MINUTE;
const ATTEMPT_ID = /^att_([0-7][0-9A-HJKMNP-TV-Z]{25})$/;

/** The delivery that an attempt is of. */
export interface AttemptOf {
  tenant: string;
  endpoint: string;
  delivery: string;
}

interface Place {
  tenant: string;
  endpoint: string;
}

/**
 * The delivery of the attempt with that id; `null`: it is no attempt's, or was not found. An attempt's id says only when it
 * began, and its delivery has it in its log: so endpoints are asked for it, those of a tenant, or (`null`) those of all
 * tenants that are in trouble, each in its latest deliveries from before that time and in those that have not succeeded.
 */
export async function findAttempt(env: Env, tenant: string | null, id: string): Promise<AttemptOf | null> {
  const [, ulid] = ATTEMPT_ID.exec(id) ?? [];
  if (ulid === undefined) return null;
  const until = ulidTime(ulid) + SKEW;
  const any = { event: null, codes: null, since: null, until, attempt: id };
  const filters: DeliveryFilter[] = [
    { ...any, statuses: null },
    { ...any, statuses: ["pending", "retrying", "failed", "held"] },
  ];
  const places = tenant === null ? await inTrouble(env) : await ofTenant(env, tenant);
  for (const filter of filters) {
    for (let i = 0; i < places.length; i += AT_ONCE) {
      const found = await Promise.all(places.slice(i, i + AT_ONCE).map((place) => ask(env, place, filter)));
      const [one] = found.filter((delivery) => delivery !== null);
      if (one !== undefined) return one;
    }
  }
  return null;
}

async function ask(env: Env, { tenant, endpoint }: Place, filter: DeliveryFilter): Promise<AttemptOf | null> {
  try {
    const { deliveries } = await endpointStub(env, tenant, endpoint).list(filter, 1, null);
    const [delivery] = deliveries;
    return delivery === undefined ? null : { tenant, endpoint, delivery: delivery.id };
  } catch (error) {
    // The others may have it.
    logError("search.endpoint.failed", error, { tenant, endpoint });
    return null;
  }
}

async function ofTenant(env: Env, tenant: string): Promise<Place[]> {
  const ids = await endpointIds(await configOf(env, tenant), tenant);
  return ids.slice(0, MOST_ASKED).map((endpoint) => ({ tenant, endpoint }));
}

async function inTrouble(env: Env): Promise<Place[]> {
  const rows = await Promise.all(databasesOf(env).map((d1) => troubled(d1, { limit: MOST_ASKED })));
  return rows.flat().slice(0, MOST_ASKED);
}
