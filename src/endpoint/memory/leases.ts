import { HOUR, MINUTE } from "../../lib/time";

/** Who has a delivery for now. */
export interface Lease {
  /** The attempt that has it; `null`: it is released, and its message is under way. */
  attemptId: string | null;
  /** ms; from then on another may be given it. */
  until: number;
  /** ms; how long it was left to its message. */
  patience: number;
  /** A row owns the delivery. Else its message or the event log does. */
  row: boolean;
  /** It is stored; those of first attempts in good health are not. */
  kept: boolean;
}

/** A lease as it is stored. */
export type StoredLease = [delivery: string, attemptId: string | null, until: number, patience: number, row: boolean];

/** How long after its end a lease is stored on, in ms: an attempt's for an outcome that is late, a released one's patience. */
const ATTEMPT_LATE = MINUTE;
const RELEASED_LATE = HOUR;

/**
 * Who has which delivery: attempts, and messages of what was released. Those that must outlive the object's memory are
 * stored with its state, in one row for all; the others are forgotten with it, and what they covered is found again by its
 * message's return or by reconciliation. Those that ended are kept until their outcome comes: an earlier attempt's late
 * outcome is told from the latest's by them. Times in ms.
 */
export class Leases {
  #leases = new Map<string, Lease>();
  /** Those that are stored have changed since they were. */
  #changed = false;
  #isLoaded = false;
  /** Until then an attempt is under way that hangs, as far as the consumer has told. */
  #lagUntil = 0;

  /** Takes what is stored, unless it has already. */
  load(stored: readonly StoredLease[]): void {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    for (const [delivery, attemptId, until, patience, row] of stored) {
      this.#leases.set(delivery, { attemptId, until, patience, row, kept: true });
    }
  }

  /** Those that are stored have changed. */
  get changed(): boolean {
    return this.#changed;
  }

  /** What is to be stored at `now`: it counts as stored from here on. */
  stored(now: number): StoredLease[] {
    this.#changed = false;
    const stored: StoredLease[] = [];
    for (const [delivery, { attemptId, until, patience, row, kept }] of this.#leases) {
      if (!kept) continue;
      if (until + (attemptId === null ? RELEASED_LATE : ATTEMPT_LATE) <= now) this.#leases.delete(delivery);
      else stored.push([delivery, attemptId, until, patience, row]);
    }
    return stored;
  }

  /** Answers what sets all leases back to how they are, after a change that was rolled back. */
  checkpoint(): () => void {
    const leases = new Map(this.#leases);
    return () => {
      this.#leases = leases;
      this.#changed = false;
    };
  }

  get(delivery: string): Lease | undefined {
    return this.#leases.get(delivery);
  }

  /** Whether an attempt has the delivery at `now`. */
  holds(delivery: string, now: number): boolean {
    const lease = this.#leases.get(delivery);
    return lease !== undefined && lease.attemptId !== null && lease.until > now;
  }

  /** Whether an attempt or a message has the delivery at `now`. */
  isOut(delivery: string, now: number): boolean {
    return (this.#leases.get(delivery)?.until ?? 0) > now;
  }

  /** An attempt is given the delivery. */
  grant(delivery: string, attemptId: string, until: number, { row, kept }: Pick<Lease, "row" | "kept">): void {
    this.#set(delivery, { attemptId, until, patience: 0, row, kept });
  }

  /** A delivery that a row owns is put onto the queue. */
  release(delivery: string, until: number, patience: number): void {
    this.#set(delivery, { attemptId: null, until, patience, row: true, kept: true });
  }

  /** A row was made for a delivery, and owns it from now on. */
  own(delivery: string): void {
    const lease = this.#leases.get(delivery);
    if (lease !== undefined) this.#set(delivery, { ...lease, row: true, kept: true });
  }

  forget(delivery: string): void {
    const lease = this.#leases.get(delivery);
    if (lease === undefined) return;
    this.#changed ||= lease.kept;
    this.#leases.delete(delivery);
  }

  /** What is released is to be sent no more. */
  recall(): void {
    for (const [delivery, { attemptId }] of this.#leases) if (attemptId === null) this.forget(delivery);
  }

  clear(): void {
    for (const delivery of [...this.#leases.keys()]) this.forget(delivery);
  }

  /** The deliveries that attempts have at `now`, with these attempts and until when. */
  held(now: number): { delivery: string; attemptId: string; until: number }[] {
    const held: { delivery: string; attemptId: string; until: number }[] = [];
    for (const [delivery, { attemptId, until }] of this.#leases) {
      if (attemptId !== null && until > now) held.push({ delivery, attemptId, until });
    }
    return held;
  }

  /** How many deliveries attempts have at `now`. */
  inFlight(now: number): number {
    let count = 0;
    for (const { attemptId, until } of this.#leases.values()) if (attemptId !== null && until > now) count++;
    return count;
  }

  /** How many deliveries are under way to the queue, or wait in it, at `now`. */
  released(now: number): number {
    let count = 0;
    for (const { attemptId, until } of this.#leases.values()) if (attemptId === null && until > now) count++;
    return count;
  }

  /** How many deliveries with rows are out at `now`, and when the first of these leases ends. */
  rowsOut(now: number): { count: number; firstEnd: number | null } {
    let count = 0;
    let firstEnd: number | null = null;
    for (const { row, until } of this.#leases.values()) {
      if (!row || until <= now) continue;
      count++;
      firstEnd = Math.min(firstEnd ?? until, until);
    }
    return { count, firstEnd };
  }

  /** An attempt hangs, and times out at `until` at the latest. 0: an attempt has ended well. */
  lag(until: number): void {
    this.#lagUntil = until;
  }

  lags(now: number): boolean {
    return now < this.#lagUntil;
  }

  #set(delivery: string, lease: Lease): void {
    this.#changed ||= lease.kept || this.#leases.get(delivery)?.kept === true;
    this.#leases.set(delivery, lease);
  }
}
