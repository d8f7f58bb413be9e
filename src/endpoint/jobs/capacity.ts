import type { StorageRecord } from "../../contracts/endpoint";
import { deliveryTime } from "../../lib/ids";
import { log } from "../../lib/log";
import type { Sql } from "../../lib/sql";
import { HOUR } from "../../lib/time";
import { attemptsOf } from "../storage/attempt-log";
import type { Deliveries } from "../storage/deliveries";
import { firstIdAt, type Row } from "../storage/row";
import type { Values } from "../storage/values";

/**
 * Bytes from which on an endpoint's oldest log is dropped: of the 10 GB that an object may have
 * (https://developers.cloudflare.com/durable-objects/platform/limits/) the rest is for what is unfinished.
 */
export const MOST_BYTES = 8_000_000_000;
/** The part of them that is made free at a time, so that it does not begin again with the next delivery. */
const FREED = 1 / 64;
/** How often the size is asked for, in outcomes that were written down. */
const LOOK_EVERY = 100;
/** The most rows, and the most characters of their logs, that one step looks at. */
const ROWS = 1_000;
const CHARACTERS = 8_000_000;
/** What is younger than this, in ms, is kept whatever its size: its message or the event log may ask for it again. */
const YOUNG = HOUR;

/** SQL: a row is finished for good. */
const FINISHED = "status IN ('succeeded', 'failed', 'canceled')";

/** How far dropping has come, as ids; "": nothing was dropped. */
interface Dropped {
  responses: string;
  deliveries: string;
}

/**
 * Keeps an endpoint's object from filling up: past the mark it drops what is finished, the oldest first, before its
 * retention would end; first what receivers answered, then the deliveries. They are a log, not a duty: what is unfinished
 * or held is never dropped. A step at a time, by the alarm. Times in ms.
 */
export class Capacity {
  readonly #sql: Sql;
  readonly #values: Values;
  readonly #deliveries: Deliveries;
  readonly #most: number;
  #dropped: Dropped;
  #untilLook = 0;
  #pending = false;

  constructor(sql: Sql, values: Values, deliveries: Deliveries, most: number) {
    this.#sql = sql;
    this.#deliveries = deliveries;
    this.#values = values;
    this.#most = most;
    this.#dropped = values.load<Dropped>("dropped") ?? { responses: "", deliveries: "" };
    this.#look(0);
  }

  /** There is more to drop. */
  get pending(): boolean {
    return this.#pending;
  }

  /** So many outcomes were written down: now and then the size is looked at. */
  grew(outcomes: number): void {
    this.#look(outcomes);
  }

  /** Drops the next part, if there is too much. Answers how many responses and deliveries went. */
  goOn(now: number): { responses: number; deliveries: number } {
    const gone = { responses: 0, deliveries: 0 };
    if (!this.#pending) return gone;
    const until = now - YOUNG;
    const rows = this.#finished(this.#dropped.responses, until);
    const last = rows.at(-1)?.id;
    if (last !== undefined) {
      gone.responses = this.#dropResponses(rows);
      this.#save({ ...this.#dropped, responses: last });
    } else {
      const ids = this.#dropFinished(this.#dropped.deliveries, until);
      gone.deliveries = ids.length;
      const newest = ids.sort().at(-1);
      if (newest !== undefined) this.#save({ ...this.#dropped, deliveries: newest });
      // Nothing is left that may go.
      else this.#pending = false;
    }
    if (this.#sql.bytes <= this.#most * (1 - FREED)) this.#pending = false;
    return gone;
  }

  /** The next finished rows after an id that were accepted before `before`; a single one may have more characters. */
  #finished(after: string, before: number): Row[] {
    const found: Row[] = [];
    let left = CHARACTERS;
    const next = this.#sql.each<Row>(
      `SELECT * FROM deliveries WHERE id > ? AND id < ? AND ${FINISHED} ORDER BY id LIMIT ?`,
      ...[after, firstIdAt(before), ROWS],
    );
    for (const row of next) {
      found.push(row);
      left -= row.log.length;
      if (left <= 0) break;
    }
    return found;
  }

  /** Removes the next finished rows after an id that were accepted before `before`, and answers their ids. */
  #dropFinished(after: string, before: number): string[] {
    const ids = this.#sql
      .all<{ id: string }>(
        `SELECT id FROM deliveries WHERE id > ? AND id < ? AND ${FINISHED} ORDER BY id LIMIT ?`,
        ...[after, firstIdAt(before), ROWS],
      )
      .map(({ id }) => id);
    this.#deliveries.figures.keep(ids);
    this.#sql.all("DELETE FROM deliveries WHERE id IN (SELECT value FROM json_each(?))", JSON.stringify(ids));
    return ids;
  }

  /** Writes rows down without what receivers answered; answers how many had an answer. */
  #dropResponses(rows: readonly Row[]): number {
    const stripped = rows.flatMap((row) => {
      const attempts = attemptsOf(row.log);
      if (attempts.every(({ response }) => response === null)) return [];
      return { ...row, log: JSON.stringify(attempts.map((attempt) => ({ ...attempt, response: null }))) };
    });
    this.#deliveries.rewrite(stripped);
    return stripped.length;
  }

  /** What is told of it. */
  record(): StorageRecord {
    const { responses, deliveries } = this.#dropped;
    const time = (id: string) => (id === "" ? null : deliveryTime(id));
    return {
      bytes: this.#sql.bytes,
      most: this.#most,
      responsesSince: time(responses),
      deliveriesSince: time(deliveries),
    };
  }

  #look(outcomes: number): void {
    this.#untilLook -= outcomes;
    if (this.#untilLook > 0) return;
    this.#untilLook = LOOK_EVERY;
    if (this.#sql.bytes > this.#most) this.#pending = true;
  }

  #save(dropped: Dropped): void {
    this.#values.save("dropped", dropped);
    this.#dropped = dropped;
  }
}

/** The line that the log gets of a part that was dropped. */
export function logDropped(about: object, gone: { responses: number; deliveries: number }): void {
  if (gone.responses + gone.deliveries > 0) log("endpoint.log.dropped", { ...about, ...gone });
}
