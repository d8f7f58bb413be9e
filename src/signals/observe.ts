import { lookUp } from "../config/lists";
import type { Snapshot } from "../config/snapshot";
import { mapBounded } from "../lib/bounded";
import { hex, sha256 } from "../lib/crypto";
import type { Emitted, ObservationRequest, Refused } from "../lib/entity";
import { type Env, entityRoom } from "../lib/env";
import type { SignalRule } from "../lib/signal";
import { type Plan, plan, type Skipped } from "./plan";

/** Entities called at a time: each may emit as many events as there are rules. */
const ENTITIES_AT_ONCE = 6;

/** An observation as posted. */
export interface PostedObservation {
  data: object;
  /** The JSON text of `data`. */
  text: string;
  /** When it was made, in ms; `null`: now. */
  at: number | null;
}

/** What came of an observation. */
export interface Told {
  /** In the order of the rules. */
  events: Emitted[];
  skipped: Skipped[];
  /** It repeats one that was observed before, under the same key. */
  duplicate: boolean;
}

/** What observations are held against. */
export interface Watch {
  tenant: string;
  snapshot: Snapshot;
  /** Of the whole request. */
  idempotencyKey: string | undefined;
}

/** For each observation what its rules can make of it. Pure. */
export function plans(
  tenant: string,
  rules: readonly SignalRule[],
  observations: readonly PostedObservation[],
  now: number,
): Plan[] {
  return observations.map(({ data, at }) => plan(rules, data, { tenant, at: at ?? now }));
}

/**
 * Has each observation remembered by the entities that it is about, and answers the events that this emitted: one call
 * per entity, whatever the number of rules and observations. `null`: the idempotency key was used with other
 * observations. Throws when an object is out of reach; a repeat under the same key then answers the same events.
 */
export async function observe(
  env: Env,
  { tenant, snapshot, idempotencyKey }: Watch,
  observations: readonly PostedObservation[],
  planned: readonly Plan[],
): Promise<Told[] | null> {
  const { signals: rules, since, loadedAt } = snapshot;
  const told = planned.map(({ skipped }): Told => ({ events: [], skipped: [...skipped], duplicate: false }));
  const lists = await listsFor(env, tenant, rules, planned);
  const fingerprint =
    idempotencyKey === undefined ? "" : hex(await sha256(JSON.stringify(observations.map(({ text }) => text))));
  const live = rules.map(({ id }) => id);
  const results = await mapBounded([...byEntity(planned)], ENTITIES_AT_ONCE, async ([key, members]) => {
    const indexes = [...new Set(members.flatMap((member) => member.rules))].toSorted((a, b) => a - b);
    const place = new Map(indexes.map((index, i) => [index, i]));
    const requests = members.map(({ observation, rules }): ObservationRequest => {
      const { text, at } = observations[observation] as PostedObservation;
      return {
        text,
        at,
        rules: rules.map((index) => place.get(index) as number),
        listed: [...lists].flatMap(([name, items]) => (items.has(key) ? [name] : [])),
        ...(idempotencyKey === undefined
          ? {}
          : { idempotency: { key: `${observation}:${idempotencyKey}`, fingerprint } }),
      };
    });
    const firing = indexes.map((index) => {
      const { id, emit, when, attach } = rules[index] as SignalRule;
      return { id, emit, when, attach };
    });
    const room = await entityRoom(env, tenant, since, key);
    return { members, result: await room.observe({ observations: requests, rules: firing, live, asOf: loadedAt }) };
  });
  const fresh = new Set<number>();
  for (const { members, result } of results) {
    if (result.kind === "conflict") return null;
    for (const [i, { observation }] of members.entries()) {
      const one = result.observations[i];
      if (one === undefined) continue;
      const entry = told[observation] as Told;
      entry.events.push(...one.events);
      entry.skipped.push(...one.refused.map((refused) => refusedAs(refused, rules)));
      if (one.duplicate) entry.duplicate = true;
      else fresh.add(observation);
    }
  }
  const order = new Map(live.map((id, index) => [id, index]));
  for (const [i, entry] of told.entries()) {
    if (fresh.has(i)) entry.duplicate = false;
    entry.events.sort((a, b) => (order.get(a.rule) ?? 0) - (order.get(b.rule) ?? 0));
  }
  return told;
}

/** The observations about each entity, in their order, with the rules that look at them. */
function byEntity(planned: readonly Plan[]): Map<string, { observation: number; rules: number[] }[]> {
  const entities = new Map<string, { observation: number; rules: number[] }[]>();
  for (const [observation, { entities: concerned }] of planned.entries()) {
    for (const [key, rules] of concerned) {
      const members = entities.get(key) ?? [];
      entities.set(key, members);
      members.push({ observation, rules });
    }
  }
  return entities;
}

/** Who is on the lists that rules concerned ask for; nothing is read when none does. */
function listsFor(
  env: Env,
  tenant: string,
  rules: readonly SignalRule[],
  planned: readonly Plan[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const names = new Set<string>();
  const keys = new Set<string>();
  for (const { entities } of planned) {
    for (const [key, concerned] of entities) {
      for (const index of concerned) {
        const { when } = rules[index] as SignalRule;
        if (!("inList" in when)) continue;
        names.add(when.inList);
        keys.add(key);
      }
    }
  }
  return lookUp(env.DB, tenant, [...names], [...keys]);
}

function refusedAs({ rule, path, message }: Refused, rules: readonly SignalRule[]): Skipped {
  const emit = rules.find(({ id }) => id === rule)?.emit ?? "the event's type";
  return { rule, path, reason: `the schema of ${emit} refuses it: ${message}` };
}
