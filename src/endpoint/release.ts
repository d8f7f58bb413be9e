import type { Claim, Lane } from "../contracts/delivery";
import type { Delivery } from "../contracts/event";
import { MESSAGE_BYTES } from "../contracts/messages";
import { SECOND } from "../lib/time";
import type { Admitting, Offer } from "./admit";
import { lifetime } from "./jobs/expiry";
import { byTurns } from "./memory/arrivals";
import { atOnce, LANES, nextPatience, SLOTS } from "./policy/admission";
import { probeAt } from "./policy/breaker";
import { quietUntil } from "./policy/quiet";
import { type Head, refOf } from "./storage/row";
import type { Stores } from "./stores";

/** The most deliveries that one alarm puts back onto the queue. */
const RELEASE_AT_ONCE = 100;
/** How soon due deliveries are looked at again when no slot was free, in ms; a recorded outcome looks at once. */
const SLOT_POLL = 10 * SECOND;
/** How long what is due and has a slot is left to the consumers that are at work, in ms, before the alarm sees to it. */
const TO_CONSUMERS = 250;

/** The most bytes that a character takes in a message's JSON. */
const MOST_OF_CHARACTER = 6;

/** What the alarm puts back onto the queue. */
export interface Release {
  deliveries: Delivery[];
  lane: Lane;
  /** The same as messages: each has as many as one consumer can begin at once, so that several can share the slots. */
  messages: Delivery[][];
  /** What was dropped of the log for want of room. */
  dropped: { responses: number; deliveries: number };
}

/** Lets go of what is due: to the queue, by the alarm, or to a consumer that has finished others. Times in ms. */
export class Releasing {
  readonly #stores: Stores;
  readonly #admitting: Admitting;

  constructor(stores: Stores, admitting: Admitting) {
    this.#stores = stores;
    this.#admitting = admitting;
  }

  /**
   * The alarm, which was due at `scheduled`: goes on with what is done step by step, gives up what has waited for too
   * long, and answers due deliveries, oldest first and no more than there are free slots: they are to be put onto the
   * queue, and are left to their messages for a while. If that fails, they come up again after it.
   */
  release(now: number, scheduled: number): Release {
    const { jobs, expiry, capacity, state } = this.#stores;
    expiry.woke(scheduled, now);
    const lane = this.#stores.slow(now) ? "slow" : "normal";
    const { clearing } = jobs;
    jobs.goOn(now);
    const deliveries = clearing === null ? this.#release(now) : [];
    if (clearing === null) this.#expire(now);
    const messages = chunks(deliveries, atOnce(state.stored.pace, LANES));
    return { deliveries, lane, messages, dropped: capacity.goOn(now) };
  }

  #release(now: number): Delivery[] {
    const { arrivals, leases, state } = this.#stores;
    const { quietUntil, probeAt: probe, freeSlots, releasable } = this.#stores.conditions(now);
    if (quietUntil !== null || (probe !== null && probe > now)) return [];
    // What is on its way already takes the slots that are free now, so that a backlog is not put onto the queue twice.
    const free = Math.min(freeSlots - leases.released(now), releasable);
    const most = probe === null ? Math.min(free, RELEASE_AT_ONCE) : Math.min(releasable, 1);
    if (most <= 0) return [];
    const rows = this.#ready(most, now);
    for (const { id, patience } of rows) {
      const next = nextPatience(leases.get(id)?.patience ?? patience);
      leases.release(id, now + next, next);
      arrivals.forget(id);
      if (probe !== null) state.called(now + next);
    }
    return this.#withTexts(rows.map(refOf));
  }

  /** Gives up the next part of what breaker, rate or slots have held back for too long. */
  #expire(now: number): void {
    const { deliveries, expiry, jobs, leases, schedule, state } = this.#stores;
    for (const row of jobs.overdue(now - lifetime(schedule), now)) {
      if (leases.isOut(row.id, now) || !expiry.hasExpired(row, schedule, now)) continue;
      deliveries.expire(row.id, now);
      leases.forget(row.id);
      if (row.test === 0) state.exhausted({ ...row, error: "expired" }, now);
    }
  }

  /**
   * Hands out deliveries that are due and have waited, as many as there are slots, tokens and room for. None while the
   * breaker is not closed, since its one probe is called by the alarm, none while the receiver has asked for quiet, and none
   * of a slow endpoint in the normal lane.
   */
  claim(now: number, { room, lane, ...offer }: Offer): Claim[] {
    const { state, clearing } = this.#stores;
    const { enabled, pace } = state.stored;
    // Asked first, since almost always nothing waits.
    if (room <= 0 || (this.#stores.firstDue(now) ?? Number.POSITIVE_INFINITY) > now) return [];
    const { slow, freeSlots, releasable } = this.#stores.conditions(now);
    if (!enabled || clearing !== null || this.#stores.shut(now) || (slow && lane === "normal")) return [];
    const most = Math.min(freeSlots, releasable, atOnce(pace, room));
    if (most <= 0) return [];
    const claims = this.#admitting.claim(this.#ready(most, now), now, { room, lane, ...offer });
    const deliveries = this.#withTexts(claims.map(({ delivery }) => delivery));
    return claims.map((claim, i) => ({ ...claim, delivery: deliveries[i] ?? claim.delivery }));
  }

  /**
   * What is due and so little that the alarm has it sent without the queue: with what is under way as many as a
   * consumer is given at once, to an endpoint whose receiver answers soon, be it with failures. Nobody shares the invocation that sends it, so it
   * needs no slow lane. Else the queue brings it, to a consumer that goes on with what waits next.
   */
  retry(now: number): Claim[] {
    const { leases, state } = this.#stores;
    const { timedOut, pace } = state.stored;
    const most = atOnce(pace, LANES);
    if (timedOut || pace === "slow" || leases.lags(now)) return [];
    const room = most - leases.inFlight(now);
    const due = room > 0 ? this.#stores.due(now, room + 1).length : 0;
    return due === 0 || due > room ? [] : this.claim(now, { lane: "slow", room });
  }

  /** Deliveries with their event texts, where rows keep them and as far as they go into one message together. */
  #withTexts(references: readonly Delivery[]): Delivery[] {
    if (references.length === 0) return [];
    const texts = this.#stores.deliveries.texts(references.map(({ id }) => id));
    let left = MESSAGE_BYTES / MOST_OF_CHARACTER;
    return references.map((delivery) => {
      const text = texts.get(delivery.id);
      if (text === undefined || text.length > left) return delivery;
      left -= text.length;
      return { ...delivery, text: JSON.parse(text) as Delivery["text"] };
    });
  }

  /** The next deliveries that are due and wait, `most` of them: the new ones and the longest due by turns. */
  #ready(most: number, now: number): Head[] {
    const { arrivals, deliveries, leases } = this.#stores;
    const isReady = ({ id, due }: Head) => due !== null && due <= now && !leases.isOut(id, now);
    const ids = arrivals.first(most);
    const fresh = deliveries.heads(ids).filter(isReady);
    for (const id of ids) if (!fresh.some((row) => row.id === id)) arrivals.forget(id);
    const rows = this.#stores.due(now, most);
    const over = rows.filter((row) => this.#isOver(row));
    for (const { id } of over) deliveries.expire(id, now);
    return byTurns(
      fresh,
      rows.filter((row) => !over.includes(row)),
      most,
    );
  }

  /** Whether a row is that of a test which was asked for before the endpoint was disabled. */
  #isOver({ test, began }: Head): boolean {
    const { enabled, disabledAt } = this.#stores.state.stored;
    return !enabled && test === 1 && began <= (disabledAt ?? 0);
  }

  /** When the alarm is needed next, in ms; `null`: nothing is due. */
  nextAlarm(now: number): number | null {
    const { state, leases, rate, rateLimit, jobs, outbox, capacity } = this.#stores;
    const { breaker, quiet, mirrorAt } = state.stored;
    const probe = probeAt(breaker);
    const shutUntil = Math.max(probe ?? 0, quietUntil(quiet, now) ?? 0);
    const { firstEnd } = leases.rowsOut(now);
    let next = this.#stores.firstDue(now);
    if (firstEnd !== null) next = Math.min(next ?? firstEnd, firstEnd);
    if (next !== null && shutUntil > now) next = Math.max(next, shutUntil);
    else if (next !== null && next <= now) {
      const inFlight = leases.inFlight(now);
      const free = SLOTS - inFlight - (probe === null ? leases.released(now) : 0);
      // Overdue for want of a slot: an outcome frees one, and its consumer takes the next; this is for one that never comes.
      if (free <= 0) next = now + SLOT_POLL;
      else next = Math.max(rate.releasableAt(rateLimit, now), inFlight > 0 ? now + TO_CONSUMERS : now);
    }
    if (jobs.pending || capacity.pending) next = now;
    for (const at of [mirrorAt, outbox.nextDue()]) if (at !== null) next = Math.min(next ?? at, at);
    return next === null ? null : Math.max(next, now + 1);
  }
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
