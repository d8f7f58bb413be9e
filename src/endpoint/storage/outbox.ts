import { listens } from "../../config/snapshot";
import type { OperatorEvent } from "../../contracts/entry-points";
import { newId } from "../../lib/ids";
import { OPERATOR_TENANT } from "../../lib/operator";
import type { Sql } from "../../lib/sql";
import { SECOND } from "../../lib/time";

/** The most events answered at once. */
const AT_ONCE = 100;
/** How soon the operator's log is tried again after it could not be reached, in ms. */
const TELL_AGAIN = 30 * SECOND;

/**
 * Operator events on their way to the operator's log: its SQL and nothing else. A row is written with the state change
 * that it tells of and removed once the log has the event. Its id is the event's idempotency key, so that whoever dies
 * between the two sends a duplicate and not a second event.
 */
export class Outbox {
  readonly #sql: Sql;
  /** Whether there are rows: asked whenever the alarm is armed, and almost always there are none. */
  #filled = false;
  /** In memory only: a new object may try at once. In ms. */
  #notBefore = 0;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#look();
  }

  /** Writes it down, unless this isolate knows that nobody listens to it. */
  add(event: string, data: object, now: number): void {
    if (listens(OPERATOR_TENANT, event, now) === false) return;
    const text = JSON.stringify(data);
    this.#sql.all("INSERT INTO outbox (id, event, at, data) VALUES (?, ?, ?, ?)", newId("out", now), event, now, text);
    this.#filled = true;
  }

  /** What is to be told at `now` (ms), oldest first, so many at a time. */
  due(now: number): OperatorEvent[] {
    if (!this.#filled || now < this.#notBefore) return [];
    return this.#sql.all<OperatorEvent>(
      "SELECT id, event AS type, at AS timestamp, data FROM outbox ORDER BY id LIMIT ?",
      AT_ONCE,
    );
  }

  /** When something is to be told, in ms; `null`: there is nothing. */
  nextDue(): number | null {
    return this.#filled ? this.#notBefore : null;
  }

  /** The operator's log has it. */
  remove(id: string): void {
    this.#sql.all("DELETE FROM outbox WHERE id = ?", id);
    this.#look();
  }

  /** The operator's log could not be reached. */
  postpone(now: number): void {
    this.#notBefore = now + TELL_AGAIN;
  }

  #look(): void {
    this.#filled = this.#sql.first("SELECT 1 FROM outbox LIMIT 1") !== null;
  }
}
