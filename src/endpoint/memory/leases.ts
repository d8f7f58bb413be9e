interface Lease {
  attemptId: string;
  /** ms. */
  until: number;
}

/**
 * The leases of first attempts, in memory only: after an eviction they are forgotten, and what they covered is found
 * again by its message's return or by reconciliation. Those that ended are kept until their outcome comes: an earlier
 * attempt's late outcome is told from the latest's by them.
 */
export class Leases {
  readonly #leases = new Map<string, Lease>();
  /** ms; until then an attempt is under way that hangs, as far as the consumer has told. */
  #lagUntil = 0;

  get(delivery: string): Lease | undefined {
    return this.#leases.get(delivery);
  }

  /** Whether an attempt holds the delivery at `now` (ms). */
  holds(delivery: string, now: number): boolean {
    return (this.#leases.get(delivery)?.until ?? 0) > now;
  }

  grant(delivery: string, attemptId: string, until: number): void {
    this.#leases.set(delivery, { attemptId, until });
  }

  forget(delivery: string): void {
    this.#leases.delete(delivery);
  }

  /** An attempt hangs, and times out at `until` (ms) at the latest. 0: an attempt has ended well. */
  lag(until: number): void {
    this.#lagUntil = until;
  }

  lags(now: number): boolean {
    return now < this.#lagUntil;
  }

  clear(): void {
    this.#leases.clear();
  }

  /** How many hold a delivery at `now` (ms). */
  inFlight(now: number): number {
    let count = 0;
    for (const { until } of this.#leases.values()) if (until > now) count++;
    return count;
  }
}
