import { LOG_FULL } from "../../contracts/event-log";
import type { Sql } from "../../lib/sql";

/** Bytes from which on a log takes no more events: of the 10 GB that an object may have the rest is for handing them over. */
export const MOST_BYTES = 8_000_000_000;
/**
 * Asking for the size takes as long as a fifth of writing an event, so it is asked for again when a hundredth of what was
 * left may be used: by events as long as their data, with so many bytes for what else they say.
 */
const LOOKS = 100;
const EVENT_BYTES = 1_000;

/** How much a log may still take. */
export class Capacity {
  readonly #sql: Sql;
  readonly #most: number;
  /** Bytes that may be written before the size of the database is looked at again. */
  #room = 0;

  /** `most`: bytes of the database from which on it takes no more. */
  constructor(sql: Sql, most = MOST_BYTES) {
    this.#sql = sql;
    this.#most = most;
  }

  /** The part that is used, 0 to 1 or a little more. */
  get used(): number {
    return this.#sql.bytes / this.#most;
  }

  /** Throws {@link LOG_FULL} unless there is room for what is to be written. */
  check(events: readonly { data: string }[] = []): void {
    for (const { data } of events) this.#room -= EVENT_BYTES + data.length;
    if (this.#room > 0) return;
    const left = this.#most - this.#sql.bytes;
    if (left <= 0) throw new Error(LOG_FULL);
    this.#room = left / LOOKS;
  }
}
