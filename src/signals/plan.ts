/**
 * Which rules an observation concerns, and under which keys. Pure.
 * @module
 */

import type { SignalRule } from "../contracts/signal";
import { matches } from "../lib/filter/filter";
import { keyAt, numberAt, valueAt } from "../lib/filter/path-values";
import { Visits } from "../lib/filter/visits";
import { isNumeric, isReckonable } from "../lib/json/exact";
import { iso } from "../lib/time";
import { neededPath } from "./forms";

/** A rule that an observation gives nothing to go by, though it passes the rule's filter. */
export interface Skipped {
  rule: string;
  /** What is missing or no good in the observation. */
  path: string;
  reason: string;
}

/** Where a rule looks in an observation. */
export interface Spot {
  id: string;
  /** The path of the entity's key. */
  entity: string;
  /** The path of the number that it needs; `null`: none. */
  needs: string | null;
}

export interface Plan {
  /** The rules whose filters it passes, by their index. */
  concerned: number[];
  /** By the entity's key, the indexes of the rules to be evaluated; in the rules' order. */
  entities: ReadonlyMap<string, number[]>;
  skipped: Skipped[];
}

/** What rules see of an observation beside its data. */
export interface Circumstances {
  tenant: string;
  /** ms; when it was made. */
  at: number;
}

/**
 * Sorts the rules that an observation concerns by the entities it is about. A rule whose filter it does not pass is
 * left alone, and so is one that it has no key or no number for: those are named. `visits`: shared by a request's
 * observations.
 */
export function plan(
  rules: readonly SignalRule[],
  data: object,
  { tenant, at }: Circumstances,
  visits = new Visits(),
): Plan {
  const subject = { data, tenant, timestamp: iso(at) };
  const concerned = rules.flatMap(({ filter }, index) =>
    filter !== null && !matches(filter, subject, visits) ? [] : [index],
  );
  return placed(rules.map(spotOf), concerned, data);
}

/** Where a rule looks. */
export function spotOf({ id, entity, when }: SignalRule): Spot {
  return { id, entity, needs: neededPath(when) };
}

/** Sorts rules, by their index, whose filters an observation passes, like {@link plan}. Pure. */
export function placed(spots: readonly Spot[], concerned: number[], data: object): Plan {
  const entities = new Map<string, number[]>();
  const skipped: Skipped[] = [];
  for (const index of concerned) {
    const { id, entity, needs: path } = spots[index] as Spot;
    const key = keyAt(data, entity);
    if (key === null) {
      skipped.push({
        rule: id,
        path: entity,
        reason: `${isAbsent(data, entity)}: the rule needs the entity's key there`,
      });
    } else if (path !== null && numberAt(data, path) === null) {
      skipped.push({ rule: id, path, reason: `${isAbsent(data, path)}: the rule needs a number there` });
    } else {
      const known = entities.get(key);
      if (known) known.push(index);
      else entities.set(key, [index]);
    }
  }
  return { concerned, entities, skipped };
}

function isAbsent(data: object, path: string): string {
  const value = valueAt(data, path);
  if (value === undefined) return "is missing";
  if (value === null) return "is null";
  if (value === "") return "is empty";
  if (isNumeric(value)) return isReckonable(value) ? "is a number" : "is a number of too many digits";
  return `is ${Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `a ${typeof value}`}`;
}
