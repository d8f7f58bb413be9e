import type { DeliveryStatus, RecoverableStatus } from "../../contracts/delivery";
import type { Sql } from "../../lib/sql";
import { firstIdAt, HEAD, type Head, type Row } from "../row";

/** SQL: an attempt holds the row; `?1` is the time in ms. */
const IN_FLIGHT = "lease IS NOT NULL AND lease <> 'queued' AND due > ?1";

/** SQL: the row is finished for good, and nobody holds it. */
const FINISHED = "status IN ('succeeded', 'failed', 'canceled') AND lease IS NULL";

/** A person's wish to recover that is not carried out whole yet: oldest first, as far as `after`. */
export interface Recovery extends Span {
  /** Ids up to this one are done with, so that what fails again is not recovered again. */
  after: string;
  /** ms; what fails later was not meant. */
  askedAt: number;
}

/** Recoverable deliveries accepted in a span of time (ms, `until` exclusive). */
export interface Span {
  since: number;
  until: number;
  statuses: readonly RecoverableStatus[];
}

/**
 * What is done to many deliveries at a time: its SQL and nothing else. Each call reads and writes a bounded number of
 * rows, since a long outage leaves a hundred thousand.
 */
export class Backlog {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /**
   * How many deliveries there are of a span, up to `most`, without those that a recovery of `asked` has yet to make due:
   * these are on their way already.
   */
  count({ statuses, since, until }: Span, asked: readonly Recovery[], most: number): number {
    let count = 0;
    for (const status of statuses) {
      const others = asked.filter((recovery) => recovery.statuses.includes(status));
      const covered = "AND NOT (id >= ? AND id > ? AND id < ? AND (finished IS NULL OR finished <= ?))";
      const counted = this.#sql.first<{ n: number }>(
        `SELECT count(*) AS n FROM (
           SELECT 1 FROM deliveries INDEXED BY deliveries_unsuccessful
           WHERE status = ? AND status <> 'succeeded' AND id >= ? AND id < ? ${others.map(() => covered).join(" ")} LIMIT ?)`,
        status,
        firstIdAt(since),
        firstIdAt(until),
        ...others.flatMap((other) => [firstIdAt(other.since), other.after, firstIdAt(other.until), other.askedAt]),
        most - count,
      );
      count += counted?.n ?? 0;
    }
    return count;
  }

  /** How many unfinished rows of a span began until `at` (ms), up to `most`, without tests. */
  countUnfinished({ since, until }: Span, at: number, most: number): number {
    const counted = this.#sql.first<{ n: number }>(
      `SELECT count(*) AS n FROM (
         SELECT 1 FROM deliveries INDEXED BY deliveries_unsuccessful
         WHERE status IN ('pending', 'retrying') AND status <> 'succeeded' AND id >= ? AND id < ? AND test = 0 AND began <= ?
         LIMIT ?)`,
      firstIdAt(since),
      firstIdAt(until),
      at,
      most,
    );
    return counted?.n ?? 0;
  }

  /**
   * Makes the next `limit` deliveries of a recovery, oldest first, due at `now` as a person's attempts with their
   * schedules restarted. Answers what is left of it; `null`: nothing.
   */
  makeDue(recovery: Recovery, limit: number, now: number): Recovery | null {
    const { statuses, since, until, after, askedAt } = recovery;
    const meant = "status <> 'succeeded' AND (finished IS NULL OR finished <= ?)";
    const streams = statuses.map((status) =>
      this.#sql.each<{ id: string }>(
        `SELECT id FROM deliveries INDEXED BY deliveries_unsuccessful
         WHERE status = ? AND id >= ? AND id > ? AND id < ? AND ${meant} ORDER BY id LIMIT ?`,
        status,
        firstIdAt(since),
        after,
        firstIdAt(until),
        askedAt,
        limit,
      ),
    );
    // Read to their ends before anything is written.
    const ids = streams.flatMap((stream) => [...stream].map(({ id }) => id)).sort();
    const last = ids.slice(0, limit).at(-1);
    if (last === undefined) return null;
    for (const status of statuses) {
      this.#sql.all(
        `UPDATE deliveries INDEXED BY deliveries_unsuccessful
         SET status = iif(attempts = 0, 'pending', 'retrying'), due = iif(${IN_FLIGHT}, due, ?1),
           lease = iif(${IN_FLIGHT}, lease, NULL), began = ?1, manual = 1, step = 0, finished = NULL, reason = NULL, patience = 0,
           format = NULL
         WHERE status = ?2 AND id >= ?3 AND id > ?4 AND id <= ?5 AND status <> 'succeeded'
           AND (finished IS NULL OR finished <= ?6)`,
        now,
        status,
        firstIdAt(since),
        after,
        last,
        askedAt,
      );
    }
    return ids.length < limit ? null : { ...recovery, after: last };
  }

  /**
   * Holds the next `limit` rows of a status that began until `until` (ms), by id; tests fail, since whoever asked for one
   * has looked by now. What is in flight keeps its lease: its outcome still counts, and nobody sends beside it. Answers the
   * last id that was looked at; `null`: there are no more.
   */
  hold(status: DeliveryStatus, after: string, until: number, limit: number): string | null {
    const last = this.#lastOf(status, after, limit);
    this.#sql.all(
      `UPDATE deliveries INDEXED BY deliveries_unsuccessful
       SET status = 'held', due = iif(lease <> 'queued', due, NULL), lease = nullif(lease, 'queued'), reason = NULL
       WHERE status = ? AND status <> 'succeeded' AND id > ? AND id <= ? AND test = 0 AND began <= ?`,
      status,
      after,
      last.id,
      until,
    );
    this.#sql.all(
      `UPDATE deliveries INDEXED BY deliveries_unsuccessful
       SET status = 'failed', finished = ?1, due = NULL, lease = NULL, reason = NULL, manual = 0
       WHERE status = ?2 AND status <> 'succeeded' AND id > ?3 AND id <= ?4 AND test = 1 AND began <= ?1
         AND NOT (${IN_FLIGHT})`,
      until,
      status,
      after,
      last.id,
    );
    return last.more ? last.id : null;
  }

  /** Ends the next `limit` rows of a status as canceled at `now` (ms); answers as {@link hold} does. */
  cancel(status: DeliveryStatus, after: string, now: number, limit: number): string | null {
    const last = this.#lastOf(status, after, limit);
    this.#sql.all(
      `UPDATE deliveries INDEXED BY deliveries_unsuccessful
       SET status = 'canceled', finished = ?, due = NULL, lease = NULL, reason = NULL
       WHERE status = ? AND status <> 'succeeded' AND id > ? AND id <= ?`,
      now,
      status,
      after,
      last.id,
    );
    return last.more ? last.id : null;
  }

  /** The last of the next `limit` rows of a status after an id. */
  #lastOf(status: DeliveryStatus, after: string, limit: number): { id: string; more: boolean } {
    const ids = this.#sql.all<{ id: string }>(
      `SELECT id FROM deliveries INDEXED BY deliveries_unsuccessful
       WHERE status = ? AND status <> 'succeeded' AND id > ? ORDER BY id LIMIT ?`,
      status,
      after,
      limit,
    );
    return { id: ids.at(-1)?.id ?? after, more: ids.length === limit };
  }

  /**
   * Of the next `limit` unfinished rows after an id, accepted until `until` (ms), oldest first, those that are due at
   * `now` (ms). `last`: the id to go on after; `null`: there are no more.
   */
  overdue(after: string, until: number, limit: number, now: number): { rows: Head[]; last: string | null } {
    const rows = (["pending", "retrying"] satisfies DeliveryStatus[])
      .flatMap((status) =>
        this.#sql.all<Head>(
          `SELECT ${HEAD} FROM deliveries INDEXED BY deliveries_unsuccessful
           WHERE status = ? AND status <> 'succeeded' AND id > ? AND id < ? ORDER BY id LIMIT ?`,
          status,
          after,
          firstIdAt(until + 1),
          limit,
        ),
      )
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit);
    const last = rows.length === limit ? (rows.at(-1)?.id ?? null) : null;
    return { rows: rows.filter(({ due }) => due !== null && due <= now), last };
  }

  /**
   * The next finished rows after an id that were accepted before `before` (ms), oldest first: so many rows and, unless a
   * single one has more, characters of their logs.
   */
  finished(after: string, before: number, rows: number, characters: number): Row[] {
    const found: Row[] = [];
    let left = characters;
    const next = this.#sql.each<Row>(
      `SELECT * FROM deliveries WHERE id > ? AND id < ? AND ${FINISHED} ORDER BY id LIMIT ?`,
      after,
      firstIdAt(before),
      rows,
    );
    for (const row of next) {
      found.push(row);
      left -= row.log.length;
      if (left <= 0) break;
    }
    return found;
  }

  remove(id: string): void {
    this.#sql.all("DELETE FROM deliveries WHERE id = ?", id);
  }

  /** Removes the next finished rows after an id that were accepted before `before` (ms), and answers their ids. */
  dropFinished(after: string, before: number, limit: number): string[] {
    return this.#sql
      .all<{ id: string }>(
        `DELETE FROM deliveries WHERE id IN (
           SELECT id FROM deliveries WHERE id > ? AND id < ? AND ${FINISHED} ORDER BY id LIMIT ?)
         RETURNING id`,
        after,
        firstIdAt(before),
        limit,
      )
      .map(({ id }) => id);
  }
}
