import type { Sql } from "../../lib/sql";

/** The one row of `state`, see `tables.ts`. */
export interface StateRow {
  confirmed: string;
  sealed: number;
  trimmed: string;
  since: number | null;
  told: string;
}

/** How far a log has come, remembered beside the row that says so. */
export class State {
  readonly #sql: Sql;
  #row!: StateRow;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.reload();
  }

  /** Reads anew what it remembers, which may have been rolled back. */
  reload(): void {
    this.#row = this.#sql.first<StateRow>("SELECT confirmed, sealed, trimmed, since, told FROM state") as StateRow;
  }

  get row(): Readonly<StateRow> {
    return this.#row;
  }

  /** Writes those columns alone: another that holds the same rows may have changed the rest. */
  set(change: Partial<StateRow>): void {
    const columns = Object.keys(change).map((column) => `${column} = ?`);
    this.#sql.all(`UPDATE state SET ${columns.join(", ")}`, ...Object.values(change));
    // After the write: one that fails leaves memory as storage is.
    this.#row = { ...this.#row, ...change };
  }
}
