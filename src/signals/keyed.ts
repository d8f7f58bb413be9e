import type { KeysContract } from "../contracts/entity";
import type { Env } from "../contracts/env";
import type { SignalRule } from "../contracts/signal";
import { hex, sha256 } from "../lib/crypto";
import { judge, type ObservedAll, observe, type PostedObservation, plans, prepare, type Rules } from "./observe";
import { type Plan, placed, type Spot, spotOf } from "./plan";

/** How the last part of an object's name begins when the object keeps keys: an entity's is hex digits alone. */
export const KEYS = "keys:";
/** How many objects share a tenant's keys. With another number those of a day would be forgotten. */
const SHARES = 8;

/**
 * Has observations observed under the request's idempotency key, if it has one: what is said under it is claimed for the
 * whole tenant before anything is observed, with what it is held against. A repeat is held against the same, whatever
 * the rules are by now: its entities tell what they have observed, and go on where the first request was cut short. A
 * request that is refused leaves the key free. Throws when an object is out of reach; a repeat under the key then
 * answers the same events.
 */
export async function observeKeyed(
  env: Env,
  key: string | undefined,
  watch: Rules,
  observations: readonly PostedObservation[],
  way: "single" | "batch",
): Promise<ObservedAll> {
  const { tenant, snapshot, strict } = watch;
  const rules = snapshot.signals;
  const planned = plans(tenant, rules, observations, Date.now());
  const skipped = planned.map((plan) => plan.skipped);
  const isHopeless = strict && skipped.some(({ length }) => length > 0);
  if (key === undefined) {
    return isHopeless
      ? { kind: "refused", skipped }
      : observe(await prepare(env, watch, observations, planned), strict);
  }
  const fingerprint = hex(await sha256(JSON.stringify([way, ...observations.map(({ text }) => text)])));
  const room = await keysRoom(env, tenant, snapshot.since, key);
  const plan = JSON.stringify(toKeep(rules, planned));
  let claimed = await room.claim({ key, fingerprint, plan: strict ? null : plan });
  if (claimed.kind === "free") {
    if (isHopeless) return { kind: "refused", skipped };
    // Judged before the claim: a refusal that took it back might take it from a repeat that is under way.
    const refused = await judge(await prepare(env, watch, observations, planned));
    if (refused !== null) return refused;
    claimed = await room.claim({ key, fingerprint, plan });
  }
  if (claimed.kind === "conflict" || claimed.kind === "free") return { kind: "conflict" };
  const claim = { key, claimed: claimed.at, fingerprint };
  if (claimed.kind === "new") return observe(await prepare(env, watch, observations, planned, claim), false);
  const first = asKept(JSON.parse(claimed.plan) as Kept, rules, observations);
  const result = await observe(await prepare(env, watch, observations, first, claim), false);
  if (result.kind !== "observed") return result;
  // One that concerns no entity is a repeat by its key alone.
  const told = result.told.map((one, i) => (first[i]?.entities.size === 0 ? { ...one, duplicate: true } : one));
  return { kind: "observed", told };
}

/** What observations are held against, told without what is in them: with their texts it gives their plans again. */
interface Kept {
  rules: [id: string, entity: string, needs: string | null][];
  /** For each observation the rules whose filters it passes, by their index. */
  concerned: number[][];
}

function toKeep(rules: readonly SignalRule[], planned: readonly Plan[]): Kept {
  const indexes = [...new Set(planned.flatMap(({ concerned }) => concerned))].toSorted((a, b) => a - b);
  const place = new Map(indexes.map((index, i) => [index, i]));
  return {
    rules: indexes.map((index) => {
      const { id, entity, needs } = spotOf(rules[index] as SignalRule);
      return [id, entity, needs];
    }),
    concerned: planned.map(({ concerned }) => concerned.map((index) => place.get(index) as number)),
  };
}

/** The plans of the first request under a key. Rules that are deleted since look at nothing any more. */
function asKept(kept: Kept, rules: readonly SignalRule[], observations: readonly PostedObservation[]): Plan[] {
  const live = new Map(rules.map(({ id }, index) => [id, index]));
  const spots = kept.rules.map(([id, entity, needs]): Spot => ({ id, entity, needs }));
  return observations.map(({ data }, i) => {
    const { concerned, entities, skipped } = placed(spots, kept.concerned[i] ?? [], data);
    const found = [...entities].map(([key, indexes]): [string, number[]] => [
      key,
      indexes.flatMap((index) => live.get((spots[index] as Spot).id) ?? []),
    ]);
    return { concerned, entities: new Map(found), skipped };
  });
}

/** The object that keeps a key, for a tenant that was created at `since` (ms). */
async function keysRoom(env: Env, tenant: string, since: number, key: string): Promise<KeysContract> {
  const share = ((await sha256(key))[0] as number) % SHARES;
  return env.ENTITY.getByName(`${tenant}/${since.toString(36)}/${KEYS}${share}`) as unknown as KeysContract;
}
