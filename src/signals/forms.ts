/**
 * When rules fire: one pure function per form, with the clock passed in. Observations count in the order in which they
 * arrive; only `returnsAfter` looks at their times.
 *
 * A rule's memory has a field for each form, so that a rule whose form is changed and changed back still knows what it
 * knew, and `once` stays once. A changed threshold is held against the value that is remembered: what was crossed
 * before is not crossed again. A changed path begins anew, as for an entity that is not known.
 *
 * @module
 */

import type { SignalRule, When } from "../contracts/signal";
import { numberAt } from "../lib/filter/path-values";
import { ulidTime } from "../lib/ids";
import { areApart, compareNumbers, type Numeric } from "../lib/json/exact";
import { DAY, iso, MINUTE, SECOND } from "../lib/time";

/** What a rule remembers of an entity; a field is absent as long as there is nothing to remember. */
export interface RuleMemory {
  /** It has fired. */
  once?: true;
  /** The last value at the path. */
  crosses?: { path: string; value: Numeric };
  /** The value at the path when the rule last fired or, before that, when it was first seen. */
  changesBy?: { path: string; base: Numeric };
  /** ms; the latest time at which the entity was seen, and the latest of those too far ahead of the clock. */
  returnsAfter?: { seen?: number; ahead?: number };
}

/** An observation as rules see it. */
export interface Observation {
  data: unknown;
  /** ms; when it was made, as its producer says. */
  at: number;
  /** The lists that have the entity's key. */
  listed: ReadonlySet<string>;
}

/** What a rule compared, for those that compare: numbers, or times in ms. `previous` is `null` while unknown. */
export interface Fire {
  previous: Numeric | null;
  current: Numeric | null;
}

export interface Evaluation {
  /** Absent: it does not fire. */
  fire?: Fire;
  memory: RuleMemory;
}

type Operand<Name extends string> =
  Extract<When, Record<Name, unknown>> extends Record<Name, infer Found> ? Found : never;
type Form<Name extends string> = (
  operand: Operand<Name>,
  memory: RuleMemory,
  observation: Observation,
  now: number,
) => Evaluation;

const NOTHING: Fire = { previous: null, current: null };

const every: Form<"every"> = (_, memory) => ({ fire: NOTHING, memory });

const once: Form<"once"> = (_, memory) =>
  memory.once ? { memory } : { fire: NOTHING, memory: { ...memory, once: true } };

const crosses: Form<"crosses"> = ({ path, threshold }, memory, { data }) => {
  const value = numberAt(data, path);
  if (value === null) return { memory };
  const previous = memory.crosses?.path === path ? memory.crosses.value : null;
  const isOver = (one: Numeric) => compareNumbers(one, threshold) >= 0;
  const fires = isOver(value) && (previous === null || !isOver(previous));
  return {
    ...(fires ? { fire: { previous, current: value } } : {}),
    memory: { ...memory, crosses: { path, value } },
  };
};

const changesBy: Form<"changesBy"> = ({ path, atLeast }, memory, { data }) => {
  const value = numberAt(data, path);
  if (value === null) return { memory };
  const base = memory.changesBy?.path === path ? memory.changesBy.base : null;
  if (base !== null && !hasMoved(base, value, atLeast)) return { memory };
  return {
    ...(base === null ? {} : { fire: { previous: base, current: value } }),
    memory: { ...memory, changesBy: { path, base: value } },
  };
};

/** Whether two values are `atLeast` apart, decimals taken as they are written: 0.3 is 0.1 from 0.2. */
function hasMoved(from: Numeric, to: Numeric, atLeast: Numeric): boolean {
  if (typeof from !== "number" || typeof to !== "number" || typeof atLeast !== "number") {
    return areApart(from, to, atLeast);
  }
  const rounding = 4 * Number.EPSILON * Math.max(Math.abs(from), Math.abs(to), atLeast);
  const distance = Math.abs(to - from);
  // Where a double may have rounded it, the decimals decide.
  return Math.abs(distance - atLeast) <= rounding ? areApart(from, to, atLeast) : distance >= atLeast;
}

/**
 * How far ahead of the clock a time may be, in ms. One that is further counts only for others that are: a producer whose
 * clock once ran far ahead does not silence an entity from then on.
 */
const AHEAD = DAY;

const returnsAfter: Form<"returnsAfter"> = ({ seconds }, memory, { at }, now) => {
  const isAhead = (time: number) => time > now + AHEAD;
  const times = Object.values(memory.returnsAfter ?? {});
  const previous = latest(isAhead(at) ? times : times.filter((time) => !isAhead(time)));
  // One that comes late, out of order, is no return and does not put the clock back.
  const fires = previous !== undefined && at - previous >= seconds * SECOND;
  const seen = latest([...times, at].filter((time) => !isAhead(time)));
  const ahead = latest([...times, at].filter(isAhead));
  return {
    ...(fires ? { fire: { previous, current: at } } : {}),
    memory: {
      ...memory,
      returnsAfter: { ...(seen === undefined ? {} : { seen }), ...(ahead === undefined ? {} : { ahead }) },
    },
  };
};

function latest(times: readonly number[]): number | undefined {
  return times.length === 0 ? undefined : Math.max(...times);
}

const inList: Form<"inList"> = (name, memory, { listed }) =>
  listed.has(name) ? { fire: NOTHING, memory } : { memory };

/**
 * Holds an observation that passed a rule's filter against the rule. An observation without the value that the rule
 * needs leaves it alone. `now` in ms.
 */
export function evaluate(when: When, memory: RuleMemory, observation: Observation, now: number): Evaluation {
  if ("every" in when) return every(when.every, memory, observation, now);
  if ("once" in when) return once(when.once, memory, observation, now);
  if ("crosses" in when) return crosses(when.crosses, memory, observation, now);
  if ("changesBy" in when) return changesBy(when.changesBy, memory, observation, now);
  if ("returnsAfter" in when) return returnsAfter(when.returnsAfter, memory, observation, now);
  return inList(when.inList, memory, observation, now);
}

/** The path of the number that a rule needs; `null`: it needs none. */
export function neededPath(when: When): string | null {
  if ("crosses" in when) return when.crosses.path;
  return "changesBy" in when ? when.changesBy.path : null;
}

/** Whether a rule of that form compares anything that could be attached. */
export function compares(when: When): boolean {
  return neededPath(when) !== null || "returnsAfter" in when;
}

/** What a rule that fires attaches to its event's data, by field; times as ISO 8601. `undefined`: nothing. */
export function attachedOf(
  { when, attach }: Pick<SignalRule, "when" | "attach">,
  fire: Fire,
): Record<string, Numeric | string | null> | undefined {
  if (attach === null) return undefined;
  // The times that it compares are doubles.
  const said = (value: Numeric | null) => (value !== null && "returnsAfter" in when ? iso(value as number) : value);
  return Object.fromEntries(Object.entries(attach).map(([name, what]) => [name, said(fire[what])]));
}

/** How far the clocks of isolates may be apart, and their configurations, in ms. */
const SKEW = MINUTE;

/**
 * A memory without what deleted rules remembered. A rule made shortly before the configuration was read may be missing
 * from it and not be deleted, so young ones stay; ids are never given out again.
 */
export function pruned(memory: Record<string, RuleMemory>, live: ReadonlySet<string>, asOf: number) {
  const kept = Object.entries(memory).filter(([id]) => live.has(id) || ulidTime(id.slice(4)) > asOf - SKEW);
  return Object.fromEntries(kept);
}
