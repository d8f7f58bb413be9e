/**
 * Durations as people type them: `7 d`, `1 h 30 m`, `90`. Pure.
 * @module
 */
import { DAY, HOUR, MINUTE, SECOND } from "../../lib/time";

/** The units, the largest first, in seconds. */
const UNITS: readonly (readonly [unit: string, seconds: number])[] = [
  ["d", DAY / SECOND],
  ["h", HOUR / SECOND],
  ["m", MINUTE / SECOND],
  ["s", 1],
];

/** How a unit may be written; its first letter says which it is. */
const PART =
  /\s*(\d{1,12}(?:\.\d{1,20})?)\s*(d(?:ays?)?|h(?:ours?|rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)(?![a-z])/iy;

/**
 * The seconds that a text says: parts with units, or a number alone, which is seconds. `whole`: no parts of a second. Throws
 * an `Error` that says what is wrong with it.
 */
export function secondsOf(text: string, whole = true): number {
  const plain = /^\d{1,12}$/.test(text.trim()) ? Number(text) : null;
  const seconds = plain ?? partsOf(text.trim());
  if (seconds === null) throw new Error(`${text} is no duration: write it as 7 d, 1 h 30 m, or in seconds`);
  const near = Math.round(seconds);
  // A part such as 0.1 m is no double: six seconds are, give or take.
  if (Math.abs(seconds - near) < 1e-6) return near;
  if (whole) throw new Error(`${text} is no whole number of seconds`);
  return seconds;
}

function partsOf(text: string): number | null {
  let seconds = 0;
  let at = 0;
  while (at < text.length) {
    PART.lastIndex = at;
    const [all, amount, unit = ""] = PART.exec(text) ?? [];
    const size = UNITS.find(([name]) => name === unit[0]?.toLowerCase())?.[1];
    if (all === undefined || size === undefined) return null;
    seconds += Number(amount) * size;
    at += all.length;
  }
  return at === 0 ? null : seconds;
}

/** Seconds as they are typed, exactly: `1 h 30 m`. */
export function durationText(seconds: number): string {
  if (!Number.isInteger(seconds)) return `${seconds} s`;
  let rest = seconds;
  const parts = UNITS.flatMap(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? [] : [`${count} ${unit}`];
  });
  return parts.length === 0 ? "0" : parts.join(" ");
}

/** Some durations with commas between them, or blanks where each is a number alone. Throws like {@link secondsOf}. */
export function delaysOf(text: string): number[] {
  return text
    .split(/^[\d\s,]+$/.test(text) ? /[\s,]+/ : ",")
    .filter((part) => part.trim() !== "")
    .map((part) => secondsOf(part.trim()));
}
