import { deliveryTime } from "../../lib/ids";
import { DAY, HOUR, MINUTE, SECOND } from "../../lib/time";
import type { Head } from "../row";
import type { Values } from "../values";
import type { Backlog } from "./backlog";

/** What a delivery has beyond its whole schedule before it expires, in ms. */
const GRACE = DAY;
/** The most rows that one step looks at. */
export const EXPIRE_LOOK = 500;
/** How often what waits is looked through, in ms. */
const EVERY = MINUTE;
/** An alarm that is later than this, in ms, was kept from firing by us: nobody expires for that. */
const LATE = HOUR;

/** How long a delivery may wait for a schedule of these delays (seconds) before it is given up, in ms. Pure. */
export function lifetime(schedule: readonly number[]): number {
  return schedule.reduce((sum, delay) => sum + delay, 0) * SECOND + GRACE;
}

/**
 * Finds the deliveries that breaker, rate or slots have held back for too long: a part of those that wait at each
 * alarm, oldest first. Where it stands is kept in memory: after an eviction it begins anew.
 */
export class Expiry {
  readonly #values: Values;
  readonly #backlog: Backlog;
  /** ms; the end of the last time in which no alarm fired though one was due. */
  #awakeSince: number;
  #nextAt = 0;
  /** How far it has looked, while it looks. */
  #after: string | null = null;

  constructor(values: Values, backlog: Backlog) {
    this.#values = values;
    this.#backlog = backlog;
    this.#awakeSince = values.load<{ since: number }>("awake")?.since ?? 0;
  }

  /** There is more to look at. */
  get goesOn(): boolean {
    return this.#after !== null;
  }

  /** An alarm that was due at `scheduled` fires at `now`. */
  woke(scheduled: number, now: number): void {
    if (now - scheduled <= LATE) return;
    this.#values.save("awake", { since: now });
    this.#awakeSince = now;
  }

  /** Whether a row is too old to go on waiting at `now`. */
  hasExpired(row: Pick<Head, "id" | "began">, schedule: readonly number[], now: number): boolean {
    return now >= Math.max(row.began, deliveryTime(row.id), this.#awakeSince) + lifetime(schedule);
  }

  /** The next part of what has expired: due, in nobody's hands, and too old. */
  next(schedule: readonly number[], now: number): Head[] {
    if (this.#after === null && now < this.#nextAt) return [];
    const { rows, last } = this.#backlog.overdue(this.#after ?? "", now - lifetime(schedule), EXPIRE_LOOK, now);
    this.#after = last;
    if (last === null) this.#nextAt = now + EVERY;
    return rows.filter((row) => this.hasExpired(row, schedule, now));
  }
}
