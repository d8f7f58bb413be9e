import type { DeliveryStatus } from "../../contracts/delivery";
import type { Head } from "../storage/row";
import type { Job } from "./kinds";

/**
 * Rows as they are once what is being held or canceled is through, so that nobody sees the steps of it. Pure; `clearing`:
 * that job, `null` when there is none.
 */

/** When a row begins that is made at `now` (ms): never among those that are meant. */
export function beginning(clearing: Job | null, now: number): number {
  return clearing === null ? now : Math.max(now, clearing.at + 1);
}

/** A row's state. */
export function statusOf(clearing: Job | null, { status, test, began }: Pick<Head, "status" | "test" | "began">) {
  if (clearing === null || !["pending", "retrying", "held"].includes(status)) return status;
  if (clearing.kind === "cancel") return "canceled";
  return test === 0 && began <= clearing.at ? "held" : status;
}

/** A row. */
export function foreseen<T extends Head>(clearing: Job | null, row: T): T {
  if (clearing === null) return row;
  const status = endsTest(clearing, row) ? "failed" : statusOf(clearing, row);
  if (status === row.status) return row;
  const rest = { ...row, status, reason: null, lease: null, due: null };
  if (status !== "held") return { ...rest, finished: clearing.at };
  return { ...rest, ...(isInFlight(row) ? { lease: row.lease, due: row.due } : {}) };
}

/** The states in which rows of these are found in the table. */
export function stored(clearing: Job | null, statuses: readonly DeliveryStatus[]): readonly DeliveryStatus[] {
  const to = clearing?.kind === "cancel" ? "canceled" : "held";
  if (clearing === null || !statuses.includes(to)) return statuses;
  return [...new Set([...statuses, ...clearing.statuses])];
}

/** Whether a row is that of a test that fails when its turn comes, since the endpoint was disabled after it was asked for. */
function endsTest({ kind, at }: Job, row: Head): boolean {
  if (kind !== "hold" || row.test === 0 || row.began > at) return false;
  return ["pending", "retrying"].includes(row.status) && !(isInFlight(row) && (row.due ?? 0) > at);
}

function isInFlight({ lease }: Head): boolean {
  return lease !== null && lease !== "queued";
}
