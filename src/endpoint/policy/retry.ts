import { HOUR, SECOND } from "../../lib/time";

/**
 * When a failed delivery is tried again. Pure: no I/O, no clock, chance passed in.
 * The schedule only ever lengthens: by at most 10 % of jitter, so that a burst of failures does not return as a burst,
 * or by the receiver's `Retry-After`, up to 12 h.
 */
const JITTER = 0.1;
const LONGEST_RETRY_AFTER = 12 * HOUR;

export interface RetryRequest {
  /** The endpoint's delays in seconds, one per retry. */
  schedule: readonly number[];
  /** How many retries of the schedule are used. */
  step: number;
  /** When the failed attempt ended, in ms. */
  endedAt: number;
  /** Seconds the receiver asked to wait, or `null`. */
  retryAfter: number | null;
  /** When others are tried again that it may join, in ms; `null`: there are none. */
  beside: number | null;
  /** A random number in [0, 1). */
  random: number;
}

/** The time in ms of the next attempt, or `null` when the schedule is used up. */
export function nextAttemptAt({ schedule, step, endedAt, retryAfter, beside, random }: RetryRequest): number | null {
  const delay = schedule[step];
  if (delay === undefined) return null;
  const asked = Math.min((retryAfter ?? 0) * SECOND, LONGEST_RETRY_AFTER);
  const at = (jitter: number) => Math.ceil(endedAt + Math.max(delay * SECOND * (1 + JITTER * jitter), asked));
  return beside !== null && beside >= at(0) && beside <= at(1) ? beside : at(random);
}
