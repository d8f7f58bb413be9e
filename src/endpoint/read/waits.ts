import type { DeliveryRecord, WaitReason } from "../../contracts/delivery";
import type { Head } from "../storage/row";

/**
 * Why a delivery that could be sent is not under way. Pure: it is told from how things stand when somebody asks, so that
 * no row is written for it.
 */
export interface Conditions {
  /** Until when its receiver has asked to be left alone, in ms; `null`: it has not. */
  quietUntil: number | null;
  /** When the breaker lets the next probe go, in ms; `null`: it is closed. */
  probeAt: number | null;
  slow: boolean;
  freeSlots: number;
  /** How many deliveries the rate limit lets go now. */
  releasable: number;
}

function reasonOf(row: Head, around: Conditions, now: number): WaitReason | null {
  const { quietUntil, probeAt, slow, freeSlots, releasable } = around;
  if ((row.status !== "pending" && row.status !== "retrying") || row.due === null) return null;
  if (row.lease === "queued" && row.due > now) {
    if (quietUntil !== null) return "asked";
    if (probeAt !== null) return "breaker";
    return slow ? "slow" : null;
  }
  if (row.lease !== null && row.due > now) return null;
  // What is due later than that waits for its own time.
  if (quietUntil !== null && row.due < quietUntil) return "asked";
  if (probeAt !== null && row.due <= Math.max(probeAt, now)) return "breaker";
  if (row.due > now) return row.reason;
  if (freeSlots <= 0) return "slots";
  if (releasable <= 0) return "rate";
  return slow ? "slow" : row.reason;
}

/** A row as the rest of the Worker sees it at `now` (ms). */
export function toRecord(row: Head, around: Conditions, now: number): DeliveryRecord {
  const waitReason = reasonOf(row, around, now);
  // Under way to the queue or to the receiver: there is no later time to name. What is due and waits goes next, so
  // from when on it has waited is no time of an attempt.
  const due = row.lease === null ? row.due : null;
  const opens = Math.max(around.quietUntil ?? 0, around.probeAt ?? 0);
  const notBefore = waitReason === "breaker" || waitReason === "asked" ? opens : 0;
  return {
    id: row.id,
    event: row.event,
    status: row.status,
    waitReason,
    test: row.test === 1,
    attempts: row.attempts,
    lastStatusCode: row.code,
    lastError: row.error,
    nextAttemptAt: due === null ? null : Math.max(due, now, notBefore),
    finishedAt: row.finished,
  };
}
