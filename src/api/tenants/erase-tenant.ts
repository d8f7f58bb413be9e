import { configOf } from "../../config/databases";
import { endpointsToErase, forgetEndpoint, noteErased, removeTenant, type Tenant } from "../../config/tenants";
import type { Env } from "../../contracts/env";
import type { UnderWayAt } from "../../contracts/event-log";
import { endpointStub, eventLogStub } from "../../contracts/find";
import { addDays, type Day, dayOf } from "../../lib/time";

/** The most objects that one request empties; what is left is for its repeats. */
const OBJECTS_AT_ONCE = 400;
/** Objects that are emptied side by side. */
const LANES = 20;

/** A tenant that is marked as deleted. */
export type MarkedTenant = Pick<Tenant, "id" | "createdAt" | "erasedDay"> & { deletedAt: number };

/**
 * The days whose logs may hold something and are not erased yet, at most `limit`. Latest first, since a log asks the day
 * before it for keys: so it finds none that it would bring back. One day more at either end, for clocks that differ. Pure.
 */
export function daysToErase({ createdAt, deletedAt, erasedDay }: MarkedTenant, limit: number): Day[] {
  const first = addDays(dayOf(createdAt), -1);
  const days: Day[] = [];
  let day = erasedDay === null ? addDays(dayOf(deletedAt), 1) : addDays(erasedDay, -1);
  for (; day >= first && days.length < limit; day = addDays(day, -1)) days.push(day);
  return days;
}

/** How far the erasure of a tenant came. */
export interface TenantErasure {
  /** It came to its end. */
  done: boolean;
  /** Where requests are under way of what it erased. */
  underWay: UnderWayAt[];
}

/**
 * Empties a deleted tenant's objects and at last removes its rows. Where it did not come to its end a repeat goes on where
 * this one stopped, also after it threw. A tenant of the same name that was made since is not touched.
 */
export async function eraseTenant(env: Env, tenant: MarkedTenant, objects = OBJECTS_AT_ONCE): Promise<TenantErasure> {
  const underWay: UnderWayAt[] = [];
  const { id, createdAt, deletedAt } = tenant;
  const deletion = { id, createdAt, deletedAt };
  const config = await configOf(env, id);
  let left = objects;
  // Logs before endpoints: a log hands its events to endpoints, not the other way round.
  const days = daysToErase(tenant, left + 1);
  for (let from = 0; from < days.length; from += LANES) {
    const lanes = days.slice(from, from + LANES);
    if (lanes.length > left) return { done: false, underWay };
    left -= lanes.length;
    const results = await Promise.all(lanes.map((day) => eventLogStub(env, id, day).eraseAll(deletion)));
    underWay.push(...results.flatMap((result) => result.underWay));
    // Days are noted in their order, up to the first that is not empty yet.
    const unfinished = results.findIndex(({ state }) => state === "more");
    const last = unfinished === -1 ? lanes.at(-1) : lanes[unfinished - 1];
    if (last !== undefined) await noteErased(config, deletion, last);
    if (unfinished !== -1) from += unfinished - LANES;
  }
  for (;;) {
    const endpoints = await endpointsToErase(config, deletion, LANES);
    if (endpoints.length === 0) break;
    if (endpoints.length > left) return { done: false, underWay };
    left -= endpoints.length;
    await Promise.all(
      endpoints.map(async (endpoint) => {
        if ((await endpointStub(env, id, endpoint).eraseAll()) !== 0) underWay.push({ endpoint });
        await forgetEndpoint(config, id, endpoint);
      }),
    );
  }
  await removeTenant(config, deletion);
  return { done: true, underWay };
}
