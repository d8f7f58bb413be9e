import type { Attempt } from "../../contracts/delivery";
import { MINUTE, SECOND } from "../../lib/time";

/**
 * The breaker: keeps an endpoint that does nothing but fail from taking the consumer's time. Pure: no I/O, no clock.
 * It opens after ten failures in a row, for 30 s; then one delivery goes out as the probe. A probe that fails opens it
 * for twice as long, up to 10 min; any success closes it. Times in ms.
 */
const FAILURES_TO_OPEN = 10;
const SHORTEST = 30 * SECOND;
const LONGEST = 10 * MINUTE;

export interface Breaker {
  /** Failures in a row, as far as they count, while it is closed. */
  failures: number;
  /** `null`: it is closed. */
  open: Opening | null;
}

interface Opening {
  /** From here on it is half-open. */
  until: number;
  /** How long it was opened for. */
  length: number;
  probe: Probe | null;
}

interface Probe {
  /** The attempt that probes; `null`: a delivery is called for it, and its message is under way. */
  attemptId: string | null;
  /** When it is given up as lost: the lease's end. */
  until: number;
}

export type BreakerState = "closed" | "open" | "half-open";

export const CLOSED: Breaker = { failures: 0, open: null };

export function stateOf({ open }: Breaker, now: number): BreakerState {
  if (open === null) return "closed";
  return now < open.until ? "open" : "half-open";
}

/** Whether an attempt may be the probe now: half-open, and no other is under way. */
export function mayProbe({ open }: Breaker, now: number): boolean {
  if (open === null || now < open.until) return false;
  return open.probe === null || open.probe.attemptId === null || open.probe.until <= now;
}

/** When the next delivery may be called to probe, if nothing happens before; in the past: now. `null`: it is closed. */
export function probeAt({ open }: Breaker): number | null {
  return open && Math.max(open.until, open.probe?.until ?? open.until);
}

/** A delivery is called to be the probe; its message is given until `until`. */
export function called(breaker: Breaker, until: number): Breaker {
  return withProbe(breaker, { attemptId: null, until });
}

/** An attempt goes out as the probe, with a lease until `until`. */
export function probing(breaker: Breaker, attemptId: string, until: number): Breaker {
  return withProbe(breaker, { attemptId, until });
}

/** An attempt ended and tells nothing of the receiver: if it was the probe, another may go. */
export function afterNothing(breaker: Breaker, attemptId: string): Breaker {
  return isProbe(breaker, attemptId) ? withProbe(breaker, null) : breaker;
}

/** It need not wait for its time: the receiver is another one, or somebody asks for a probe. One under way goes on. */
export function hurried(breaker: Breaker): Breaker {
  return breaker.open === null ? breaker : { ...breaker, open: { ...breaker.open, until: 0 } };
}

/** What remains after a failed attempt that reached out to the receiver. */
export function afterFailed(
  breaker: Breaker,
  attempt: Pick<Attempt, "id" | "error" | "statusCode">,
  now: number,
): Breaker {
  const { open } = breaker;
  if (open === null) {
    const failures = counts(attempt) ? breaker.failures + 1 : 0;
    return failures < FAILURES_TO_OPEN ? { failures, open } : opened(SHORTEST, now);
  }
  // Under way since before it opened: it neither lengthens nor ends anything.
  if (!isProbe(breaker, attempt.id)) return breaker;
  // Answered, if not as one would wish: the receiver is there, and the row of failures is broken.
  return counts(attempt) ? opened(Math.min(2 * open.length, LONGEST), now) : CLOSED;
}

/** Whether a failed attempt is one of the row: no answer, or one that says that the receiver is down or overrun. */
function counts({ error, statusCode }: Pick<Attempt, "error" | "statusCode">): boolean {
  if (error === "timeout" || error === "connection") return true;
  return error === "status" && statusCode !== null && (statusCode === 429 || statusCode >= 500);
}

function opened(length: number, now: number): Breaker {
  return { failures: FAILURES_TO_OPEN, open: { until: now + length, length, probe: null } };
}

function isProbe({ open }: Breaker, attemptId: string): boolean {
  return open?.probe?.attemptId === attemptId;
}

function withProbe(breaker: Breaker, probe: Probe | null): Breaker {
  return breaker.open === null ? breaker : { ...breaker, open: { ...breaker.open, probe } };
}
