import type { Sql } from "../lib/sql";
import { DAY, MINUTE } from "../lib/time";

/** How long an idempotency key is known, in ms. */
export const KEY_LIFE = DAY;
/** Keys that were first used within such a span lie together, so that those nobody needs are found by it; in ms. */
const SPAN = DAY / 2;
/** How far the clocks of two objects, or of one before and after a move, may be apart, in ms. */
const SKEW = MINUTE;
/** The most keys that are forgotten when one is kept: more than come, so that what is kept stays a day's. */
const FORGET = 4;

/** The table of {@link Known}, a step of whoever keeps one. */
export const KNOWN_TABLE = `CREATE TABLE known (
  part INTEGER NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, said TEXT NOT NULL, told TEXT NOT NULL,
  PRIMARY KEY (part, key)
) WITHOUT ROWID;`;

/** What a key was used for. */
export interface Use {
  /** ms; when it was kept. */
  at: number;
  /** What a repeat must say again. */
  said: string;
  /** What is to be answered. */
  told: string;
}

/**
 * What keys were used for, for 24 h at least; 12 h later each may go. It is a row, found by its key; forgetting it is another,
 * and is done a few at a time. Every method is synchronous and takes the time (ms); nothing is held in memory.
 *
 * known
 *   part  which span of 12 h `at` lies in: keys go by it, oldest first
 *   key   the key
 *   at    ms; when it was kept
 *   said  what a repeat must say again
 *   told  what it is answered
 */
export class Known {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** The last use of a key, which may be older than 24 h. */
  find(key: string, now: number): Use | null {
    const oldest = partOf(now - KEY_LIFE - SKEW);
    // Up to the one after today's, where a clock that ran ahead may have put it.
    return this.#sql.first<Use>(
      `SELECT at, said, told FROM known WHERE part IN (?1, ?1 + 1, ?1 + 2, ?1 + 3, ?1 + 4) AND key = ?2
       ORDER BY part DESC LIMIT 1`,
      oldest,
      key,
    );
  }

  /** Keeps a use of a key, in place of an earlier one of the same span. */
  keep(key: string, said: string, told: string, now: number): void {
    this.forget(now, FORGET);
    this.#sql.all(
      "INSERT OR REPLACE INTO known (part, key, at, said, told) VALUES (?, ?, ?, ?, ?)",
      partOf(now),
      key,
      now,
      said,
      told,
    );
  }

  /** Forgets keys that need not be known any more, oldest first and `most` of them. */
  forget(now: number, most: number): void {
    this.#sql.all(
      "DELETE FROM known WHERE (part, key) IN (SELECT part, key FROM known WHERE part < ? ORDER BY part, key LIMIT ?)",
      partOf(now - KEY_LIFE - SKEW),
      most,
    );
  }

  /** When the first of them may be forgotten, in ms; `null`: none is known. */
  get firstEnds(): number | null {
    return this.#end("ASC");
  }

  /** When all of them may be forgotten, in ms; `null`: none is known. */
  get lastEnds(): number | null {
    return this.#end("DESC");
  }

  #end(order: "ASC" | "DESC"): number | null {
    const found = this.#sql.first<{ part: number }>(`SELECT part FROM known ORDER BY part ${order}, key LIMIT 1`);
    return found && (found.part + 1) * SPAN + KEY_LIFE + SKEW;
  }
}

function partOf(at: number): number {
  return Math.floor(at / SPAN);
}
