import { HOUR, MINUTE } from "../../lib/time";

/** Failed attempts by the part of an hour that they began in: pairs of its first ms and their number, oldest first. */
export type FailedLately = readonly (readonly [from: number, count: number])[];

const PART = 5 * MINUTE;

/** Those of the last hour, with one that began at `at` (ms). Pure. */
export function afterFailed(failed: FailedLately, at: number): FailedLately {
  const from = at - (at % PART);
  const others = failed.filter(([part]) => part > at - HOUR && part !== from);
  const known = failed.find(([part]) => part === from)?.[1] ?? 0;
  return [...others, [from, known + 1]];
}

/** How many of them began in the hour before `now` (ms), by whole parts. Pure. */
export function failedLately(failed: FailedLately, now: number): number {
  return failed.reduce((sum, [from, count]) => (from > now - HOUR ? sum + count : sum), 0);
}
