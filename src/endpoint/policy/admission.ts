import type { DeliveryStatus, Lane, WaitReason } from "../../contracts/delivery";
import { HOUR, SECOND } from "../../lib/time";
import type { PaceClass } from "./pace";

/**
 * Whether a delivery that a message offers may be sent now. Pure: no I/O, no clock.
 * The answer keeps two promises: a delivery is never in flight twice at once, and a message is only let go of when
 * a row owns the delivery or nothing is owed any more.
 */

/** How long the consumer may keep an admitted delivery before it is given to another, in ms. */
export const LEASE = 60 * SECOND;

/**
 * How long what was answered of a delivery is gone by, in ms: a request that begins later asks again whether it may. So
 * long after an endpoint is disabled or deleted, or an event erased, nothing of it begins any more.
 */
export const FRESH = 2 * SECOND;

/** The most deliveries of one endpoint in flight, so that one slow receiver cannot starve the others. */
export const SLOTS = 25;

/** The most requests that one invocation of the consumer has under way: Workers open six connections at once. */
export const LANES = 6;

const FAILURES_OF_SLOW = 3;

/** How an endpoint fares, as far as admission asks. */
export interface Trend {
  /** Failed attempts since the last success. */
  failures: number;
  /** Whether the last attempt timed out. */
  timedOut: boolean;
  /** What its attempts take; `null`: there was none yet. */
  pace: PaceClass | null;
}

/** Whether an endpoint has begun to fail or is slow, so that its deliveries take the slow lane. */
export function isSlow(trend: Trend): boolean {
  return trend.timedOut || trend.failures >= FAILURES_OF_SLOW || trend.pace === "slow";
}

/**
 * The most deliveries that a consumer is given at once which can begin `room` of them. One that answers at once gets as
 * many as there are slots: they are done before anybody misses a slot, and each call takes as long as some of them. Of any
 * other nothing is handed out that would wait for a lane and hold a slot meanwhile.
 */
export function atOnce(pace: PaceClass | null, room: number): number {
  return room > 0 && pace === "fast" ? SLOTS : room;
}

/** What is known of the delivery: its row, or a lease without one. */
export interface Known {
  row: {
    status: DeliveryStatus;
    /** `queued`: released, its message is under way; otherwise the id of the attempt that has it. */
    lease: string | null;
    /** Adopted from the event log and never tried: its own first message may still arrive. */
    adopted: boolean;
  } | null;
  /** A person's test: it goes out whether the endpoint is enabled or slow. */
  test: boolean;
  /** Without a row: when the lease of an attempt ends, in ms; `null`: none has it. */
  leasedUntil: number | null;
}

/** What holds for every delivery of the endpoint. */
export interface Surroundings extends Trend {
  /** The queue that it came by. */
  lane: Lane;
  gone: boolean;
  enabled: boolean;
  /** Whether the consumer has told of an attempt that hangs: as slow as if it had timed out already. */
  lagging: boolean;
  /** The receiver has asked to be left alone for a while: only tests go. */
  quiet: boolean;
  /** `probe`: it is half-open, and one released delivery may go. */
  breaker: "closed" | "shut" | "probe";
  /** Whether a row must be written first, since one may not be writable once it is sent. */
  rowsFirst: boolean;
  /** Whether a lease must be stored: memory may not last as long, or more hangs on it than usual. */
  keepsLeases: boolean;
  /** Slots that are free, as far as the consumer can begin something in them; for a probe always one. */
  freeSlots: number;
  /** Sends that the rate limit allows now; without one, Infinity. */
  freeTokens: number;
  /** How many of these are for deliveries that have waited already: released, or overdue. */
  promisedTokens: number;
}

export type Decision =
  /** Send; `lease` says whether a row owns it, and if none does whether the lease is stored or, best effort, in memory. */
  | { do: "send"; lease: "row" | "stored" | "memory" }
  /** A new row owns it: due now, or at the end of its lease. */
  | { do: "wait"; insert: "held" | "due" | "leased"; reason: WaitReason | null }
  /** Released, and it may not go after all: its row waits once more. */
  | { do: "wait"; insert: "again"; reason: WaitReason }
  /** Its row owns it already. */
  | { do: "wait"; insert: null; reason: WaitReason | null }
  | { do: "drop" };

const UNFINISHED: readonly DeliveryStatus[] = ["pending", "retrying"];

/** Decides over one delivery at `now` (ms). */
export function decide(known: Known, around: Surroundings, now: number): Decision {
  if (around.gone) return { do: "drop" };
  // What has come by the slow lane has made way already.
  const slow = (isSlow(around) || around.lagging) && !known.test && around.lane === "normal";
  const quiet = around.quiet && !known.test;
  const closed = around.breaker === "closed";
  const { row } = known;
  if (row !== null) {
    if (row.status === "held") return { do: "wait", insert: null, reason: null };
    if (!UNFINISHED.includes(row.status)) return { do: "drop" };
    if (row.lease === "queued") {
      if (quiet) return { do: "wait", insert: "again", reason: "asked" };
      if (around.breaker === "shut") return { do: "wait", insert: "again", reason: "breaker" };
      if (slow) return { do: "wait", insert: "again", reason: "slow" };
      if (around.freeSlots <= 0) return { do: "wait", insert: "again", reason: "slots" };
      return around.freeTokens > 0 ? { do: "send", lease: "row" } : { do: "wait", insert: "again", reason: "rate" };
    }
    const firstMessage = row.lease === null && row.adopted && closed && !slow && !quiet;
    if (!firstMessage || around.freeTokens <= around.promisedTokens) return { do: "wait", insert: null, reason: null };
    if (around.freeSlots <= 0) return { do: "wait", insert: null, reason: "slots" };
    return { do: "send", lease: "row" };
  }
  if (known.leasedUntil !== null && known.leasedUntil > now) return { do: "wait", insert: "leased", reason: null };
  if (!around.enabled && !known.test) return { do: "wait", insert: "held", reason: null };
  if (quiet) return { do: "wait", insert: "due", reason: "asked" };
  if (!closed && !known.test) return { do: "wait", insert: "due", reason: "breaker" };
  if (slow) return { do: "wait", insert: "due", reason: "slow" };
  if (around.freeSlots <= 0) return { do: "wait", insert: "due", reason: "slots" };
  if (around.freeTokens <= around.promisedTokens) return { do: "wait", insert: "due", reason: "rate" };
  if (around.rowsFirst) return { do: "send", lease: "row" };
  return { do: "send", lease: around.keepsLeases || !closed ? "stored" : "memory" };
}

/**
 * How long a released delivery is left to its message before it is released again, in ms: twice as long as it was
 * last left waiting, so that a backlog of the queue is not multiplied; at least a lease, at most an hour.
 */
export function nextPatience(patience: number): number {
  return Math.max(LEASE, Math.min(2 * patience, HOUR));
}
