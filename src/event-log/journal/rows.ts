import type { Event, Match } from "../../contracts/event";

/** A row of `events`, see `tables.ts`. */
export interface EventRow {
  ulid: string;
  event: string;
  timestamp: number;
  payload: string;
  data: string;
  matches: string;
  fingerprint: string | null;
  batch: number | null;
  erased: number | null;
  reveal: string | null;
  origin: string | null;
  named: string | null;
}

/** The event that a row is of. */
export function toEvent(row: EventRow): Event {
  return {
    ulid: row.ulid,
    type: row.event,
    timestamp: row.timestamp,
    payloadId: row.payload,
    data: row.data,
    matches: JSON.parse(row.matches) as Match[],
    ...(row.erased === null ? {} : { erasedAt: row.erased }),
  };
}
