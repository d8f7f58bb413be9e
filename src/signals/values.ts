import { isContainer } from "../lib/filter";

/**
 * The value at a dotted path in an observation; `undefined`: there is none. A number is an index into a list. Only own
 * properties count. Unlike a filter's, the path leads to one value: nothing is looked up in the elements of a list.
 */
export function valueAt(observation: unknown, path: string): unknown {
  let value = observation;
  for (const key of path.split(".")) {
    if (!isContainer(value) || !Object.hasOwn(value, key) || (Array.isArray(value) && !INDEX.test(key))) {
      return undefined;
    }
    value = value[key];
  }
  return value;
}

const INDEX = /^(?:0|[1-9]\d*)$/;

/** The number at a path; `null`: there is none. A text of digits is none. */
export function numberAt(observation: unknown, path: string): number | null {
  const value = valueAt(observation, path);
  return Number.isFinite(value) ? (value as number) : null;
}

/**
 * The entity's key at a path: a text as it stands, upper and lower case told apart, or a number as its text, so that 5
 * and "5" are one entity. `null`: there is none, or it is empty.
 */
export function keyAt(observation: unknown, path: string): string | null {
  const value = valueAt(observation, path);
  if (typeof value === "string" && value !== "") return value;
  return Number.isFinite(value) ? String(value) : null;
}
