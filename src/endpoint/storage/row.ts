import type { DeliveryError, DeliveryStatus, Outcome, Trigger, WaitReason } from "../../contracts/delivery";
import { type Delivery, refTo } from "../../contracts/event";
import type { Format } from "../../contracts/wire";
import { encodeTime, ulidTime } from "../../lib/ids";

/** A delivery as its table keeps it; tables.ts explains the columns. */
export interface Row {
  id: string;
  event: string;
  status: DeliveryStatus;
  reason: WaitReason | null;
  due: number | null;
  adopted: number;
  patience: number;
  step: number;
  attempts: number;
  manual: number;
  code: number | null;
  error: DeliveryError | null;
  finished: number | null;
  test: number;
  format: Format | null;
  duration: number | null;
  began: number;
  text: string | null;
  log: string;
}

/** A row without its attempts, which may take a megabyte, and without its event's text. */
export type Head = Omit<Row, "log" | "text">;

export const HEAD =
  "id, event, status, reason, due, adopted, patience, step, attempts, manual, code, error, finished, test, format, duration, began";

/** What a new row has. */
export const NEW_ROW: Omit<Row, "id" | "event" | "status"> = {
  reason: null,
  due: null,
  adopted: 0,
  patience: 0,
  step: 0,
  attempts: 0,
  manual: 0,
  code: null,
  error: null,
  finished: null,
  test: 0,
  format: null,
  duration: null,
  began: 0,
  text: null,
  log: "[]",
};

/**
 * SQL: a row has one of the states in `deliveries_unsuccessful`. Written out, so that the index is found to have them, also as
 * earlier versions made it.
 */
export function isOf(status: DeliveryStatus): string {
  return `status = '${status}' AND status <> 'succeeded'`;
}

/** The row as it is once nothing more is sent for it. Pure. */
export function ended(row: Row, status: DeliveryStatus, now: number): Row {
  return { ...row, status, due: null, finished: now, text: null };
}

/** The first id that a delivery accepted at `ms` can have. */
export function firstIdAt(ms: number): string {
  return `dlv_${encodeTime(Math.min(Math.max(ms, 0), 2 ** 48 - 1))}`;
}

/** The row of a delivery nobody has tried yet, made at `began` (ms). Pure, as all of this file. */
export function newRow({ id, type, test = false }: Delivery, began: number): Row {
  return { ...NEW_ROW, id, event: type, status: "pending", test: test ? 1 : 0, began };
}

/** What a message or an answer says of a row. */
export function refOf({ id, event, test }: Pick<Row, "id" | "event" | "test">): Delivery {
  return refTo(id, event, test);
}

/** The row with nothing due. */
export function freed(row: Row): Row {
  return { ...row, due: null, reason: null, adopted: 0, patience: 0 };
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
