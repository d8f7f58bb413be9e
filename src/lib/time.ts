/** One second, minute, hour and day in milliseconds. */
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A UTC day, `2026-11-21`: the partition of an event log. */
export type Day = string;

/** The ISO 8601 form of a time in ms since the epoch, with milliseconds, in UTC. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** Like {@link iso}, and `null` for no time. */
export function isoOrNull(ms: number | null | undefined): string | null {
  return ms === null || ms === undefined ? null : iso(ms);
}

/** The UTC day that a time in ms falls into. */
export function dayOf(ms: number): Day {
  return iso(ms).slice(0, 10);
}

/** The first ms of a UTC day. */
export function dayStart(day: Day): number {
  return Date.parse(`${day}T00:00:00.000Z`);
}

/** The UTC day `days` after (or, negative, before) another. */
export function addDays(day: Day, days: number): Day {
  return dayOf(dayStart(day) + days * DAY);
}
