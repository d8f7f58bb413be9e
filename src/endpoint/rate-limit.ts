import { SECOND } from "../lib/time";
import { type Bucket, bucketAfterLoss, filled, NOTED_AHEAD, taken, tokensAt, tokensOf } from "./policy/rate";
import type { Deliveries } from "./storage/deliveries";
import type { Values } from "./storage/values";

/** Under a rate limit, releases a second, so that not every token has a message of its own. */
const RELEASES_A_SECOND = 4;

/**
 * An endpoint's rate limit as its object keeps it: the bucket in memory, and one note of when something was last sent.
 * `rate` is per second, `null` for no limit; times in ms.
 */
export class RateLimit {
  readonly #values: Values;
  readonly #deliveries: Deliveries;
  /** `null` until it is first asked for. */
  #bucket: Bucket | null = null;
  /** Nothing was sent under a rate limit at or after this time: the one thing that is kept of the bucket. */
  #sentUntil: number;

  constructor(values: Values, deliveries: Deliveries) {
    this.#values = values;
    this.#deliveries = deliveries;
    this.#sentUntil = values.load<{ sentUntil: number }>("rate")?.sentUntil ?? 0;
  }

  /** How many may be sent at once now. */
  tokens(rate: number | null, now: number): number {
    return rate === null ? Number.POSITIVE_INFINITY : tokensOf(this.#bucketAt(rate, now));
  }

  /** Tokens that are for deliveries which have waited: a new one does not overtake them. */
  promised(rate: number | null, now: number): number {
    if (rate === null) return 0;
    const firstDue = this.#deliveries.firstDue();
    return firstDue !== null && firstDue <= now ? Number.POSITIVE_INFINITY : this.#deliveries.released(now);
  }

  /** How many may be released to the queue now. */
  releasable(rate: number | null, now: number): number {
    return rate === null ? Number.POSITIVE_INFINITY : this.tokens(rate, now) - this.#deliveries.released(now);
  }

  /** Takes a token for one send. */
  take(rate: number | null, now: number): void {
    if (rate === null) return;
    this.#bucket = taken(this.#bucketAt(rate, now));
    if (now < this.#sentUntil) return;
    const sentUntil = now + NOTED_AHEAD;
    this.#values.save("rate", { sentUntil });
    this.#sentUntil = sentUntil;
  }

  /** When a delivery over the rate is due: once there is a token for it and for the `promised` before it. */
  freeFor(rate: number | null, promised: number, now: number): number {
    if (rate === null) return now;
    const ahead = Number.isFinite(promised) ? Math.max(promised, 0) : 0;
    return tokensAt(this.#bucketAt(rate, now), rate, ahead + 1) ?? now + SECOND;
  }

  /** When the next deliveries can be released. */
  releasableAt(rate: number | null, now: number): number {
    if (rate === null) return now;
    const wanted = this.#deliveries.released(now) + Math.ceil(rate / RELEASES_A_SECOND);
    return tokensAt(this.#bucketAt(rate, now), rate, wanted) ?? now + SECOND;
  }

  #bucketAt(rate: number, now: number): Bucket {
    this.#bucket =
      this.#bucket === null ? bucketAfterLoss(rate, this.#sentUntil, now) : filled(this.#bucket, rate, now);
    return this.#bucket;
  }
}
