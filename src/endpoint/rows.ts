import type { Outcome, Trigger } from "../contracts/delivery";
import { type Delivery, refTo } from "../contracts/event";
import { ulidTime } from "../lib/ids";
import { NEW_ROW, type Row } from "./row";

/** The row of a delivery nobody has tried yet, made at `began` (ms). Pure, as all of this file. */
export function newRow({ id, event, test = false }: Delivery, began: number): Row {
  return { ...NEW_ROW, id, event, status: "pending", test: test ? 1 : 0, began };
}

/** What a message or an answer says of a row. */
export function refOf({ id, event, test }: Pick<Row, "id" | "event" | "test">): Delivery {
  return refTo(id, event, test);
}

/** The row with nobody holding it and nothing due. */
export function freed(row: Row): Row {
  return { ...row, lease: null, due: null, reason: null, adopted: 0, patience: 0 };
}

/** The attempt that an outcome is of. */
export function attemptOf(outcome: Outcome): string {
  return outcome.kind === "attempted" ? outcome.attempt.id : outcome.attemptId;
}

/** When an attempt was granted, in ms: it is in its id. */
export function grantedAt(attemptId: string): number {
  return ulidTime(attemptId.slice("att_".length));
}

/** What causes the row's next attempt. */
export function triggerOf(row: Pick<Row, "manual" | "test" | "attempts">): Trigger {
  if (row.manual === 1) return "manual";
  return row.test === 1 && row.attempts === 0 ? "test" : "scheduled";
}

/**
 * Whether the row was never tried, nor given to an attempt since it was made: a first attempt may be under way all the
 * same, whose lease was in memory, where it may be forgotten, before the event log's handover or a duplicate of its
 * message made the row. Not once a person has asked for another attempt, which it would use up.
 */
export function isOrphaned(row: Row): boolean {
  return row.adopted === 1 && row.manual === 0 && row.attempts === 0;
}

/** The row as a person makes it due at `now` (ms), with `began` as its new beginning: a schedule that had ended restarts. */
export function dueByHand(row: Row, began: number, now: number): Row {
  const ended = row.finished !== null || row.status === "held";
  return {
    ...freed(row),
    status: row.attempts === 0 ? "pending" : "retrying",
    due: now,
    manual: 1,
    began,
    step: ended ? 0 : row.step,
    format: null,
    finished: null,
  };
}
