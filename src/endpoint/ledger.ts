import type { Outcome } from "../lib/delivery";
import type { DeliveryRef } from "../lib/event";
import type { AdmitAnswer, Recorded, RecoverRequest, RecoverResult, ResendResult } from "../lib/rooms";
import type { DisabledReason } from "../lib/settings";
import type { Sql } from "../lib/sql";
import { SECOND } from "../lib/time";
import { nextPatience, SLOTS } from "./admission";
import { attemptsOf } from "./attempt-log";
import { Books } from "./books";
import { probeAt } from "./breaker";
import { CLEAR_AT_ONCE } from "./clearance";
import type { Row } from "./deliveries";
import { Intake } from "./intake";
import { Leases } from "./leases";
import type { Outbox } from "./outbox";
import { Reading } from "./reading";
import { Recording } from "./recording";
import { dueByHand, freed } from "./rows";
import type { Standing } from "./standing";

/** The most deliveries that one alarm puts back onto the queue. */
const RELEASE_AT_ONCE = 100;
/** The most rows that one step of retention removes. */
const TRIM_AT_ONCE = 2_000;
/** How soon due deliveries are looked at again when no slot was free, in ms; a recorded outcome looks at once. */
const SLOT_POLL = 5 * SECOND;

/** What the alarm puts back onto the queue. */
export interface Release {
  deliveries: DeliveryRef[];
  lane: "normal" | "slow";
}

/**
 * What an endpoint remembers: its deliveries and how it fares. Every method is synchronous and takes the time (ms),
 * so that each is one transaction of the object and can be driven by any clock.
 */
export class Ledger {
  readonly #books: Books;
  readonly #intake: Intake;
  readonly #recording: Recording;
  /** What people read of it. */
  readonly reading: Reading;
  /** The ledger as it is stored, after a change that was rolled back; leases in memory are kept. */
  readonly reopened: () => Ledger;

  constructor(sql: Sql, random: () => number = Math.random, clearAtOnce = CLEAR_AT_ONCE, leases = new Leases()) {
    this.#books = new Books(sql, clearAtOnce, leases);
    this.reopened = () => new Ledger(sql, random, clearAtOnce, leases);
    this.#intake = new Intake(this.#books);
    this.#recording = new Recording(this.#books, random, (reason, now) => this.disable(reason, now));
    this.reading = new Reading(this.#books);
  }

  /** Its settings, and how it fares over all deliveries. */
  get standing(): Standing {
    return this.#books.standing;
  }

  /** The operator events that are still to be told. */
  get outbox(): Outbox {
    return this.#books.outbox;
  }

  /** Admits deliveries that are new to an endpoint in good health, and writes nothing; `null`: ask `admit`. */
  admitNew(deliveries: readonly DeliveryRef[], now: number): AdmitAnswer | null {
    return this.#intake.admitNew(deliveries, now);
  }

  /** Answers what may be done about each delivery that messages offer. */
  admit(deliveries: readonly DeliveryRef[], now: number): AdmitAnswer {
    return this.#intake.admit(deliveries, now);
  }

  /** Takes over deliveries that no message has brought yet; each is due after `delay` ms. */
  adopt(deliveries: readonly DeliveryRef[], delay: number, now: number): "adopted" | "gone" {
    return this.#intake.adopt(deliveries, delay, now);
  }

  /** Writes down what came of the deliveries that were sent. Doing so twice changes nothing. */
  record(outcomes: readonly Outcome[], now: number): Recorded {
    this.#recording.record(outcomes, now);
    return { slow: this.#books.slow(now), open: probeAt(this.#books.standing.state.breaker) !== null };
  }

  /** Whether an attempt that was granted under this version of the settings may still go out; see `EndpointRoom.stands`. */
  stands({ id, test }: DeliveryRef, attemptId: string, version: number): boolean {
    const { gone, enabled } = this.standing.state;
    if (gone || this.standing.settings?.version !== version || !(enabled || test)) return false;
    return this.#books.isLatest(this.#books.row(id), id, attemptId);
  }

  /** An attempt hangs: until it ends, what comes takes the slow lane. Kept in memory, best effort. */
  lag(now: number): void {
    const { leases, standing } = this.#books;
    leases.lag(now + (standing.settings?.timeout ?? 0) * SECOND);
  }

  /** Switches the endpoint off: what is unfinished is held. */
  disable(reason: DisabledReason, now: number): void {
    if (!this.standing.disable(reason, now)) return;
    this.#books.clearance.hold(now);
    this.#books.recoveries.end();
  }

  /** Switches the endpoint on, with a clean window. Held deliveries stay so until they are recovered. */
  enable(now: number): void {
    this.standing.enable(now);
  }

  /** The endpoint is deleted: what is unfinished ends as canceled, the log stays. */
  close(now: number): void {
    if (!this.standing.close()) return;
    this.#books.leases.clear();
    this.#books.clearance.cancel(now);
    this.#books.recoveries.end();
  }

  /**
   * Their event's content is erased: what is unfinished ends as canceled, also what no message has brought yet, and
   * what receivers answered is dropped, since it may repeat the content.
   */
  erase(references: readonly DeliveryRef[], now: number): void {
    const { deliveries, leases } = this.#books;
    for (const delivery of references) {
      leases.forget(delivery.id);
      const row = this.#books.row(delivery.id) ?? this.#books.newRow(delivery, now);
      const log = JSON.stringify(attemptsOf(row.log).map((attempt) => ({ ...attempt, response: null })));
      const ended = row.status === "succeeded" || row.status === "failed" || row.status === "canceled";
      const canceled: Row = { ...freed(row), log, manual: 0, status: "canceled", finished: now };
      deliveries.save(ended ? { ...row, log } : canceled);
    }
  }

  /**
   * The alarm, which was due at `scheduled`: goes on with what is done step by step, gives up what has waited for too
   * long, and moves due deliveries, oldest first and no more than there are free slots, to the end of a lease and
   * answers them: they are to be put onto the queue. If that fails, they come up again when the lease ends.
   */
  release(now: number, scheduled = now): Release {
    const { clearance, recoveries, expiry } = this.#books;
    expiry.woke(scheduled, now);
    const lane = this.#books.circumstances(now).slow ? "slow" : "normal";
    if (clearance.pending) {
      clearance.goOn(now);
      return { deliveries: [], lane };
    }
    recoveries.goOn(now);
    const deliveries = this.#release(now);
    this.#expire(now);
    return { deliveries, lane };
  }

  #release(now: number): DeliveryRef[] {
    const { deliveries, standing } = this.#books;
    const { probeAt: probe, freeSlots, releasable } = this.#books.circumstances(now);
    if (probe !== null && probe > now) return [];
    const free = Math.min(freeSlots, releasable, probe === null ? RELEASE_AT_ONCE : 1);
    if (free <= 0) return [];
    const rows = deliveries.due(now, free);
    const released = rows.filter(({ status }) => status !== "held");
    // Held while it was in flight: its lease has ended, and a person must ask for it now.
    for (const { id, status } of rows) if (status === "held") deliveries.rest(id);
    for (const { id, lease, patience } of released) {
      const next = nextPatience(lease === null || lease === "queued" ? patience : 0);
      deliveries.queued(id, next, now + next);
      if (probe !== null) standing.called(now + next);
    }
    return released.map(({ id, event, test }) => ({ id, event, ...(test === 1 ? { test: true } : {}) }));
  }

  #expire(now: number): void {
    const { deliveries, expiry, schedule, standing } = this.#books;
    for (const row of expiry.next(schedule, now)) {
      deliveries.expire(row.id, now);
      if (row.test === 0) standing.exhausted({ ...row, error: "expired" }, now);
    }
  }

  /**
   * Forgets what is finished or held of what was accepted before `before` (ms), a bounded number of rows at a time;
   * answers whether there may be more.
   */
  trim(before: number): boolean {
    return this.#books.deliveries.trim(before, TRIM_AT_ONCE) === TRIM_AT_ONCE;
  }

  /** When the alarm is needed next, in ms; `null`: nothing is due. */
  nextAlarm(now: number): number | null {
    const { standing, deliveries, rate, rateLimit, recoveries, clearance, expiry, outbox } = this.#books;
    const probe = probeAt(standing.state.breaker);
    let next = deliveries.firstDue();
    if (next !== null && probe !== null && probe > now) next = Math.max(next, probe);
    else if (next !== null && next <= now) {
      // Overdue for want of a slot: a recorded outcome frees one and asks again at once; this is for one that never comes.
      next = this.#books.inFlight(now) >= SLOTS ? now + SLOT_POLL : rate.releasableAt(rateLimit, now);
    }
    if (recoveries.pending || clearance.pending || expiry.goesOn) next = now;
    for (const at of [standing.state.mirrorAt, outbox.nextDue()]) if (at !== null) next = Math.min(next ?? at, at);
    return next === null ? null : Math.max(next, now + 1);
  }

  /** Makes a delivery due now as a person's attempt, in place of a scheduled one; a schedule that had ended restarts. */
  resend(delivery: DeliveryRef, now: number): ResendResult {
    const { deliveries, leases, clearance, standing } = this.#books;
    if (standing.state.gone) return "unknown";
    if (!standing.state.enabled) return "disabled";
    const row = this.#books.row(delivery.id) ?? this.#books.newRow(delivery, now);
    const leased = row.lease !== null && row.lease !== "queued" && row.due !== null && row.due > now;
    if (leased || leases.holds(delivery.id, now)) return "in-flight";
    // Called to probe already: until its message is given up nothing else may go, so it becomes the person's attempt.
    const called = row.lease === "queued" && standing.state.breaker.open !== null;
    if (called) deliveries.save({ ...row, manual: 1, format: null });
    else deliveries.save(dueByHand(row, clearance.beginning(now), now));
    return "resending";
  }

  /** Makes an endpoint's failed and held deliveries of a time span due now, and answers how many; see `resend`. */
  recover({ dryRun, ...span }: RecoverRequest, now: number): RecoverResult {
    const { standing, clearance, recoveries } = this.#books;
    if (!dryRun && !standing.state.enabled) return "disabled";
    const count = clearance.recoverable(span);
    if (dryRun || count === 0) return { count };
    recoveries.ask(span, now);
    if (!clearance.pending) recoveries.goOn(now);
    return { count };
  }
}
