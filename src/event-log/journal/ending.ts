import type { Match } from "../../contracts/event";
import type { Sql } from "../../lib/sql";
import type { EventRow } from "./rows";
import type { State } from "./state";

/** The most events whose endpoints are named at once. */
const PAGE = 500;

/** Endpoints with deliveries of a page of events, and how far into the log the page reaches. */
export interface Retired {
  endpoints: Set<string>;
  upTo: string;
}

/** What is to be forgotten elsewhere before a log may go. */
export class Ending {
  readonly #sql: Sql;
  readonly #state: State;

  constructor(sql: Sql, state: State) {
    this.#sql = sql;
    this.#state = state;
  }

  /** The next page of events whose deliveries are to be forgotten, since retention is over; `null`: there is none left. */
  retire(): Retired | null {
    const rows = this.#sql.all<Pick<EventRow, "ulid" | "matches">>(
      "SELECT ulid, matches FROM events WHERE ulid > ? ORDER BY ulid LIMIT ?",
      this.#state.row.trimmed,
      PAGE,
    );
    const last = rows.at(-1);
    if (last === undefined) return null;
    const matches = rows.flatMap((row) => JSON.parse(row.matches) as Match[]);
    return { endpoints: new Set(matches.map(({ endpoint }) => endpoint)), upTo: last.ulid };
  }

  /** The endpoints of a page have forgotten its deliveries. */
  retired({ upTo }: Retired): void {
    this.#state.set({ trimmed: upTo });
  }

  /** Events with callbacks and the endpoints that exist for those alone, a page at a time. */
  callbacks(): { ulid: string; endpoints: string[] }[] {
    const rows = this.#sql.all<Pick<EventRow, "ulid" | "matches">>(
      `SELECT ulid, matches FROM events INDEXED BY events_called_back
       WHERE instr(matches, '"url":') > 0 ORDER BY ulid LIMIT 100`,
    );
    return rows.map(({ ulid, matches }) => ({
      ulid,
      endpoints: (JSON.parse(matches) as Match[]).flatMap(({ endpoint, url }) => (url === undefined ? [] : [endpoint])),
    }));
  }

  /** Removes events as if they had never been: what is left of them elsewhere is gone. */
  remove(ulids: readonly string[]): void {
    for (const ulid of ulids) this.#sql.all("DELETE FROM events WHERE ulid = ?", ulid);
  }
}
