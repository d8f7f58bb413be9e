import { hex, sha256 } from "../lib/crypto";
import { type EventRef, logName, shardName } from "../lib/ids";
import type { Day } from "../lib/time";
import type { EndpointContract } from "./endpoint";
import type { EntityContract } from "./entity";
import type { OperatorEventsContract, RetriesContract } from "./entry-points";
import type { Env } from "./env";
import type { EventLogContract } from "./event-log";

/** The endpoint object of a tenant. */
export function endpointStub(env: Env, tenant: string, endpoint: string): EndpointContract {
  return env.ENDPOINT.getByName(`${tenant}/${endpoint}`) as unknown as EndpointContract;
}

/** The event log that holds an event of the tenant, or a shard of that of a UTC day: the first unless another is named. */
export function eventLogStub(env: Env, tenant: string, at: EventRef | Day, shard = 0): EventLogContract {
  const name = typeof at === "string" ? shardName(at, shard) : logName(at);
  return env.EVENT_LOG.getByName(`${tenant}/${name}`) as unknown as EventLogContract;
}

/** The object of an entity's key, for a tenant that was created at `since` (ms). The key may be of any length. */
export async function entityStub(env: Env, tenant: string, since: number, key: string): Promise<EntityContract> {
  const name = `${tenant}/${since.toString(36)}/${hex(await sha256(JSON.stringify(key)))}`;
  return env.ENTITY.getByName(name) as unknown as EntityContract;
}

/** The Worker's own entry point for operator events, by the exports of whoever tells them. */
export function operatorEvents({ exports }: Pick<DurableObjectState, "exports">): OperatorEventsContract {
  return (exports as unknown as { OperatorEvents: OperatorEventsContract }).OperatorEvents;
}

/** The Worker's own entry point for what is due again, by the exports of whoever has it sent. */
export function retries({ exports }: Pick<DurableObjectState, "exports">): RetriesContract {
  return (exports as unknown as { Retries: RetriesContract }).Retries;
}

/** Splits an object's name into its tenant and the rest. Throws when the object was made without a name. */
export function nameParts(name: string | undefined): [tenant: string, rest: string] {
  const slash = name?.indexOf("/") ?? -1;
  if (name === undefined || slash < 0) throw new Error("an object of Posthorn is always found by its name");
  return [name.slice(0, slash), name.slice(slash + 1)];
}
