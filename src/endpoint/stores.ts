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
  readonly values: Values;

  /** `atOnce`: the most rows that one step of a job rewrites. `mostBytes`: see {@link Capacity}. */
  constructor(sql: Sql, atOnce: number, mostBytes: number, memory: Memory) {
    this.#memory = memory;
    sql.migrate(ENDPOINT_STEPS);
    const values = new Values(sql);
    this.values = values;
    this.deliveries = new Deliveries(sql);
    this.rate = new RateLimit(values, this);
    this.jobs = new Jobs(sql, values, this.leases, this.deliveries.figures, atOnce);
    this.expiry = new Expiry(values);
    this.capacity = new Capacity(sql, values, this.deliveries, mostBytes);
    this.outbox = new Outbox(sql);
    this.state = new State(values, this.outbox, this.leases);
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
    return this.state.stored.doubtful;
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

  /** A delivery's row at `now`; `null`: it has none. */
  row(id: string, now: number): Row | null {
    const row = this.deliveries.get(id);
    return row && this.shown(row, now);
  }

  /** Likewise, without its attempts. */
  head(id: string, now: number): Head | null {
    const head = this.deliveries.head(id);
    return head && this.shown(head, now);
  }

  /** A row as it is once what is being held or canceled is through. */
  shown<T extends Head>(row: T, now: number): T {
    return foreseen(this.clearing, row, this.leases.holds(row.id, now));
  }

  /** A row for a delivery that has none. */
  newRow(delivery: Delivery, now: number): Row {
    return newRow(delivery, beginning(this.clearing, now));
  }

  /**
   * Whether an attempt is the delivery's latest at `now`, as far as anybody remembers; `row`: the delivery's. One that
   * nobody remembers is taken for it while its lease lasts: after that another may have been given the delivery.
   */
  isLatest(row: Row | null, id: string, attemptId: string, now: number): boolean {
    const lease = this.leases.get(id);
    if (lease?.row && lease.attemptId === attemptId) return true;
    const known = lease?.attemptId ?? null;
    const isLatest = known === null ? now < grantedAt(attemptId) + LEASE : known === attemptId;
    return isLatest && (row === null || isOrphaned(row));
  }

  /** Rows due at `now` that nobody has, the longest due first. */
  due(now: number, limit: number): Head[] {
    const { count } = this.leases.rowsOut(now);
    const rows = this.deliveries.due(now, limit + count).filter(({ id }) => !this.leases.isOut(id, now));
    return rows.slice(0, limit);
  }

  /** When the first row is due that nobody has, in ms; `null`: none is. */
  firstDue(now: number): number | null {
    const { count } = this.leases.rowsOut(now);
    return this.deliveries.firstDue(count + 1).find(({ id }) => !this.leases.isOut(id, now))?.due ?? null;
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
      freeSlots: SLOTS - this.leases.inFlight(now),
      releasable: this.rate.releasable(this.rateLimit, now),
    };
  }
}
