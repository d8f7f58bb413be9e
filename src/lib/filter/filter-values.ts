/**
 * How filters compare values. Pure.
 * @module
 */
import { compareNumbers, ExactNumber, isContainer, isNumeric } from "../json/exact";
import type { Visits } from "./visits";

/** The most levels that conditions and values in a filter are nested. */
export const MAX_DEPTH = 8;
/** Whether one value passes. */
export type Passes = (value: unknown, visits: Visits) => boolean;

/**
 * Whether a value equals one of these JSON values, deeply and whatever the order of keys: one look-up however many they
 * are. A value is read no further than the longest of them goes.
 */
export function oneOf(items: readonly unknown[]): Passes {
  const scalars = new Set(items.filter((item) => !isContainer(item)));
  const endless = Number.POSITIVE_INFINITY;
  const texts = new Set(items.filter(isContainer).map((item) => textOf(item, 0, { left: endless }, null)));
  const longest = [...texts].reduce((most, text) => Math.max(most, text?.length ?? 0), 0);
  const exact = new Set(items.flatMap((item) => (item instanceof ExactNumber ? [item.key] : [])));
  return (value, visits) => {
    if (value instanceof ExactNumber) return exact.has(value.key);
    if (!isContainer(value)) return scalars.has(value);
    const text = longest === 0 ? null : textOf(value, 0, { left: longest }, visits);
    return text !== null && texts.has(text);
  };
}

/** A text that equal values have, and no others; `null`: it would be longer than there is room, or is too deep. */
function textOf(value: unknown, depth: number, room: { left: number }, visits: Visits | null): string | null {
  if (typeof value === "string") {
    room.left -= value.length;
    return room.left < 0 ? null : JSON.stringify(value);
  }
  if (value instanceof ExactNumber) {
    room.left -= value.key.length;
    return room.left < 0 ? null : `exact ${value.key}`;
  }
  if (!isContainer(value)) return `${typeof value} ${String(value)}`;
  const isList = Array.isArray(value);
  const size = isList ? value.length : Object.keys(value).length;
  visits?.spend(size);
  room.left -= size;
  if (room.left < 0 || depth === MAX_DEPTH) return null;
  const parts: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const name = isList ? key : textOf(key, depth, room, visits);
    const part = name === null ? null : textOf(value[key], depth + 1, room, visits);
    if (part === null) return null;
    parts.push(`${name}:${part}`);
  }
  return isList ? `[${parts.join()}]` : `{${parts.join()}}`;
}

/** A comparison of numbers with numbers and strings with strings. */
export function ordered(test: (order: number) => boolean): (operand: unknown) => Passes {
  return (operand) => {
    if (isNumeric(operand)) return (value) => isNumeric(value) && test(compareNumbers(value, operand));
    const text = operand as string;
    return (value) => typeof value === "string" && test(value < text ? -1 : value > text ? 1 : 0);
  };
}
