import { enforcedSchema } from "../config/catalogs/event-types";
import { configOf, serviceOf } from "../config/databases";
import { lookUp } from "../config/rules/lists";
import type { Snapshot } from "../config/snapshot";
import type { Claim, Emitted, ObservationRequest, ObserveRequest, ObserveResult, Refused } from "../contracts/entity";
import type { Env } from "../contracts/env";
import { entityStub } from "../contracts/find";
import type { SignalRule } from "../contracts/signal";
import { mapBounded } from "../lib/bounded";
import { Visits } from "../lib/filter/visits";
import { toPortable } from "../lib/json/exact";
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

/** What observations are held against, and how. */
export interface Rules {
  tenant: string;
  snapshot: Snapshot;
  /** Refuses them all if a rule can make nothing of one, or a schema refuses what it fires. */
  strict: boolean;
}

/** What came of all observations of a request; one for each in their order. */
export type ObservedAll =
  | { kind: "observed"; told: Told[] }
  /** The idempotency key was used with another body: nothing was observed. */
  | { kind: "conflict" }
  | Refusal
  /** Too much waits to be emitted of an entity: it has observed nothing. */
  | { kind: "full" };

/** The request was strict: nothing was observed. */
export interface Refusal {
  kind: "refused";
  skipped: Skipped[][];
}

/** Observations as their entities are asked about them. */
interface Prepared {
  rules: readonly SignalRule[];
  planned: readonly Plan[];
  /** How many entities there are. */
  entities: number;
  /** Whether a schema may refuse something. */
  mayRefuse: boolean;
  ask(how: Pick<ObserveRequest, "strict">): Promise<Answer[]>;
}

/** What an entity answered about the observations that concern it. */
interface Answer {
  members: Member[];
  result: ObserveResult;
}

/** For each observation what its rules can make of it. Pure. */
export function plans(
  tenant: string,
  rules: readonly SignalRule[],
  observations: readonly PostedObservation[],
  now: number,
): Plan[] {
  const visits = new Visits();
  return observations.map(({ data, at }) => plan(rules, data, { tenant, at: at ?? now }, visits));
}

/** Reads what the entities must be told to hold observations against their rules, as planned. */
export async function prepare(
  env: Env,
  { tenant, snapshot }: Rules,
  observations: readonly PostedObservation[],
  planned: readonly Plan[],
  claim?: Claim,
): Promise<Prepared> {
  const { signals: rules, since } = snapshot;
  const lists = await listsFor(env, tenant, rules, planned);
  const schemas = await schemasFor(env, rules, planned, Date.now());
  const entities = [...byEntity(planned)];
  return {
    rules,
    planned,
    entities: entities.length,
    mayRefuse: schemas.size > 0,
    ask: (how) =>
      mapBounded(entities, ENTITIES_AT_ONCE, async ([key, members]) => {
        const request = requestFor(key, members, { observations, snapshot, lists, schemas, claim });
        const room = await entityStub(env, tenant, since, key);
        return { members, result: await room.observe({ ...request, ...how }) };
      }),
  };
}

/** The refusal of observations if a schema refuses what one of them would fire; `null`: none does. Nothing is observed. */
export async function judge({ mayRefuse, ask, planned, rules }: Prepared): Promise<Refusal | null> {
  return mayRefuse ? refusalOf(await ask({ strict: "judge" }), planned, rules) : null;
}

/**
 * Has each observation remembered by the entities that it is about, and answers the events that this emitted: one call
 * per entity, whatever the number of rules and observations; two when a strict request might be refused by a schema and
 * is about several, since then all are asked before any observes. Throws when an object is out of reach; a repeat under
 * the same claim then answers the same events.
 */
export async function observe(prepared: Prepared, strict: boolean): Promise<ObservedAll> {
  const { rules, planned, entities, mayRefuse, ask } = prepared;
  const asksFirst = strict && mayRefuse && entities > 1;
  // What changes between the two calls is told as skipped: by then others may have observed.
  const judged = asksFirst ? await judge(prepared) : null;
  if (judged !== null) return judged;
  const results = await ask(strict && mayRefuse && !asksFirst ? { strict: "observe" } : {});
  const refused = refusalOf(results, planned, rules);
  if (refused !== null) return refused;
  const told = planned.map(({ skipped }): Told => ({ events: [], skipped: [...skipped], duplicate: false }));
  const fresh = new Set<number>();
  for (const { members, result } of results) {
    if (result.kind !== "observed") return { kind: "full" };
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
  for (const [i, entry] of told.entries()) {
    if (fresh.has(i)) entry.duplicate = false;
    // In the order of the rules, whose ids sort by their making.
    entry.events.sort((a, b) => (a.rule < b.rule ? -1 : a.rule > b.rule ? 1 : 0));
  }
  return { kind: "observed", told };
}

/** An observation about an entity, by its index, and the rules that look at it. */
interface Member {
  observation: number;
  rules: number[];
}

/** What an entity is asked about the observations that concern it. */
function requestFor(
  key: string,
  members: readonly Member[],
  by: {
    observations: readonly PostedObservation[];
    snapshot: Snapshot;
    lists: ReadonlyMap<string, ReadonlySet<string>>;
    schemas: ReadonlyMap<string, string>;
    claim: Claim | undefined;
  },
): ObserveRequest {
  const { signals, loadedAt: asOf } = by.snapshot;
  const { claim } = by;
  const indexes = [...new Set(members.flatMap(({ rules }) => rules))].toSorted((a, b) => a - b);
  const place = new Map(indexes.map((index, i) => [index, i]));
  const observations = members.map(({ observation, rules }): ObservationRequest => {
    const { text, at } = by.observations[observation] as PostedObservation;
    return {
      text,
      at,
      rules: rules.map((index) => place.get(index) as number),
      listed: [...by.lists].flatMap(([name, items]) => (items.has(key) ? [name] : [])),
      ...(claim && { idempotency: { ...claim, key: `${observation}:${claim.key}` } }),
    };
  });
  const rules = indexes.map((index) => {
    const { id, emit, when, attach } = signals[index] as SignalRule;
    return { id, emit, when, attach };
  });
  const concerned = new Set(rules.map(({ emit }) => emit));
  const schemas = new Map([...by.schemas].filter(([event]) => concerned.has(event)));
  const live = signals.map(({ id }) => id);
  return { observations, rules: toPortable(rules), live, asOf, ...(schemas.size === 0 ? {} : { schemas }) };
}

/** The refusal of a strict request, if an entity has refused it. */
function refusalOf(results: readonly Answer[], planned: readonly Plan[], rules: readonly SignalRule[]): Refusal | null {
  const skipped = planned.map((): Skipped[] => []);
  for (const { members, result } of results) {
    if (result.kind !== "refused") continue;
    for (const [i, { observation }] of members.entries()) {
      skipped[observation]?.push(...(result.refused[i] ?? []).map((refused) => refusedAs(refused, rules)));
    }
  }
  return skipped.some(({ length }) => length > 0) ? { kind: "refused", skipped } : null;
}

/** The observations about each entity, in their order, with the rules that look at them. */
function byEntity(planned: readonly Plan[]): Map<string, Member[]> {
  const entities = new Map<string, Member[]>();
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
async function listsFor(
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
  return lookUp(await configOf(env, tenant), tenant, [...names], [...keys]);
}

/** The schemas that the events of rules concerned must satisfy, as JSON text by type. */
async function schemasFor(
  env: Env,
  rules: readonly SignalRule[],
  planned: readonly Plan[],
  now: number,
): Promise<ReadonlyMap<string, string>> {
  const concerned = new Set(planned.flatMap(({ entities }) => [...entities.values()].flat()));
  if (concerned.size === 0) return new Map();
  const emits = new Set([...concerned].map((index) => (rules[index] as SignalRule).emit));
  const schemas = new Map<string, string>();
  for (const emit of emits) {
    const schema = await enforcedSchema(serviceOf(env), emit, now);
    if (schema !== null) schemas.set(emit, schema);
  }
  return schemas;
}

function refusedAs({ rule, path, message }: Refused, rules: readonly SignalRule[]): Skipped {
  const emit = rules.find(({ id }) => id === rule)?.emit ?? "the event's type";
  return { rule, path, reason: `the schema of ${emit} refuses it: ${message}` };
}
