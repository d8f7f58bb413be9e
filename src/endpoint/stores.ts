import type { Delivery } from "../contracts/event";
import type { Sql } from "../lib/sql";
import { Capacity } from "./jobs/capacity";
import { Expiry } from "./jobs/expiry";
import { beginning, foreseen } from "./jobs/foreseen";
import { Jobs } from "./jobs/jobs";
import type { Job } from "./jobs/kinds";
import type { Memory } from "./memory/memory";
import { isSlow, LEASE, SLOTS } from "./policy/admission";
import { probeAt } from "./policy/breaker";
import { quietUntil } from "./policy/quiet";
import { RateLimit } from "./rate-limit";
import type { Conditions } from "./read/waits";
import { State } from "./state";
import { Deliveries } from "./storage/deliveries";
import { Outbox } from "./storage/outbox";
import { grantedAt, type Head, isOrphaned, newRow, type Row } from "./storage/row";
import { ENDPOINT_STEPS } from "./storage/tables";
import { Values } from "./storage/values";

/** All that an endpoint remembers, each kind in its room, and what is seen of several of them together. Times in ms. */
export class Stores {
  readonly deliveries: Deliveries;
  readonly #memory: Memory;
  readonly rate: RateLimit;
  readonly jobs: Jobs;
  readonly expiry: Expiry;
  readonly outbox: Outbox;
  readonly capacity: Capacity;
  readonly state: State;

  /** `atOnce`: the most rows that one step of a job rewrites. `mostBytes`: see {@link Capacity}. */
  constructor(sql: Sql, atOnce: number, mostBytes: number, memory: Memory) {
    this.#memory = memory;
    sql.migrate(ENDPOINT_STEPS);
    const values = new Values(sql);
    this.deliveries = new Deliveries(sql);
    this.rate = new RateLimit(values, this.deliveries);
    this.jobs = new Jobs(sql, values, atOnce);
    this.expiry = new Expiry(values);
    this.capacity = new Capacity(sql, values, this.deliveries, mostBytes);
    this.outbox = new Outbox(sql);
    this.state = new State(values, this.outbox);
  }

  get leases(): Memory["leases"] {
    return this.#memory.leases;
  }

  get underWay(): Memory["underWay"] {
    return this.#memory.underWay;
  }

  get arrivals(): Memory["arrivals"] {
    return this.#memory.arrivals;
  }

  /** The last change could not be written. */
  get doubtful(): boolean {
    return this.#memory.doubtful;
  }

  /** What is being held or canceled; rows are seen as if it were through. */
  get clearing(): Job | null {
    return this.jobs.clearing;
  }

  get rateLimit(): number | null {
    return this.state.settings?.rateLimit ?? null;
  }

  /** The endpoint's delays before the retries, in seconds. */
  get schedule(): readonly number[] {
    return this.state.settings?.retry ?? [];
  }

  /** A delivery's row; `null`: it has none. */
  row(id: string): Row | null {
    const row = this.deliveries.get(id);
    return row && foreseen(this.clearing, row);
  }

  /** Likewise, without its attempts. */
  head(id: string): Head | null {
    const head = this.deliveries.head(id);
    return head && foreseen(this.clearing, head);
  }

  /** A row for a delivery that has none. */
  newRow(delivery: Delivery, now: number): Row {
    return newRow(delivery, beginning(this.clearing, now));
  }

  /** A row for a delivery that has none and is held by an attempt until `until` (ms). */
  leasedRow(delivery: Delivery, attemptId: string, until: number, now: number): Row {
    const row = this.newRow(delivery, now);
    // Held as it is: its outcome still counts, and nobody sends beside it.
    const status = this.state.stored.enabled || row.test === 1 ? row.status : "held";
    return { ...row, status, lease: attemptId, due: until };
  }

  /**
   * Whether an attempt is the delivery's latest at `now`, as far as anybody remembers; `row`: the delivery's. One that
   * nobody remembers is taken for it while its lease lasts: after that another may have been given the delivery.
   */
  isLatest(row: Row | null, id: string, attemptId: string, now: number): boolean {
    if (row !== null && row.lease === attemptId) return true;
    const lease = this.leases.get(id);
    const isLatest = lease === undefined ? now < grantedAt(attemptId) + LEASE : lease.attemptId === attemptId;
    return isLatest && (row === null || isOrphaned(row));
  }

  /** How many deliveries hold a slot: those that are with a receiver, not what waits in a queue. */
  inFlight(now: number): number {
    return this.leases.inFlight(now) + this.deliveries.inFlight(now);
  }

  /** Whether what comes takes the slow lane. */
  slow(now: number): boolean {
    return isSlow(this.state.stored) || this.leases.lags(now);
  }

  /** Whether nothing new is sent now: the breaker is not closed, or the receiver has asked for quiet. */
  shut(now: number): boolean {
    const { breaker, quiet } = this.state.stored;
    return breaker.open !== null || quietUntil(quiet, now) !== null;
  }

  conditions(now: number): Conditions {
    const { breaker, quiet } = this.state.stored;
    return {
      quietUntil: quietUntil(quiet, now),
      probeAt: probeAt(breaker),
      slow: this.slow(now),
      freeSlots: SLOTS - this.inFlight(now),
      releasable: this.rate.releasable(this.rateLimit, now),
    };
  }
}
