import type { DeliveryStatus } from "../../contracts/delivery";
import {
  acceptedIn,
  type Counted,
  countIn,
  type Figures,
  type HourFigures,
  hourOf,
  OTHERS,
  type Standing,
} from "../../contracts/figures";
import { deliveryTime } from "../../lib/ids";
import type { Sql } from "../../lib/sql";
import { DAY, HOUR } from "../../lib/time";
import { firstIdAt, type Head, isOf } from "./row";

/** From so many deliveries on an hour that is over is written down: below, to count its rows again costs less than a row. */
const WRITTEN_FROM = 200;
/** How long an hour's rows change often after it, in ms: before, it is not written down. */
const SETTLED = HOUR / 4;
/** The hours that are kept counted in memory. */
const REMEMBERED = 2 * DAY;

type CountedRow = Counted & Pick<Head, "id" | "test" | "began">;
const COUNTED = "id, event, status, attempts, code, error, duration, test, began";

/**
 * Figures of an endpoint, by the hour of acceptance. They are counted from the rows, in memory, and kept by what is told of
 * each change; an hour that is over and had much is written down, until one of its rows changes. So they are never anything
 * but what the rows say; only where rows are dropped before their time (capacity.ts) what is written down is all there is.
 */
export class FigureTable {
  readonly #sql: Sql;
  /** Hours that are counted, by their first ms, as far as they are remembered. */
  readonly #hours = new Map<number, HourFigures>();
  #standing: Standing | null = null;
  /** How many rows have changed since the object woke, and their hours since that was last asked. */
  changes = 0;
  #changed = new Set<number>();
  /** No hour after this one is written down, in ms; `null`: not looked up yet. */
  #lastWritten: number | null = null;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** A delivery's row was written; `null`: there was none before. */
  changed(id: string, before: Counted | null, after: Counted): void {
    const at = deliveryTime(id);
    const hour = hourOf(at);
    this.changes++;
    this.#changed.add(hour);
    this.#stand(at, before, after);
    const counted = this.#hours.get(hour);
    if (counted !== undefined) {
      // Beyond the most names it is the order of the rows that tells which are told apart.
      if (OTHERS in counted.events || OTHERS in counted.codes) this.#hours.delete(hour);
      else {
        if (before !== null) countIn(counted, before, -1);
        countIn(counted, after, 1);
      }
    }
    this.#erase(hour, before, after);
  }

  /** Rows have changed together: their hours are counted again when somebody asks. */
  changedTogether(ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.#standing = null;
    this.changes += ids.length;
    for (const hour of hoursOf(ids)) {
      this.#changed.add(hour);
      this.#hours.delete(hour);
      this.#sql.all("DELETE FROM figures WHERE hour = ? AND final = 0", hour);
    }
  }

  /** Rows of finished deliveries are about to be dropped: what is counted of their hours stays. */
  keep(ids: readonly string[]): void {
    for (const hour of hoursOf(ids)) {
      const text = JSON.stringify(this.of(hour, hour + HOUR)[hour] ?? { events: {}, codes: {} });
      this.#sql.all("INSERT OR REPLACE INTO figures (hour, final, figures) VALUES (?, 1, ?)", hour, text);
      this.#hours.delete(hour);
    }
    this.#lastWritten = null;
  }

  /** Retention is over for the hours before `before` (ms). */
  forget(before: number): void {
    for (const hour of this.#hours.keys()) if (hour < before) this.#hours.delete(hour);
    this.#sql.all("DELETE FROM figures WHERE hour < ?", hourOf(before));
  }

  /**
   * The hours that a span touches (ms, `until` exclusive) and in which anything was accepted. `statusOf`: what rows that
   * are being changed step by step are taken for; then all rows are counted, and nothing is remembered of it.
   */
  of(since: number, until: number, statusOf?: (row: CountedRow) => DeliveryStatus): Figures {
    const [first, end] = [hourOf(since), Math.min(until, this.#end())];
    if (statusOf !== undefined) return Object.fromEntries(this.#counted(first, end, statusOf));
    const written = new Map(
      this.#sql
        .all<{ hour: number; figures: string }>(
          "SELECT hour, figures FROM figures WHERE hour >= ? AND hour < ?",
          first,
          end,
        )
        .map(({ hour, figures }) => [hour, figures]),
    );
    const found: Figures = {};
    let uncounted = first;
    for (let hour = first; hour < end; hour += HOUR) {
      const text = written.get(hour);
      const known = this.#hours.get(hour) ?? (text === undefined ? undefined : (JSON.parse(text) as HourFigures));
      if (known === undefined) continue;
      this.#count(uncounted, hour, found);
      uncounted = hour + HOUR;
      if (acceptedIn(known) > 0) found[hour] = known;
    }
    this.#count(uncounted, end, found);
    return found;
  }

  /** The hours of rows that have changed since this was asked last. */
  takeChanged(): number[] {
    if (this.#changed.size === 0) return [];
    const hours = [...this.#changed];
    this.#changed = new Set();
    return hours;
  }

  /** The first hour that has anything, in ms; `null`: there is none. */
  first(): number | null {
    const oldest = this.#sql.first<{ id: string }>("SELECT id FROM deliveries ORDER BY id LIMIT 1");
    const written = this.#sql.first<{ hour: number }>("SELECT hour FROM figures ORDER BY hour LIMIT 1");
    const hours = [oldest && hourOf(deliveryTime(oldest.id)), written?.hour ?? null].filter((hour) => hour !== null);
    return hours.length === 0 ? null : Math.min(...hours);
  }

  /** What stands open, however old. */
  get standing(): Readonly<Standing> {
    this.#standing ??= this.#countStanding();
    return this.#standing;
  }

  /** Writes down the hours that are over and had much, of those that are counted: one row each. */
  write(now: number): void {
    for (const [hour, figures] of this.#hours) {
      if (hour + HOUR + SETTLED > now || acceptedIn(figures) < WRITTEN_FROM) continue;
      const text = JSON.stringify(figures);
      const isNew = this.#sql.first("SELECT 1 FROM figures WHERE hour = ?", hour) === null;
      if (isNew) this.#sql.all("INSERT INTO figures (hour, final, figures) VALUES (?, 0, ?)", hour, text);
    }
    this.#lastWritten = null;
  }

  /** A row of an hour has changed that may be written down. */
  #erase(hour: number, before: Counted | null, after: Counted): void {
    this.#lastWritten ??=
      this.#sql.first<{ hour: number }>("SELECT hour FROM figures ORDER BY hour DESC LIMIT 1")?.hour ?? 0;
    if (hour > this.#lastWritten) return;
    const of = "FROM figures WHERE hour = ?";
    const written = this.#sql.first<{ final: number; figures: string }>(`SELECT final, figures ${of}`, hour);
    if (written?.final === 0) this.#sql.all(`DELETE ${of}`, hour);
    if (written?.final !== 1) return;
    const figures = JSON.parse(written.figures) as HourFigures;
    if (before !== null) countIn(figures, before, -1);
    countIn(figures, after, 1);
    this.#sql.all("UPDATE figures SET figures = ? WHERE hour = ?", JSON.stringify(figures), hour);
  }

  #stand(at: number, before: Counted | null, after: Counted): void {
    const standing = this.#standing;
    if (standing === null) return;
    const waits = isWaiting(after);
    const wasWaiting = before !== null && isWaiting(before);
    const oldest = standing.oldestWaitingAt;
    standing.held += Number(after.status === "held") - Number(before?.status === "held");
    standing.waiting += Number(waits) - Number(wasWaiting);
    if (waits) standing.oldestWaitingAt = Math.min(oldest ?? at, at);
    // Which is the oldest now, the index tells when somebody asks.
    else if (standing.waiting === 0) standing.oldestWaitingAt = null;
    else if (wasWaiting && at === oldest) this.#standing = null;
  }

  #countStanding(): Standing {
    const waiting = this.#sql.first<{ n: number; oldest: string | null }>(
      "SELECT count(*) AS n, min(id) AS oldest FROM deliveries INDEXED BY deliveries_due WHERE due IS NOT NULL",
    );
    const held = this.#sql.first<{ n: number }>(
      `SELECT count(*) AS n FROM deliveries INDEXED BY deliveries_unsuccessful WHERE ${isOf("held")}`,
    );
    const oldest = waiting?.oldest ?? null;
    return {
      waiting: waiting?.n ?? 0,
      oldestWaitingAt: oldest === null ? null : deliveryTime(oldest),
      held: held?.n ?? 0,
    };
  }

  /** After the last hour that has a row or is written down, in ms. */
  #end(): number {
    const newest = this.#sql.first<{ id: string }>("SELECT id FROM deliveries ORDER BY id DESC LIMIT 1");
    const written = this.#sql.first<{ hour: number }>("SELECT hour FROM figures ORDER BY hour DESC LIMIT 1");
    const hour = Math.max(newest === null ? 0 : hourOf(deliveryTime(newest.id)), written?.hour ?? 0);
    return hour + HOUR;
  }

  /** Counts the hours of a span into `found`, and remembers the younger ones. */
  #count(since: number, until: number, found: Figures): void {
    if (since >= until) return;
    const counted = this.#counted(since, until);
    for (const [hour, figures] of counted) found[hour] = figures;
    const from = until - REMEMBERED;
    for (let hour = Math.max(since, hourOf(from)); hour < until; hour += HOUR) {
      this.#hours.set(hour, counted.get(hour) ?? { events: {}, codes: {} });
    }
    for (const hour of this.#hours.keys()) if (hour < from) this.#hours.delete(hour);
  }

  #counted(since: number, until: number, statusOf = ({ status }: CountedRow) => status): Map<number, HourFigures> {
    const rows = this.#sql.each<CountedRow>(
      `SELECT ${COUNTED} FROM deliveries WHERE id >= ? AND id < ? ORDER BY id`,
      firstIdAt(since),
      firstIdAt(until),
    );
    const counted = new Map<number, HourFigures>();
    for (const row of rows) {
      const hour = hourOf(deliveryTime(row.id));
      const figures = counted.get(hour) ?? { events: {}, codes: {} };
      counted.set(hour, figures);
      countIn(figures, { ...row, status: statusOf(row) }, 1);
    }
    return counted;
  }
}

function isWaiting({ status }: Counted): boolean {
  return status === "pending" || status === "retrying";
}

function hoursOf(ids: readonly string[]): Set<number> {
  return new Set(ids.map((id) => hourOf(deliveryTime(id))));
}
