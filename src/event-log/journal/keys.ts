import type { KeyedEvents, KeyPage } from "../../contracts/event-log";
import { idName } from "../../contracts/shards";
import { ulidTime } from "../../lib/ids";
import type { Sql } from "../../lib/sql";
import { keyFilter } from "./key-filter";
import { type EventRow, toEvent } from "./rows";
import type { Shards } from "./shards";

/** The most keys of a page: looking at them takes less than a tenth of a second, and their filter 100 KB. */
const PAGE_KEYS = 50_000;

/** The idempotency keys of a day's events, and of them what is known of the day before. */
export class Keys {
  readonly #sql: Sql;
  readonly #shards: Shards;

  constructor(sql: Sql, shards: Shards) {
    this.#sql = sql;
    this.#shards = shards;
  }

  /** Whether a key has been used. */
  knows(key: string): boolean {
    return this.#ulidOf(key) !== null;
  }

  /** What used a key, or `idName` of an id, at or after `since` (ms). */
  find(key: string, since = 0): KeyedEvents | null {
    const ulid = this.#ulidOf(key);
    if (ulid === null || ulidTime(ulid) < since) return null;
    const row = this.#sql.first<EventRow>("SELECT * FROM events WHERE ulid = ?", ulid) as EventRow;
    const [ofKey = "", own = ofKey] = (row.fingerprint ?? "").split(" ");
    if (row.named === key) return { key, events: [toEvent(row)], fingerprint: own };
    const rows =
      row.batch === null
        ? [row]
        : this.#sql.all<EventRow>("SELECT * FROM events WHERE ulid >= ? ORDER BY ulid LIMIT ?", ulid, row.batch);
    return { key, events: rows.map(toEvent), fingerprint: ofKey };
  }

  /** By the index alone, which has the ULID too. */
  #ulidOf(key: string): string | null {
    const of = key.startsWith(idName("")) ? "named" : "key";
    return this.#sql.first<{ ulid: string }>(`SELECT ulid FROM events WHERE ${of} = ? LIMIT 1`, key)?.ulid ?? null;
  }

  /**
   * The keys about a key that were used at or after `since` (ms): up to half of `most` before it and as many from it on.
   * Where there are fewer the page has no end there. Those that other shards have claimed are among them.
   */
  around(key: string, since: number, most = PAGE_KEYS): KeyPage {
    const half = Math.ceil(most / 2);
    const keys: string[] = [];
    const part = (statement: string): string | null => {
      let last: string | null = null;
      let count = 0;
      for (const row of this.#sql.each<{ key: string; ulid: string | null }>(statement, key, half + 1)) {
        if (count++ === half) return last;
        last = row.key;
        if (row.ulid === null || ulidTime(row.ulid) >= since) keys.push(row.key);
      }
      return null;
    };
    const both = (comparison: string) =>
      `SELECT key, ulid FROM events WHERE key ${comparison} ?1
       UNION ALL SELECT named, ulid FROM events WHERE named ${comparison} ?1
       ${this.#shards.claimed ? `UNION ALL SELECT name, NULL FROM claims WHERE name ${comparison} ?1` : ""}`;
    const from = part(`${both("<")} ORDER BY key DESC LIMIT ?2`);
    const to = part(`${both(">=")} ORDER BY key LIMIT ?2`);
    return { from, to, filter: keyFilter(keys).buffer, shards: this.#shards.count };
  }

  /** The filter of all keys of the day before, if it was kept. */
  get ofDayBefore(): ArrayBuffer | null {
    return this.#sql.first<{ filter: ArrayBuffer }>("SELECT filter FROM day_before")?.filter ?? null;
  }

  /** Keeps the filter of all keys of the day before, so that it need not be asked for again after an eviction. */
  keepDayBefore(filter: ArrayBuffer): void {
    this.#sql.all("INSERT OR REPLACE INTO day_before (id, filter) VALUES (1, ?)", filter);
  }
}
