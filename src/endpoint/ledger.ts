import type { Claim, Outcome } from "../contracts/delivery";
import type {
  AdmitAnswer,
  AdmitRequest,
  Hanging,
  Recorded,
  RecoverRequest,
  RecoverResult,
  RecoveryRecord,
  ResendResult,
} from "../contracts/endpoint";
import type { Delivery } from "../contracts/event";
import type { DisabledReason } from "../contracts/settings";
import type { Sql } from "../lib/sql";
import { SECOND } from "../lib/time";
import { Admitting, type Offer } from "./admit";
import { ByHand } from "./by-hand";
import { MOST_BYTES } from "./jobs/capacity";
import { AT_ONCE } from "./jobs/jobs";
import { Memory } from "./memory/memory";
import type { UnderWay } from "./memory/under-way";
import { SLOTS } from "./policy/admission";
import { quietUntil } from "./policy/quiet";
import { Reading } from "./read/read";
import { Recording } from "./record";
import { type Release, Releasing } from "./release";
import type { State } from "./state";
import type { Outbox } from "./storage/outbox";
import { Stores } from "./stores";
import { Teller } from "./telling";

/** The most rows that one step of retention removes. */
const TRIM_AT_ONCE = 2_000;
/** By the usual queue, to somebody who can begin as many as there are slots. */
const ANY: Offer = { lane: "normal", room: SLOTS };

/**
 * What an endpoint remembers: its deliveries and how it fares. Every method is synchronous and takes the time (ms),
 * so that each is one transaction of the object and can be driven by any clock.
 */
export class Ledger {
  readonly #stores: Stores;
  readonly #memory: Memory;
  readonly #admitting: Admitting;
  readonly #recording: Recording;
  readonly #releasing: Releasing;
  readonly #byHand: ByHand;
  /** What people read of it. */
  readonly reading: Reading;
  /** What D1 is told of it. */
  readonly teller: Teller;
  /**
   * Before a change: answers what opens the ledger as it is stored, with the leases as they are now, should the change be
   * rolled back. What else is in memory best effort is kept.
   */
  readonly checkpoint: () => () => Ledger;

  constructor(
    sql: Sql,
    random: () => number = Math.random,
    atOnce = AT_ONCE,
    mostBytes = MOST_BYTES,
    memory = new Memory(),
  ) {
    this.#memory = memory;
    this.#stores = new Stores(sql, atOnce, mostBytes, memory);
    this.checkpoint = () => {
      const restore = memory.leases.checkpoint();
      return () => {
        restore();
        return new Ledger(sql, random, atOnce, mostBytes, memory);
      };
    };
    this.#admitting = new Admitting(this.#stores);
    this.#recording = new Recording(this.#stores, random, (reason, now) => this.disable(reason, now));
    this.#releasing = new Releasing(this.#stores, this.#admitting);
    this.#byHand = new ByHand(this.#stores);
    this.reading = new Reading(this.#stores);
    this.teller = new Teller(sql, this.#stores);
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

  /** How many rows of deliveries were written through this ledger. */
  get saved(): number {
    return this.#stores.deliveries.saved;
  }

  /**
   * Whether the last change could be written; while it could not, nothing is sent whose row is not written first. Best effort
   * it is stored as well, since the state may be writable where rows are not.
   */
  wrote(done: boolean): void {
    this.state.wrote(done);
  }

  /** Stores what has changed of its state; each method that changes something does so itself. */
  save(now: number): void {
    this.teller.noteChanges();
    this.state.save(now);
  }

  #change<T>(now: number, change: () => T): T {
    const result = change();
    this.save(now);
    return result;
  }

  /** Admits deliveries that are new to an endpoint in good health, and writes nothing; `null`: ask `admit`. */
  admitNew(deliveries: readonly Delivery[], now: number, offer: Offer = ANY): AdmitAnswer | null {
    return this.#admitting.admitNew(deliveries, now, offer);
  }

  /** Answers what may be done about each delivery that messages offer. */
  admit(deliveries: readonly Delivery[], now: number, offer: Offer = ANY): AdmitAnswer {
    return this.#change(now, () => this.#admitting.admit(deliveries, now, offer));
  }

  /** Takes over deliveries that no message has brought yet; each is due after `delay` ms. */
  adopt(deliveries: readonly Delivery[], delay: number, now: number): "adopted" | "gone" {
    return this.#change(now, () => this.#admitting.adopt(deliveries, delay, now));
  }

  /**
   * Writes down what came of the deliveries that were sent; doing so twice changes nothing. With `next` the consumer goes
   * on: it gets what has waited for a slot, and with the room that is left what it offers itself.
   */
  record(outcomes: readonly Outcome[], now: number, next?: AdmitRequest): Recorded {
    return this.#change(now, () => this.#record(outcomes, now, next));
  }

  #record(outcomes: readonly Outcome[], now: number, next?: AdmitRequest): Recorded {
    this.#recording.record(outcomes, now);
    this.#stores.capacity.grew(outcomes.length);
    const { enabled, gone } = this.state.stored;
    const stands = { slow: this.#stores.slow(now), shut: this.#stores.shut(now) || !enabled || gone };
    if (next === undefined) return { ...stands, admissions: [], claims: [] };
    const claims = this.#releasing.claim(now, next);
    const room = Math.max(next.room - claims.length, 0);
    const offer: Offer = { ...next, room, ...(claims.length > 0 ? { returns: true } : {}) };
    const answer = next.deliveries.length > 0 ? this.#admitting.admit(next.deliveries, now, offer) : { admissions: [] };
    const { settings, pace } = this.#stores.state;
    if (settings === null || claims.length === 0) return { ...stands, ...answer, claims };
    return { ...stands, ...answer, claims, settings, ...(pace === null ? {} : { pace: pace.mean }) };
  }

  /** Whether an attempt that was granted under this version of the settings may still go out; see `EndpointContract.stands`. */
  stands({ id, test }: Delivery, attemptId: string, version: number, now: number): boolean {
    const { gone, enabled, quiet } = this.state.stored;
    if (gone || this.state.settings?.version !== version) return false;
    if (!test && (!enabled || quietUntil(quiet, now) !== null)) return false;
    return this.#stores.isLatest(this.#stores.row(id, now), id, attemptId, now);
  }

  /** Attempts hang: rows own their deliveries from now on, and what comes until one succeeds takes the slow lane. */
  lag(attempts: readonly Hanging[], now: number): void {
    const { leases, state } = this.#stores;
    // Told of late: those that have ended by now say nothing of what comes.
    if (this.#change(now, () => this.#admitting.hold(attempts, now)) === 0) return;
    leases.lag(now + (state.settings?.timeout ?? 0) * SECOND);
  }

  /** Makes sure that of the attempts that may be with the receiver also those are known that began before the object woke. */
  takeLeases(now: number): void {
    for (const { attemptId, delivery, until } of this.#stores.leases.held(now)) {
      this.underWay.begin(attemptId, delivery, until, now);
    }
  }

  /** Switches the endpoint off: what is unfinished is held. */
  disable(reason: DisabledReason, now: number): void {
    if (!this.state.disable(reason, now)) return;
    this.takeLeases(now);
    this.#stores.leases.recall();
    this.#stores.jobs.hold(now);
    this.save(now);
  }

  /** Switches the endpoint on, with a clean window. Held deliveries stay so until they are recovered. */
  enable(now: number): void {
    this.state.enable(now);
    this.save(now);
  }

  /** The endpoint is deleted: what is unfinished ends as canceled, the log stays. */
  close(now: number): void {
    if (!this.state.close()) return;
    this.takeLeases(now);
    this.#stores.leases.clear();
    this.#stores.arrivals.clear();
    this.#stores.jobs.cancel(now);
    this.save(now);
  }

  /** See {@link ByHand.erase}. */
  erase(references: readonly Delivery[], now: number): void {
    this.takeLeases(now);
    this.#change(now, () => this.#byHand.erase(references, now));
  }

  /** See {@link ByHand.resend}. */
  resend(delivery: Delivery, now: number): ResendResult {
    return this.#change(now, () => this.#byHand.resend(delivery, now));
  }

  /** See {@link ByHand.probe}. */
  probe(now: number): void {
    this.#change(now, () => this.#byHand.probe(now));
  }

  /** See {@link ByHand.recover}. */
  recover(request: RecoverRequest, now: number): RecoverResult {
    return this.#byHand.recover(request, now);
  }

  /** The latest recoveries, newest first. */
  get recoveries(): RecoveryRecord[] {
    return this.#stores.jobs.recoveries;
  }

  /** Ends a recovery; `false`: there is none such. */
  stopRecovery(id: string, now: number): boolean {
    return this.#change(now, () => this.#stores.jobs.stop(id, now)) !== null;
  }

  /** See {@link Releasing.release}. */
  release(now: number, scheduled = now): Release {
    return this.#change(now, () => this.#releasing.release(now, scheduled));
  }

  /** See {@link Releasing.retry}. */
  retry(now: number): Claim[] {
    return this.#change(now, () => this.#releasing.retry(now));
  }

  /** When the alarm is needed next, in ms; `null`: nothing is due. */
  nextAlarm(now: number): number | null {
    const next = this.#releasing.nextAlarm(now);
    const turn = this.teller.turn(now);
    // What is due now is told after the change that made it so, and needs no alarm.
    return turn?.alarm && turn.at > now ? Math.min(next ?? turn.at, turn.at) : next;
  }

  /**
   * Forgets what is finished or held of what was accepted before `before` (ms), a bounded number of rows at a time;
   * answers whether there may be more.
   */
  trim(before: number, now: number): boolean {
    const out = this.#stores.leases.held(now).map(({ delivery }) => delivery);
    return this.#stores.deliveries.trim(before, TRIM_AT_ONCE, out) === TRIM_AT_ONCE;
  }
}
