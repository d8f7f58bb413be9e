import { HOUR, SECOND } from "../../lib/time";

/**
 * Quiet: an endpoint whose receiver answered 429 or 503 with a `Retry-After` is sent nothing before that time, since what it
 * asks for is about all that comes from us and not about one delivery. Pure: no I/O, no clock. Times in ms.
 */

/** The longest that one answer keeps an endpoint quiet: a mistake in it must not cost all deliveries half a day. */
const LONGEST = HOUR;

export interface Quiet {
  /** When it was asked for. */
  since: number;
  /** From here on things are sent again. */
  until: number;
}

/** When an endpoint may be sent something again; `null`: it may now. */
export function quietUntil(quiet: Quiet | null, now: number): number | null {
  return quiet !== null && now < quiet.until ? quiet.until : null;
}

/** What remains after a failed attempt that ended at `endedAt` and asked for `retryAfter` seconds. The longest wish stands. */
export function quietAfter(quiet: Quiet | null, retryAfter: number | null, endedAt: number): Quiet | null {
  const until = endedAt + Math.min((retryAfter ?? 0) * SECOND, LONGEST);
  if (until <= endedAt || (quiet !== null && until <= quiet.until)) return quiet;
  return { since: endedAt, until };
}

/**
 * What remains after an attempt that began at `at` succeeded: one that was under way before the receiver asked says nothing
 * of whether it takes more.
 */
export function quietAfterSuccess(quiet: Quiet | null, at: number): Quiet | null {
  return quiet !== null && at < quiet.since ? quiet : null;
}
