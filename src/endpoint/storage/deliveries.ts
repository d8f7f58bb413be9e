import type { DeliveryStatus, WaitReason } from "../../contracts/delivery";
import type { DeliveryFilter } from "../../contracts/endpoint";
import type { Sql } from "../../lib/sql";
import { FigureTable } from "./figures";
import { firstIdAt, HEAD, type Head, isOf, type Row } from "./row";

/** The most parameters of a statement. */
const PARAMETERS = 100;

/** The most rows that one statement adds, with nine parameters each. */
const ADD_AT_ONCE = Math.floor(PARAMETERS / 9);

/** The columns of a row that an index goes by, and the others that are written. */
const INDEXED = ["status", "due"] as const;
const PLAIN = [
  ...(["event", "reason", "adopted", "patience", "step", "attempts", "manual", "code", "error", "finished"] as const),
  ...(["test", "format", "duration", "began", "text", "log"] as const),
];

/** The most unfinished rows that a list sorts. */
const SORTED_MOST = 1_000;

/** What a list is about, as far as the table knows. */
type Listed = Pick<DeliveryFilter, "since" | "until"> & { statuses: readonly DeliveryStatus[] | null };

/** The table of an endpoint's deliveries: its SQL and nothing else. */
export class Deliveries {
  readonly #sql: Sql;
  /** How many rows were written whole: as long as that works, what comes of a delivery can be written down. */
  saved = 0;
  /** What is counted of them: told of whatever changes a row that counts. */
  readonly figures: FigureTable;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.figures = new FigureTable(sql);
  }

  get(id: string): Row | null {
    return this.#sql.first<Row>("SELECT * FROM deliveries WHERE id = ?", id);
  }

  /** A row without its attempts. */
  head(id: string): Head | null {
    return this.#sql.first<Head>(`SELECT ${HEAD} FROM deliveries WHERE id = ?`, id);
  }

  /** Those of these that have a row, in their order. */
  heads(ids: readonly string[]): Head[] {
    return ids.flatMap((id) => this.head(id) ?? []);
  }

  /** Which of these have a row. */
  present(ids: readonly string[]): Set<string> {
    const found = new Set<string>();
    for (let start = 0; start < ids.length; start += PARAMETERS) {
      const part = ids.slice(start, start + PARAMETERS);
      const marks = part.map(() => "?").join(", ");
      const rows = this.#sql.all<{ id: string }>(`SELECT id FROM deliveries WHERE id IN (${marks})`, ...part);
      for (const { id } of rows) found.add(id);
    }
    return found;
  }

  /** Adds a row, or writes it anew: an index only where its column is another one, since each costs a row. */
  save(row: Row): void {
    const stored = this.head(row.id);
    if (stored === null) {
      this.add(row);
      return;
    }
    this.saved++;
    this.figures.changed(row.id, stored, row);
    const columns = [...PLAIN, ...INDEXED.filter((column) => stored[column] !== row[column])];
    const set = columns.map((column) => `${column} = ?`).join(", ");
    this.#sql.all(`UPDATE deliveries SET ${set} WHERE id = ?`, ...columns.map((column) => row[column]), row.id);
  }

  /** Adds a row for a delivery that has none. */
  add(row: Row): void {
    this.figures.changed(row.id, null, row);
    this.#add(row);
  }

  #add(row: Row): void {
    this.saved++;
    const columns = [...INDEXED, ...PLAIN];
    this.#sql.all(
      `INSERT INTO deliveries (id, ${columns.join(", ")}) VALUES (?${", ?".repeat(columns.length)})`,
      row.id,
      ...columns.map((column) => row[column]),
    );
  }

  /** Adds rows that succeeded at their first attempt, as almost all do: many in one statement. */
  addSucceeded(rows: readonly Row[]): void {
    this.saved += rows.length;
    for (const row of rows) this.figures.changed(row.id, null, row);
    for (let start = 0; start < rows.length; start += ADD_AT_ONCE) {
      const part = rows.slice(start, start + ADD_AT_ONCE);
      const values: SqlStorageValue[] = [];
      for (const { id, event, code, finished, test, format, duration, began, log } of part) {
        values.push(id, event, code, finished, test, format, duration, began, log);
      }
      this.#sql.all(
        `INSERT OR REPLACE INTO deliveries (id, event, status, attempts, code, finished, test, format, duration, began, log)
         VALUES ${part.map(() => "(?, ?, 'succeeded', 1, ?, ?, ?, ?, ?, ?, ?)").join(", ")}`,
        ...values,
      );
    }
  }

  /** Writes rows again that count as they did: a page that only shrinks stays as large for SQLite as it was. */
  rewrite(rows: readonly Row[]): void {
    for (const { id } of rows) this.#sql.all("DELETE FROM deliveries WHERE id = ?", id);
    for (const row of rows) this.#add(row);
  }

  /** Rows due at `now` (ms), the longest due first. */
  due(now: number, limit: number): Head[] {
    return this.#sql.all<Head>(
      `SELECT ${HEAD} FROM deliveries WHERE due IS NOT NULL AND due <= ? ORDER BY due, id LIMIT ?`,
      now,
      limit,
    );
  }

  /** Writes a row as it is: it fails where what comes of it could not be written down either. */
  touch(id: string): void {
    this.#sql.all("UPDATE deliveries SET adopted = adopted WHERE id = ?", id);
    this.saved++;
  }

  /** A row that was released waits once more, until `due` (ms). */
  waits(id: string, reason: WaitReason, due: number): void {
    this.#sql.all("UPDATE deliveries SET reason = ?, due = ? WHERE id = ?", reason, due, id);
  }

  /** A row failed without being tried again. */
  expire(id: string, now: number): void {
    const before = this.head(id);
    if (before !== null) this.figures.changed(id, before, { ...before, status: "failed", error: "expired" });
    this.#sql.all(
      `UPDATE deliveries SET status = 'failed', error = 'expired', finished = ?, due = NULL, reason = NULL,
         adopted = 0, patience = 0, manual = 0, text = NULL
       WHERE id = ?`,
      now,
      id,
    );
  }

  /** The rows that are due first, and when, in ms. */
  firstDue(limit: number): { id: string; due: number }[] {
    return this.#sql.all("SELECT id, due FROM deliveries WHERE due IS NOT NULL ORDER BY due, id LIMIT ?", limit);
  }

  /** The event texts of those rows that keep one. */
  texts(ids: readonly string[]): Map<string, string> {
    const rows = this.#sql.all<{ id: string; text: string }>(
      "SELECT id, text FROM deliveries WHERE id IN (SELECT value FROM json_each(?)) AND text IS NOT NULL",
      JSON.stringify(ids),
    );
    return new Map(rows.map(({ id, text }) => [id, text]));
  }

  /**
   * The rows that a list looks at, newest first, read one by one: under a filter by status that leaves out the
   * successes those of the indexes, else all of the span. The other filters are the caller's, and so is this one where more
   * is unfinished than can be sorted.
   */
  newest({ statuses, since, until }: Listed, before: string | null): Iterable<Head> {
    const from = firstIdAt(since ?? 0);
    const end = firstIdAt(until ?? Number.MAX_SAFE_INTEGER);
    const to = before !== null && before < end ? before : end;
    const asked = [...new Set(statuses ?? [])];
    const waiting: DeliveryStatus[] = asked.filter((status) => status === "pending" || status === "retrying");
    const tooMany = waiting.length > 0 && this.firstDue(SORTED_MOST + 1).length > SORTED_MOST;
    if (statuses === null || asked.includes("succeeded") || tooMany) {
      return this.#sql.each<Head>(`SELECT ${HEAD} FROM deliveries WHERE id >= ? AND id < ? ORDER BY id DESC`, from, to);
    }
    return newestOf(
      asked.map((status) => {
        const rows = waiting.includes(status)
          ? `INDEXED BY deliveries_due WHERE due IS NOT NULL AND status = '${status}'`
          : `INDEXED BY deliveries_unsuccessful WHERE ${isOf(status)}`;
        const text = `SELECT ${HEAD} FROM deliveries ${rows} AND id >= ? AND id < ? ORDER BY id DESC`;
        return this.#sql.each<Head>(text, from, to);
      }),
    );
  }

  /**
   * Removes what is finished or held of what was accepted before `before` (ms), oldest first, but for `out`; answers how
   * many rows.
   */
  trim(before: number, limit: number, out: readonly string[]): number {
    this.figures.forget(before);
    return this.#sql.all(
      `DELETE FROM deliveries WHERE id IN (
         SELECT id FROM deliveries WHERE id < ? AND status NOT IN ('pending', 'retrying')
           AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?)
       RETURNING 1`,
      firstIdAt(before),
      JSON.stringify(out),
      limit,
    ).length;
  }
}

/** Merges streams that run from the newest id down. */
function* newestOf(streams: Iterator<Head, undefined>[]): Generator<Head, undefined> {
  const heads = streams.map((stream) => stream.next().value);
  try {
    for (;;) {
      let newest = -1;
      for (const [i, head] of heads.entries()) {
        if (head !== undefined && head.id > (heads[newest]?.id ?? "")) newest = i;
      }
      if (newest < 0) return;
      yield heads[newest] as Head;
      heads[newest] = streams[newest]?.next().value;
    }
  } finally {
    for (const stream of streams) stream.return?.();
  }
}
