/**
 * Values by which events are found: an event type may name a few paths, such as `order.id`, and each of its events is then
 * found by what stands there.
 * @module
 */
import { keyAt } from "./filter/path-values";

/** The most paths of an event type: each costs a row with every event. */
export const MOST_PATHS = 3;
/** The characters of a value that count. */
const LENGTH = 255;

/** A value as it is kept and looked for: without blanks around it, upper and lower case alike. Pure. */
export function asFound(text: string): string {
  return text.trim().toLowerCase().slice(0, LENGTH).toWellFormed();
}

/** What an event's data is found by: the texts and numbers at these paths, each once. Pure. */
export function foundBy(data: unknown, paths: readonly string[]): string[] {
  const values = paths.map((path) => asFound(keyAt(data, path) ?? "")).filter((value) => value !== "");
  return [...new Set(values)];
}
