import { DELIVERY_STATUSES, type DeliveryError, type DeliveryStatus, type WaitReason } from "../contracts/delivery";
import type { Format } from "../contracts/wire";
import { encodeTime } from "../lib/ids";

/** A delivery as its table keeps it; schema.ts explains the columns. */
export interface Row {
  id: string;
  event: string;
  status: DeliveryStatus;
  reason: WaitReason | null;
  due: number | null;
  lease: string | null;
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
  log: string;
}

/** A row without its attempts, which may take a megabyte. */
export type Head = Omit<Row, "log">;

export const HEAD =
  "id, event, status, reason, due, lease, adopted, patience, step, attempts, manual, code, error, finished, test, format, duration, began";

/** What a new row has. */
export const NEW_ROW: Omit<Row, "id" | "event" | "status"> = {
  reason: null,
  due: null,
  lease: null,
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
  log: "[]",
};

/** What totals need of a row. */
export type Brief = Pick<Row, "id" | "status" | "attempts" | "duration" | "test" | "began">;

export const BRIEF = "id, status, attempts, duration, test, began";

/** How many rows there are of each status. */
export function countByStatus(rows: readonly Brief[]): Record<DeliveryStatus, number> {
  const counts = Object.fromEntries(DELIVERY_STATUSES.map((status) => [status, 0])) as Record<DeliveryStatus, number>;
  for (const { status } of rows) counts[status]++;
  return counts;
}

/** The first id that a delivery accepted at `ms` can have. */
export function firstIdAt(ms: number): string {
  return `dlv_${encodeTime(Math.min(Math.max(ms, 0), 2 ** 48 - 1))}`;
}
