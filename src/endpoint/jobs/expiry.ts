import { deliveryTime } from "../../lib/ids";
import { DAY, HOUR, SECOND } from "../../lib/time";
import type { Head } from "../storage/row";
import type { Values } from "../storage/values";

/** What a delivery has beyond its whole schedule before it expires, in ms. */
const GRACE = DAY;
/** An alarm that is later than this, in ms, was kept from firing by us: nobody expires for that. */
const LATE = HOUR;

/** How long a delivery may wait for a schedule of these delays (seconds) before it is given up, in ms. Pure. */
export function lifetime(schedule: readonly number[]): number {
  return schedule.reduce((sum, delay) => sum + delay, 0) * SECOND + GRACE;
}

/** Which deliveries breaker, rate or slots have held back for too long. Times in ms. */
export class Expiry {
  readonly #values: Values;
  /** The end of the last time in which no alarm fired though one was due. */
  #awakeSince: number;

  constructor(values: Values) {
    this.#values = values;
    this.#awakeSince = values.load<{ since: number }>("awake")?.since ?? 0;
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
}
