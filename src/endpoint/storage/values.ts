import type { Sql } from "../../lib/sql";

/** The named values of an Endpoint object, each JSON in a row of the table `state`: their SQL and nothing else. */
export class Values {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** The value as it was last saved; `null`: never. */
  load<T>(name: string): T | null {
    const row = this.#sql.first<{ value: string }>("SELECT value FROM state WHERE name = ?", name);
    return row === null ? null : (JSON.parse(row.value) as T);
  }

  save(name: string, value: object): void {
    this.#sql.all("INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)", name, JSON.stringify(value));
  }
}
