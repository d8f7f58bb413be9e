import type { Claim, Lane, Outcome } from "../contracts/delivery";
import type {
  AdmitAnswer,
  AdmitRequest,
  Hanging,
  Recorded,
  RecoverRequest,
  RecoverResult,
  ResendResult,
} from "../contracts/endpoint";
import type { Delivery } from "../contracts/event";
import type { DisabledReason } from "../contracts/settings";
import type { Sql } from "../lib/sql";
import { SECOND } from "../lib/time";
import { Admitting, type Offer } from "./admit";
import { attemptsOf } from "./attempt-log";
import { MOST_BYTES } from "./jobs/capacity";
import { COUNT_MOST, MOST_RECOVERIES } from "./jobs/recoveries";
import { CLEAR_AT_ONCE } from "./jobs/sweep";
import { byTurns } from "./memory/arrivals";
import { Memory } from "./memory/memory";
import type { UnderWay } from "./memory/under-way";
import type { Outbox } from "./outbox";
import { atOnce, LANES, nextPatience, SLOTS } from "./policy/admission";
import { probeAt } from "./policy/breaker";
import { quietUntil } from "./policy/quiet";
import { Reading } from "./read/read";
import { Recording } from "./record";
import type { Head, Row } from "./row";
import { dueByHand, freed, refOf } from "./rows";
import type { State } from "./state";
import { Stores } from "./stores";

/** The most deliveries that one alarm puts back onto the queue. */
const RELEASE_AT_ONCE = 100;
/** The most rows that one step of retention removes. */
const TRIM_AT_ONCE = 2_000;
/** How soon due deliveries are looked at again when no slot was free, in ms; a recorded outcome looks at once. */
const SLOT_POLL = 10 * SECOND;
/** How long what is due and has a slot is left to the consumers that are at work, in ms, before the alarm sees to it. */
const TO_CONSUMERS = 250;
/** By the usual queue, to somebody who can begin as many as there are slots. */
const ANY: Offer = { lane: "normal", room: SLOTS };

/** What the alarm puts back onto the queue. */
export interface Release {
  deliveries: Delivery[];
  lane: Lane;
  /** The same as messages: each has as many as one consumer can begin at once, so that several can share the slots. */
  messages: Delivery[][];
  /** What was dropped of the log for want of room. */
  dropped: { responses: number; deliveries: number };
}

/**
 * What an endpoint remembers: its deliveries and how it fares. Every method is synchronous and takes the time (ms),
 * so that each is one transaction of the object and can be driven by any clock.
 */
export class Ledger {
  readonly #stores: Stores;
  readonly #memory: Memory;
  readonly #admitting: Admitting;
  readonly #recording: Recording;
  /** What people read of it. */
  readonly reading: Reading;
  /** The ledger as it is stored, after a change that was rolled back; what is in memory best effort is kept. */
  readonly reopened: () => Ledger;

  constructor(
    sql: Sql,
    random: () => number = Math.random,
    clearAtOnce = CLEAR_AT_ONCE,
    mostBytes = MOST_BYTES,
    memory = new Memory(),
  ) {
    this.#memory = memory;
    this.#stores = new Stores(sql, clearAtOnce, mostBytes, memory);
    this.reopened = () => new Ledger(sql, random, clearAtOnce, mostBytes, memory);
    this.#admitting = new Admitting(this.#stores);
    this.#recording = new Recording(this.#stores, random, (reason, now) => this.disable(reason, now));
    this.reading = new Reading(this.#stores);
  }

  /** Its settings, and how it fares over all deliveries. */
  get state(): State {
    return this.#stores.state;
  }

  /** The operator events that are still to be told. */
  get outbox(): Outbox {
    return this.#stores.outbox;
  }

  /** The attempts that may be with the receiver. */
  get underWay(): UnderWay {
    return this.#memory.underWay;
  }

  /** Whether the last change could be written; while it could not, nothing is sent whose row is not written first. */
  wrote(done: boolean): void {
    this.#memory.doubtful = !done;
  }

  /** Admits deliveries that are new to an endpoint in good health, and writes nothing; `null`: ask `admit`. */
  admitNew(deliveries: readonly Delivery[], now: number, offer: Offer = ANY): AdmitAnswer | null {
    return this.#admitting.admitNew(deliveries, now, offer);
  }

  /** Answers what may be done about each delivery that messages offer. */
  admit(deliveries: readonly Delivery[], now: number, offer: Offer = ANY): AdmitAnswer {
    return this.#admitting.admit(deliveries, now, offer);
  }

  /** Takes over deliveries that no message has brought yet; each is due after `delay` ms. */
  adopt(deliveries: readonly Delivery[], delay: number, now: number): "adopted" | "gone" {
    return this.#admitting.adopt(deliveries, delay, now);
  }

  /**
   * Writes down what came of the deliveries that were sent; doing so twice changes nothing. With `next` the consumer goes
   * on: it gets what has waited for a slot, and with the room that is left what it offers itself.
   */
  record(outcomes: readonly Outcome[], now: number, next?: AdmitRequest): Recorded {
    this.#recording.record(outcomes, now);
    this.#stores.capacity.grew(outcomes.length);
    const { enabled, gone } = this.state.stored;
    const stands = { slow: this.#stores.slow(now), shut: this.#stores.shut(now) || !enabled || gone };
    if (next === undefined) return { ...stands, admissions: [], claims: [] };
    const claims = this.#claim(now, next);
    const room = Math.max(next.room - claims.length, 0);
    const offer: Offer = { ...next, room, ...(claims.length > 0 ? { returns: true } : {}) };
    const answer = next.deliveries.length > 0 ? this.#admitting.admit(next.deliveries, now, offer) : { admissions: [] };
    const { settings, pace } = this.#stores.state;
    if (settings === null || claims.length === 0) return { ...stands, ...answer, claims };
    return { ...stands, ...answer, claims, settings, ...(pace === null ? {} : { pace: pace.mean }) };
  }

  /**
   * Hands out deliveries that are due and have waited, as many as there are slots, tokens and room for. None while the
   * breaker is not closed, since its one probe is called by the alarm, none while the receiver has asked for quiet, and none
   * of a slow endpoint in the normal lane.
   */
  #claim(now: number, { room, lane, ...offer }: Offer): Claim[] {
    const { state, sweep, deliveries } = this.#stores;
    const { enabled, pace } = state.stored;
    // Asked first, since almost always nothing waits.
    if (room <= 0 || (deliveries.firstDue() ?? Number.POSITIVE_INFINITY) > now) return [];
    const { slow, freeSlots, releasable } = this.#stores.conditions(now);
    if (!enabled || sweep.pending || this.#stores.shut(now) || (slow && lane === "normal")) return [];
    const most = Math.min(freeSlots, releasable, atOnce(pace, room));
    if (most <= 0) return [];
    return this.#admitting.claim(this.#ready(most, now), now, { room, lane, ...offer });
  }

  /** The next deliveries that are due and wait, `most` of them: the new ones and the longest due by turns. */
  #ready(most: number, now: number): Head[] {
    const { arrivals, deliveries } = this.#stores;
    const isReady = ({ status, due }: Head) => status !== "held" && due !== null && due <= now;
    const ids = arrivals.first(most);
    const fresh = deliveries.heads(ids).filter(isReady);
    for (const id of ids) if (!fresh.some((row) => row.id === id)) arrivals.forget(id);
    const rows = deliveries.due(now, most);
    for (const row of rows) {
      // The endpoint was disabled while it was in flight, and its lease has ended: a person must ask for it now.
      if (row.status === "held") deliveries.rest(row.id);
      else if (this.#isOver(row)) deliveries.expire(row.id, now);
    }
    return byTurns(
      fresh,
      rows.filter((row) => isReady(row) && !this.#isOver(row)),
      most,
    );
  }

  /** Whether a row is that of a test which was asked for before the endpoint was disabled. */
  #isOver({ test, began }: Head): boolean {
    const { enabled, disabledAt } = this.state.stored;
    return !enabled && test === 1 && began <= (disabledAt ?? 0);
  }

  /** Whether an attempt that was granted under this version of the settings may still go out; see `EndpointContract.stands`. */
  stands({ id, test }: Delivery, attemptId: string, version: number, now: number): boolean {
    const { gone, enabled, quiet } = this.state.stored;
    if (gone || this.state.settings?.version !== version) return false;
    if (!test && (!enabled || quietUntil(quiet, now) !== null)) return false;
    return this.#stores.isLatest(this.#stores.row(id), id, attemptId, now);
  }

  /** Attempts hang: rows own their deliveries from now on, and what comes until one succeeds takes the slow lane. */
  lag(attempts: readonly Hanging[], now: number): void {
    const { leases, state } = this.#stores;
    // Told of late: those that have ended by now say nothing of what comes.
    if (this.#admitting.hold(attempts, now) === 0) return;
    leases.lag(now + (state.settings?.timeout ?? 0) * SECOND);
  }

  /** Makes sure that of the attempts that may be with the receiver also those are known that rows know of alone. */
  takeLeases(now: number): void {
    for (const { id, lease, due } of this.#stores.deliveries.leases(now)) this.underWay.begin(lease, id, due, now);
  }

  /** Switches the endpoint off: what is unfinished is held. */
  disable(reason: DisabledReason, now: number): void {
    if (!this.state.disable(reason, now)) return;
    this.takeLeases(now);
    this.#stores.sweep.hold(now);
    this.#stores.recoveries.end();
  }

  /** Switches the endpoint on, with a clean window. Held deliveries stay so until they are recovered. */
  enable(now: number): void {
    this.state.enable(now);
  }

  /** The endpoint is deleted: what is unfinished ends as canceled, the log stays. */
  close(now: number): void {
    if (!this.state.close()) return;
    this.takeLeases(now);
    this.#stores.leases.clear();
    this.#stores.arrivals.clear();
    this.#stores.sweep.cancel(now);
    this.#stores.recoveries.end();
  }

  /**
   * Their event's content is erased: what is unfinished ends as canceled, also what no message has brought yet, and
   * what receivers answered is dropped, since it may repeat the content.
   */
  erase(references: readonly Delivery[], now: number): void {
    const { deliveries, leases } = this.#stores;
    this.takeLeases(now);
    for (const delivery of references) {
      leases.forget(delivery.id);
      const row = this.#stores.row(delivery.id) ?? this.#stores.newRow(delivery, now);
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
    const { sweep, recoveries, expiry, capacity } = this.#stores;
    expiry.woke(scheduled, now);
    const lane = this.#stores.slow(now) ? "slow" : "normal";
    if (sweep.pending) {
      sweep.goOn(now);
      return { deliveries: [], lane, messages: [], dropped: capacity.goOn(now) };
    }
    recoveries.goOn(now);
    const deliveries = this.#release(now);
    this.#expire(now);
    const messages = chunks(deliveries, atOnce(this.state.stored.pace, LANES));
    return { deliveries, lane, messages, dropped: capacity.goOn(now) };
  }

  #release(now: number): Delivery[] {
    const { arrivals, deliveries, state } = this.#stores;
    const { quietUntil, probeAt: probe, freeSlots, releasable } = this.#stores.conditions(now);
    if (quietUntil !== null || (probe !== null && probe > now)) return [];
    // What is on its way already takes the slots that are free now, so that a backlog is not put onto the queue twice.
    const free = Math.min(freeSlots - deliveries.released(now), releasable);
    const most = probe === null ? Math.min(free, RELEASE_AT_ONCE) : Math.min(releasable, 1);
    if (most <= 0) return [];
    const rows = this.#ready(most, now);
    for (const { id, lease, patience } of rows) {
      const next = nextPatience(lease === null || lease === "queued" ? patience : 0);
      deliveries.queued(id, next, now + next);
      arrivals.forget(id);
      if (probe !== null) state.called(now + next);
    }
    return rows.map(refOf);
  }

  #expire(now: number): void {
    const { deliveries, expiry, schedule, state } = this.#stores;
    for (const row of expiry.next(schedule, now)) {
      deliveries.expire(row.id, now);
      if (row.test === 0) state.exhausted({ ...row, error: "expired" }, now);
    }
  }

  /**
   * Forgets what is finished or held of what was accepted before `before` (ms), a bounded number of rows at a time;
   * answers whether there may be more.
   */
  trim(before: number): boolean {
    return this.#stores.deliveries.trim(before, TRIM_AT_ONCE) === TRIM_AT_ONCE;
  }

  /** When the alarm is needed next, in ms; `null`: nothing is due. */
  nextAlarm(now: number): number | null {
    const { state, deliveries, rate, rateLimit, recoveries, sweep, expiry, outbox, capacity } = this.#stores;
    const probe = probeAt(state.stored.breaker);
    const shutUntil = Math.max(probe ?? 0, quietUntil(state.stored.quiet, now) ?? 0);
    let next = deliveries.firstDue();
    if (next !== null && shutUntil > now) next = Math.max(next, shutUntil);
    else if (next !== null && next <= now) {
      const inFlight = this.#stores.inFlight(now);
      const free = SLOTS - inFlight - (probe === null ? deliveries.released(now) : 0);
      // Overdue for want of a slot: an outcome frees one, and its consumer takes the next; this is for one that never comes.
      if (free <= 0) next = now + SLOT_POLL;
      else next = Math.max(rate.releasableAt(rateLimit, now), inFlight > 0 ? now + TO_CONSUMERS : now);
    }
    if (recoveries.pending || sweep.pending || expiry.goesOn || capacity.pending) next = now;
    for (const at of [state.stored.mirrorAt, outbox.nextDue()]) if (at !== null) next = Math.min(next ?? at, at);
    return next === null ? null : Math.max(next, now + 1);
  }

  /** Makes a delivery due now as a person's attempt, in place of a scheduled one; a schedule that had ended restarts. */
  resend(delivery: Delivery, now: number): ResendResult {
    const { deliveries, leases, sweep, state } = this.#stores;
    if (state.stored.gone) return "unknown";
    if (!state.stored.enabled) return "disabled";
    const row = this.#stores.row(delivery.id) ?? this.#stores.newRow(delivery, now);
    const leased = row.lease !== null && row.lease !== "queued" && row.due !== null && row.due > now;
    if (leased || leases.holds(delivery.id, now)) return "in-flight";
    // Called to probe already: until its message is given up nothing else may go, so it becomes the person's attempt.
    const called = row.lease === "queued" && state.stored.breaker.open !== null;
    if (called) deliveries.save({ ...row, manual: 1, format: null });
    else deliveries.save(dueByHand(row, sweep.beginning(now), now));
    return "resending";
  }

  /**
   * Makes an endpoint's failed and held deliveries of a time span due now, and answers how many it is about that no
   * recovery was asked for before; see `resend`.
   */
  recover({ dryRun, ...span }: RecoverRequest, now: number): RecoverResult {
    const { state, sweep, recoveries } = this.#stores;
    if (state.stored.gone) return { count: 0 };
    if (!dryRun && !state.stored.enabled) return "disabled";
    const counted = sweep.recoverable(span, recoveries.asked, COUNT_MOST + 1);
    const result: RecoverResult = counted > COUNT_MOST ? { count: COUNT_MOST, truncated: true } : { count: counted };
    if (dryRun || counted === 0) return result;
    if (recoveries.asked.length >= MOST_RECOVERIES) return "busy";
    recoveries.ask(span, now);
    if (!sweep.pending) recoveries.goOn(now);
    return result;
  }
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
