import type { DeliveryRef } from "../lib/event";
import type { Sql } from "../lib/sql";
import { isSlow, SLOTS } from "./admission";
import { Backlog } from "./backlog";
import { probeAt } from "./breaker";
import { Clearance } from "./clearance";
import { Deliveries, type Row } from "./deliveries";
import { Expiry } from "./expiry";
import type { Leases } from "./leases";
import { Outbox } from "./outbox";
import { RateLimit } from "./rate-limit";
import { Recoveries } from "./recoveries";
import { isOrphaned, newRow } from "./rows";
import { STEPS } from "./schema";
import { Standing } from "./standing";
import { Values } from "./values";
import type { Circumstances } from "./waits";

/** All that an endpoint remembers, each kind in its room, and what is seen of several of them together. Times in ms. */
export class Books {
  readonly deliveries: Deliveries;
  readonly backlog: Backlog;
  readonly leases: Leases;
  readonly rate: RateLimit;
  readonly recoveries: Recoveries;
  readonly clearance: Clearance;
  readonly expiry: Expiry;
  readonly outbox: Outbox;
  readonly standing: Standing;

  /** `clearAtOnce`: the most rows that one step of the clearance rewrites. */
  constructor(sql: Sql, clearAtOnce: number, leases: Leases) {
    this.leases = leases;
    sql.migrate(STEPS);
    const values = new Values(sql);
    this.deliveries = new Deliveries(sql);
    this.backlog = new Backlog(sql);
    this.rate = new RateLimit(values, this.deliveries);
    this.recoveries = new Recoveries(values, this.backlog);
    this.clearance = new Clearance(values, this.backlog, clearAtOnce);
    this.expiry = new Expiry(values, this.backlog);
    this.outbox = new Outbox(sql);
    this.standing = new Standing(values, this.outbox);
  }

  get rateLimit(): number | null {
    return this.standing.settings?.rateLimit ?? null;
  }

  /** The endpoint's delays before the retries, in seconds. */
  get schedule(): readonly number[] {
    return this.standing.settings?.retry ?? [];
  }

  /** A delivery's row; `null`: it has none. */
  row(id: string): Row | null {
    const row = this.deliveries.get(id);
    return row && this.clearance.shown(row);
  }

  /** A row for a delivery that has none. */
  newRow(delivery: DeliveryRef, now: number): Row {
    return newRow(delivery, this.clearance.beginning(now));
  }

  /** Whether an attempt is the delivery's latest, as far as anybody remembers; `row`: the delivery's. */
  isLatest(row: Row | null, id: string, attemptId: string): boolean {
    const lease = this.leases.get(id);
    const isLatest = lease === undefined || lease.attemptId === attemptId;
    return row === null ? isLatest : row.lease === attemptId || (isLatest && isOrphaned(row));
  }

  /** How many deliveries are under way. */
  inFlight(now: number): number {
    return this.leases.inFlight(now) + this.deliveries.leased(now);
  }

  /** Whether what comes takes the slow lane. */
  slow(now: number): boolean {
    return isSlow(this.standing.state) || this.leases.lags(now);
  }

  circumstances(now: number): Circumstances {
    return {
      probeAt: probeAt(this.standing.state.breaker),
      slow: this.slow(now),
      freeSlots: SLOTS - this.inFlight(now),
      releasable: this.rate.releasable(this.rateLimit, now),
    };
  }
}
