import { hex, sha256 } from "../lib/crypto";
import { type EventRef, logName } from "../lib/ids";
import type { Day } from "../lib/time";
import type { EndpointRoom } from "./endpoint";
import type { EntityRoom } from "./entity";
import type { Env } from "./env";
import type { EventLogRoom } from "./event-log";

/** The endpoint object of a tenant. */
export function endpointRoom(env: Env, tenant: string, endpoint: string): EndpointRoom {
  return env.ENDPOINT.getByName(`${tenant}/${endpoint}`) as unknown as EndpointRoom;
}

/** The event log that holds an event of the tenant, or the one that a UTC day's events are written to. */
export function eventLogRoom(env: Env, tenant: string, at: EventRef | Day): EventLogRoom {
  const name = typeof at === "string" ? at : logName(at);
  return env.EVENT_LOG.getByName(`${tenant}/${name}`) as unknown as EventLogRoom;
}

/** The object of an entity's key, for a tenant that was created at `since` (ms). The key may be of any length. */
export async function entityRoom(env: Env, tenant: string, since: number, key: string): Promise<EntityRoom> {
  const name = `${tenant}/${since.toString(36)}/${hex(await sha256(JSON.stringify(key)))}`;
  return env.ENTITY.getByName(name) as unknown as EntityRoom;
}

/** Splits an object's name into its tenant and the rest. Throws when the object was made without a name. */
export function nameParts(name: string | undefined): [tenant: string, rest: string] {
  const slash = name?.indexOf("/") ?? -1;
  if (name === undefined || slash < 0) throw new Error("an object of Posthorn is always found by its name");
  return [name.slice(0, slash), name.slice(slash + 1)];
}
