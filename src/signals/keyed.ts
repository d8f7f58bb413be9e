import { hex, sha256 } from "../lib/crypto";
import type { ClaimRoom } from "../lib/entity";
import type { Env } from "../lib/env";
import { logError } from "../lib/log";
import { type ObservedAll, observe, type PostedObservation, type Told, type Watch } from "./observe";

/** How the last part of an object's name begins when the object keeps a key: an entity's is hex digits alone. */
export const KEPT = "key:";

/**
 * Has observations observed under the request's idempotency key, if it has one: what is said under it is claimed for the
 * whole tenant before anything else is looked at. A repeat is answered as the first request was, whatever the rules are
 * by now; one whose first was cut short goes on, and its entities tell what they have observed. A request that is
 * refused leaves the key free. Throws when an object is out of reach; a repeat under the key then answers the same
 * events.
 */
export async function observeKeyed(
  env: Env,
  key: string | undefined,
  watch: Watch,
  observations: readonly PostedObservation[],
  way: "single" | "batch",
): Promise<ObservedAll> {
  if (key === undefined) return observe(env, watch, observations);
  const { tenant, snapshot } = watch;
  const fingerprint = hex(await sha256(JSON.stringify([way, ...observations.map(({ text }) => text)])));
  const room = await claimRoom(env, tenant, snapshot.since, key);
  const claimed = await room.claim(fingerprint);
  if (claimed.kind === "conflict") return claimed;
  if (claimed.kind === "answered") {
    const told = JSON.parse(claimed.answer) as Told[];
    return { kind: "observed", told: told.map((one) => ({ ...one, duplicate: true })) };
  }
  // With the claim's time, so that entities never hold a key longer against anybody than the claim does.
  const result = await observe(env, watch, observations, { key: `${claimed.at}:${key}`, fingerprint });
  try {
    if (result.kind === "observed") await room.answer(claimed.at, JSON.stringify(result.told));
    // Of one that is open already the first may be under way, or has changed something before it was cut short.
    else if (claimed.kind === "new") await room.release(claimed.at);
  } catch (error) {
    // The answer counts all the same: the entities give it again.
    logError("observations.answer.failed", error, { tenant });
  }
  return result;
}

/** The object that keeps a key, for a tenant that was created at `since` (ms). */
async function claimRoom(env: Env, tenant: string, since: number, key: string): Promise<ClaimRoom> {
  const name = `${tenant}/${since.toString(36)}/${KEPT}${hex(await sha256(key))}`;
  return env.ENTITY.getByName(name) as unknown as ClaimRoom;
}
