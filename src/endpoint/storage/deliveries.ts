import type { DeliveryStatus, WaitReason } from "../../contracts/delivery";
import type { DeliveryFilter } from "../../contracts/endpoint";
import type { Sql } from "../../lib/sql";
import { BRIEF, type Brief, firstIdAt, HEAD, type Head, type Row } from "./row";

/** The most parameters of a statement. */
const PARAMETERS = 100;

/** The most rows that one statement adds, with nine parameters each. */
const ADD_AT_ONCE = Math.floor(PARAMETERS / 9);

/** What a list is about, as far as the table knows. */
type Listed = Pick<DeliveryFilter, "since" | "until"> & { statuses: readonly DeliveryStatus[] | null };

/** The table of an endpoint's deliveries: its SQL and nothing else. */
export class Deliveries {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
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

  save(row: Row): void {
    this.#sql.all(
      `INSERT INTO deliveries
         (id, event, status, reason, due, lease, adopted, patience, step, attempts, manual, code, error, finished, test,
          format, duration, began, log)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET
         status = excluded.status, reason = excluded.reason, due = excluded.due, lease = excluded.lease,
         adopted = excluded.adopted, patience = excluded.patience, step = excluded.step, attempts = excluded.attempts,
         manual = excluded.manual, code = excluded.code, error = excluded.error, finished = excluded.finished,
         format = excluded.format, duration = excluded.duration, began = excluded.began,
         log = excluded.log`,
      row.id,
      row.event,
      row.status,
      row.reason,
      row.due,
      row.lease,
      row.adopted,
      row.patience,
      row.step,
      row.attempts,
      row.manual,
      row.code,
      row.error,
      row.finished,
      row.test,
      row.format,
      row.duration,
      row.began,
      row.log,
    );
  }

  /** Adds rows that succeeded at their first attempt, as almost all do: many in one statement. */
  addSucceeded(rows: readonly Row[]): void {
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

  remove(id: string): void {
    this.#sql.all("DELETE FROM deliveries WHERE id = ?", id);
  }

  /** Rows due at `now` (ms), the longest due first. */
  due(now: number, limit: number): Head[] {
    return this.#sql.all<Head>(
      `SELECT ${HEAD} FROM deliveries WHERE due IS NOT NULL AND due <= ? ORDER BY due, id LIMIT ?`,
      now,
      limit,
    );
  }

  /** An attempt holds a row until `due` (ms). */
  leased(id: string, attemptId: string, due: number): void {
    this.#sql.all(
      "UPDATE deliveries SET lease = ?, due = ?, reason = NULL, adopted = 0, patience = 0 WHERE id = ?",
      attemptId,
      due,
      id,
    );
  }

  /** A row that was released waits once more, and is looked at again at `due` (ms). */
  waits(id: string, reason: WaitReason, due: number): void {
    this.#sql.all("UPDATE deliveries SET lease = NULL, reason = ?, due = ? WHERE id = ?", reason, due, id);
  }

  /** A row is on its way to the queue until `due` (ms), after which it comes up again. */
  queued(id: string, patience: number, due: number): void {
    this.#sql.all("UPDATE deliveries SET lease = 'queued', patience = ?, due = ? WHERE id = ?", patience, due, id);
  }

  /** Nothing is due of a row, and nobody holds it. */
  rest(id: string): void {
    this.#sql.all("UPDATE deliveries SET lease = NULL, due = NULL WHERE id = ?", id);
  }

  /** A row failed without being tried again. */
  expire(id: string, now: number): void {
    this.#sql.all(
      `UPDATE deliveries SET status = 'failed', error = 'expired', finished = ?, due = NULL, lease = NULL, reason = NULL,
         adopted = 0, patience = 0, manual = 0
       WHERE id = ?`,
      now,
      id,
    );
  }

  /** When the first row is due, in ms. */
  firstDue(): number | null {
    return (
      this.#sql.first<{ due: number }>("SELECT due FROM deliveries WHERE due IS NOT NULL ORDER BY due LIMIT 1")?.due ??
      null
    );
  }

  /** How many rows an attempt holds, with a lease that has not ended: ids of attempts begin with `att_`. */
  inFlight(now: number): number {
    const counted = this.#sql.first<{ n: number }>(
      "SELECT count(*) AS n FROM deliveries WHERE lease IS NOT NULL AND lease < 'queued' AND due > ?",
      now,
    );
    return counted?.n ?? 0;
  }

  /** The attempts that hold rows, as {@link inFlight} counts them. */
  leases(now: number): { id: string; lease: string; due: number }[] {
    return this.#sql.all(
      "SELECT id, lease, due FROM deliveries WHERE lease IS NOT NULL AND lease < 'queued' AND due > ?",
      now,
    );
  }

  /** How many rows are on their way to the queue. */
  released(now: number): number {
    const counted = this.#sql.first<{ n: number }>(
      "SELECT count(*) AS n FROM deliveries WHERE lease = 'queued' AND due > ?",
      now,
    );
    return counted?.n ?? 0;
  }

  /**
   * The rows that a list looks at, newest first, read one by one: under a filter by status that leaves out the
   * successes those of the index of unsuccessful rows, else all of the span. The other filters are the caller's.
   */
  newest({ statuses, since, until }: Listed, before: string | null): Iterable<Head> {
    const from = firstIdAt(since ?? 0);
    const end = firstIdAt(until ?? Number.MAX_SAFE_INTEGER);
    const to = before !== null && before < end ? before : end;
    if (statuses === null || statuses.includes("succeeded")) {
      return this.#sql.each<Head>(`SELECT ${HEAD} FROM deliveries WHERE id >= ? AND id < ? ORDER BY id DESC`, from, to);
    }
    return newestOf(
      [...new Set(statuses)].map((status) =>
        this.#sql.each<Head>(
          `SELECT ${HEAD} FROM deliveries INDEXED BY deliveries_unsuccessful
           WHERE status = ? AND status <> 'succeeded' AND id >= ? AND id < ? ORDER BY id DESC`,
          status,
          from,
          to,
        ),
      ),
    );
  }

  /** Removes what is finished or held of what was accepted before `before` (ms), oldest first; answers how many rows. */
  trim(before: number, limit: number): number {
    return this.#sql.all(
      `DELETE FROM deliveries WHERE id IN (
         SELECT id FROM deliveries WHERE id < ? AND status NOT IN ('pending', 'retrying') AND lease IS NULL
         ORDER BY id LIMIT ?)
       RETURNING 1`,
      firstIdAt(before),
      limit,
    ).length;
  }

  /** The newest rows of a span of time, as far as totals ask. */
  brief(since: number, until: number, limit: number): Brief[] {
    return this.#sql.all<Brief>(
      `SELECT ${BRIEF} FROM deliveries WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT ?`,
      firstIdAt(since),
      firstIdAt(until),
      limit,
    );
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
