import type { EntityContract } from "../contracts/entity";
import type { Env } from "../contracts/env";
import type { Erased, UnderWayAt } from "../contracts/event-log";
import { endpointStub, eventLogStub } from "../contracts/find";
import { mapBounded } from "../lib/bounded";
import { deliveryId, eventRef } from "../lib/ids";

/** An event whose content is erased everywhere, and where requests that carry it are under way. */
export type ErasedEverywhere = Erased & { underWay: UnderWayAt[] };

/** Objects that are called side by side. */
const LANES = 20;

/**
 * Erases an event's content. First the log loses the text, so that nothing reads it any more; then every endpoint ends
 * its delivery, also one that it has not seen, so that a message under way with the text in it is dropped unread. `null`:
 * there is no such event. Throws when an object is out of reach; it is then to be repeated.
 */
export async function eraseEvent(env: Env, tenant: string, ulid: string): Promise<ErasedEverywhere | null> {
  const erased = await eventLogStub(env, tenant, eventRef(ulid)).erase(ulid);
  if (erased === null) return null;
  const { type, matches } = erased.event;
  const places = await mapBounded([...matches.entries()], LANES, async ([index, { endpoint, test }]) => {
    const id = deliveryId(ulid, index);
    const count = await endpointStub(env, tenant, endpoint).erase([{ id, type, test }]);
    return count === 0 ? [] : [{ endpoint, deliveries: [id] }];
  });
  return { ...erased, underWay: places.flat() };
}

/**
 * Erases an event's content like {@link eraseEvent}, the text that the entity which emitted it may still hold, and the
 * content of what was derived from it. Other events of the same observation stay: none was derived from the other.
 */
export async function eraseContent(env: Env, tenant: string, ulid: string): Promise<ErasedEverywhere | null> {
  const erased = await eraseEvent(env, tenant, ulid);
  if (erased === null) return null;
  if (erased.origin !== null) {
    const { room, observation } = erased.origin;
    await (env.ENTITY.getByName(`${tenant}/${room}`) as unknown as EntityContract).finish(observation);
  }
  const underWay = [...erased.underWay];
  for (const derived of erased.derived) underWay.push(...((await eraseContent(env, tenant, derived))?.underWay ?? []));
  return { ...erased, underWay };
}
