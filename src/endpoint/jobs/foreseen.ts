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

/** A row; `held`: an attempt has it. */
export function foreseen<T extends Head>(clearing: Job | null, row: T, held: boolean): T {
  if (clearing === null) return row;
  const status = !held && endsTest(clearing, row) ? "failed" : statusOf(clearing, row);
  if (status === row.status) return row;
  const rest = { ...row, status, reason: null, due: null };
  return status === "held" ? rest : { ...rest, finished: clearing.at };
}

/** The states in which rows of these are found in the table. */
export function stored(clearing: Job | null, statuses: readonly DeliveryStatus[]): readonly DeliveryStatus[] {
  const to = clearing?.kind === "cancel" ? "canceled" : "held";
  if (clearing === null || !statuses.includes(to)) return statuses;
  return [...new Set([...statuses, ...clearing.statuses])];
}

/** Whether a row is that of a test that fails when its turn comes, since the endpoint was disabled after it was asked for. */
function endsTest({ kind, at }: Job, { test, began, status }: Head): boolean {
  return kind === "hold" && test === 1 && began <= at && ["pending", "retrying"].includes(status);
}
