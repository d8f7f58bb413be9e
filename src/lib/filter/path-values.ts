import { isContainer, isNumeric, isReckonable, type Numeric, numberText } from "../json/exact";
import { splitPath } from "./path";

/**
 * The value at a dotted path in an observation; `undefined`: there is none. A number is an index into a list. Only own
 * properties count. Unlike a filter's, the path leads to one value: nothing is looked up in the elements of a list.
 */
export function valueAt(observation: unknown, path: string): unknown {
  let value = observation;
  for (const key of splitPath(path)) {
    if (!isContainer(value) || !Object.hasOwn(value, key) || (Array.isArray(value) && !INDEX.test(key))) {
      return undefined;
    }
    value = value[key];
  }
  return value;
}

const INDEX = /^(?:0|[1-9]\d*)$/;

/** The number at a path; `null`: there is none. A text of digits is none, and neither is one of over a thousand digits. */
export function numberAt(observation: unknown, path: string): Numeric | null {
  const value = valueAt(observation, path);
  return isNumeric(value) && isReckonable(value) ? value : null;
}

/**
 * The entity's key at a path: a text as it stands, upper and lower case told apart, or a number as its text, so that 5
 * and "5" are one entity, and so are 9007199254740993 and its text. `null`: there is none, or it is empty.
 */
export function keyAt(observation: unknown, path: string): string | null {
  const value = valueAt(observation, path);
  if (typeof value === "string" && value !== "") return value;
  return isNumeric(value) ? numberText(value) : null;
}
