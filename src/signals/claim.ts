import type { Claimed } from "../lib/entity";
import type { Sql } from "../lib/sql";
import { DAY } from "../lib/time";

/** How long an idempotency key is known, in ms. */
export const KEY_LIFE = DAY;

/** The most characters of an answer in one row: no value may have more than 2 MB. */
const PART = 1_000_000;

/**
 * The tables of an Entity object that keeps an idempotency key.
 *
 * claim          one row
 *   at           ms; when the key was claimed
 *   fingerprint  the hash of what was said under it
 * answer         what that was answered; no rows: it is under way, or was cut short
 *   part         counts the parts of the text
 *   text         ASCII, so that it can be parted anywhere
 */
const STEPS = [
  `CREATE TABLE claim (at INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL);
   CREATE TABLE answer (part INTEGER PRIMARY KEY, text TEXT NOT NULL);`,
];

/** What an idempotency key was used for. Every method is synchronous, so that each is one transaction of the object. */
export class Claim {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
    sql.migrate(STEPS);
  }

  /** When the key need not be known any more, in ms. */
  get until(): number {
    return (this.#held?.at ?? Number.NEGATIVE_INFINITY) + KEY_LIFE;
  }

  /** Claims the key, unless it is known; then says what for. `now` in ms. */
  claim(fingerprint: string, now: number): Claimed {
    const held = this.#held;
    if (held === null || this.until <= now) {
      this.#sql.all("DELETE FROM claim");
      this.#sql.all("DELETE FROM answer");
      this.#sql.all("INSERT INTO claim (at, fingerprint) VALUES (?, ?)", now, fingerprint);
      return { kind: "new", at: now };
    }
    if (held.fingerprint !== fingerprint) return { kind: "conflict" };
    const parts = this.#sql.all<{ text: string }>("SELECT text FROM answer ORDER BY part");
    if (parts.length === 0) return { kind: "open", at: held.at };
    return { kind: "answered", answer: parts.map(({ text }) => text).join("") };
  }

  /** Whether the key is claimed since `at` and has no answer yet. */
  isOpen(at: number): boolean {
    return this.#held?.at === at && this.#sql.first("SELECT 1 FROM answer") === null;
  }

  /** Keeps the answer, a JSON text, to what is open since `at`; the first one holds. */
  answer(at: number, json: string): void {
    if (!this.isOpen(at)) return;
    const text = json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
    for (let part = 0; part * PART < text.length; part++) {
      const piece = text.slice(part * PART, (part + 1) * PART);
      this.#sql.all("INSERT INTO answer (part, text) VALUES (?, ?)", part, piece);
    }
  }

  get #held(): { at: number; fingerprint: string } | null {
    return this.#sql.first("SELECT at, fingerprint FROM claim");
  }
}
