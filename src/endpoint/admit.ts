import type { Admission, Claim, Grant, WaitReason } from "../contracts/delivery";
import type { AdmitAnswer, AdmitRequest, Hanging } from "../contracts/endpoint";
import type { Delivery } from "../contracts/event";
import { newId } from "../lib/ids";
import { SECOND } from "../lib/time";
import { atOnce, type Decision, decide, LEASE, SLOTS, type Surroundings } from "./policy/admission";
import { mayProbe } from "./policy/breaker";
import { quietUntil } from "./policy/quiet";
import { type Head, refOf, triggerOf } from "./storage/row";
import type { Stores } from "./stores";

/** How long an object keeps its memory without being called, in ms: what is in flight for longer needs a row. */
const MEMORY_SPAN = 10 * SECOND;

/** How deliveries are offered; see {@link AdmitRequest}. */
export type Offer = Omit<AdmitRequest, "version" | "deliveries">;

type Waiting = Extract<Decision, { do: "wait" }>;

/** Takes deliveries in: those that messages offer, and those that the event log hands over. Times in ms. */
export class Admitting {
  readonly #stores: Stores;

  constructor(stores: Stores) {
    this.#stores = stores;
  }

  /**
   * Lets deliveries go under leases in memory, if all of them are new and the endpoint is in good health, as is almost
   * always so: then nothing is written. `null`: there is more to it, and nothing is decided.
   */
  admitNew(deliveries: readonly Delivery[], now: number, offer: Offer): AdmitAnswer | null {
    const { settings } = this.#stores.state;
    const around = this.#surroundings(offer, now);
    const ids = deliveries.map(({ id }) => id);
    if (settings === null || settings.rateLimit !== null) return null;
    const decision = decide({ row: null, test: false, leasedUntil: null }, around, now);
    if (decision.do !== "send" || decision.lease !== "memory") return null;
    if (new Set(ids).size < ids.length || ids.some((id) => this.#stores.leases.get(id) !== undefined)) return null;
    if (this.#stores.deliveries.present(ids).size > 0) return null;
    const free = around.freeSlots;
    const admissions = deliveries.map((delivery, i): Admission => {
      if (i >= free) return { do: "later", id: delivery.id };
      return { do: "send", ...this.#grant(this.#stores.newRow(delivery, now), "memory", around, now) };
    });
    return this.#answer(admissions);
  }

  /** Answers what may be done about each delivery that messages offer. */
  admit(deliveries: readonly Delivery[], now: number, offer: Offer): AdmitAnswer {
    const around = this.#surroundings(offer, now);
    const present = this.#stores.deliveries.present(deliveries.map(({ id }) => id));
    let returns = offer.returns === true;
    const admissions = deliveries.map((delivery) => {
      const row = present.has(delivery.id) ? this.#stores.head(delivery.id) : null;
      // Should it be named twice, it may have one by then.
      present.add(delivery.id);
      const admission = this.#admitOne(delivery, row, around, returns, now);
      returns ||= admission.do === "send";
      return admission;
    });
    return this.#answer(admissions);
  }

  /** Lets deliveries go that are due and have waited for a slot. */
  claim(rows: readonly Head[], now: number, offer: Offer): Claim[] {
    const around = this.#surroundings(offer, now);
    return rows.map((row) => ({ delivery: refOf(row), grant: this.#grant(row, "row", around, now) }));
  }

  /**
   * Attempts hang: each becomes a row with its lease, unless somebody else has the delivery by now. Answers how many of
   * them are under way still.
   */
  hold(attempts: readonly Hanging[], now: number): number {
    const { deliveries, leases, state } = this.#stores;
    if (state.stored.gone) return 0;
    let held = 0;
    for (const { delivery, attemptId, leasedUntil } of attempts) {
      const lease = leases.get(delivery.id);
      if (lease === undefined ? leasedUntil <= now : lease.attemptId !== attemptId) continue;
      const row = deliveries.head(delivery.id);
      if (row === null || row.lease === attemptId) held++;
      if (row !== null) continue;
      deliveries.save(this.#stores.leasedRow(delivery, attemptId, leasedUntil, now));
      leases.forget(delivery.id);
    }
    return held;
  }

  #answer(admissions: Admission[]): AdmitAnswer {
    const { settings, pace } = this.#stores.state;
    if (settings === null || !admissions.some((admission) => admission.do === "send")) return { admissions };
    return { admissions, settings, ...(pace === null ? {} : { pace: pace.mean }) };
  }

  #surroundings(offer: Offer, now: number): Surroundings {
    const { state, rate, rateLimit, leases, doubtful } = this.#stores;
    const { gone, enabled, window, breaker, quiet, failures, timedOut, pace } = state.stored;
    const { lane, room } = offer;
    const open = mayProbe(breaker, now) ? "probe" : "shut";
    const free = Math.min(SLOTS - this.#stores.inFlight(now), atOnce(pace, room));
    return {
      lane,
      gone,
      enabled,
      lagging: leases.lags(now),
      quiet: quietUntil(quiet, now) !== null,
      breaker: breaker.open === null ? "closed" : open,
      rowsOnly:
        window !== null || doubtful || offer.again === true || (state.settings?.timeout ?? 0) * SECOND > MEMORY_SPAN,
      failures,
      timedOut,
      pace,
      freeSlots: breaker.open !== null && room > 0 ? Math.max(free, 1) : free,
      freeTokens: rate.tokens(rateLimit, now),
      promisedTokens: rate.promised(rateLimit, now),
    };
  }

  /** `returns`: whoever offers it has others to send first, and offers it again. */
  #admitOne(delivery: Delivery, row: Head | null, around: Surroundings, returns: boolean, now: number): Admission {
    const { id } = delivery;
    const decision = decide(
      {
        row: row && { status: row.status, lease: row.lease, adopted: row.adopted === 1 },
        test: delivery.test === true,
        leasedUntil: this.#stores.leases.get(id)?.until ?? null,
      },
      around,
      now,
    );
    if (decision.do === "drop") return { do: "drop", id };
    if (decision.do === "send") {
      const lease = row !== null ? "row" : decision.lease === "row" ? "new row" : "memory";
      return { do: "send", ...this.#grant(row ?? this.#stores.newRow(delivery, now), lease, around, now) };
    }
    if (decision.reason === "slots" && returns) return { do: "later", id };
    if (row === null) this.#begin(delivery, decision, around, now);
    else if (decision.insert === "again") this.#waitAgain(row, decision.reason, around, now);
    return { do: "wait", id };
  }

  /** `lease`: that of a row, of one that is to be made, or one in memory. */
  #grant(row: Head, lease: "row" | "new row" | "memory", around: Surroundings, now: number): Grant {
    const { arrivals, deliveries, leases, rate, rateLimit, state } = this.#stores;
    const { id, attempts, format } = row;
    const attemptId = newId("att", now);
    const leasedUntil = now + LEASE;
    this.#stores.underWay.begin(attemptId, id, leasedUntil, now);
    if (lease === "memory") leases.grant(id, attemptId, leasedUntil);
    else {
      if (lease === "row") deliveries.leased(id, attemptId, leasedUntil);
      else deliveries.save({ ...this.#stores.newRow(refOf(row), now), lease: attemptId, due: leasedUntil });
      leases.forget(id);
      arrivals.forget(id);
    }
    around.freeSlots--;
    around.freeTokens--;
    rate.take(rateLimit, now);
    if (row.lease === "queued") {
      around.promisedTokens--;
      if (around.breaker === "probe") {
        state.probing(attemptId, leasedUntil);
        around.breaker = "shut";
      }
    }
    const grant = { id, attemptId, number: attempts + 1, trigger: triggerOf(row), leasedUntil, format };
    return lease === "memory" ? grant : { ...grant, owned: true };
  }

  /** Gives a delivery that waits and has none a row: due, held, or due at the end of its lease in memory. */
  #begin(delivery: Delivery, { insert, reason }: Waiting, around: Surroundings, now: number): void {
    const { arrivals, deliveries, leases } = this.#stores;
    const lease = leases.get(delivery.id);
    if (insert === "leased" && lease !== undefined) {
      deliveries.save(this.#stores.leasedRow(delivery, lease.attemptId, lease.until, now));
      leases.forget(delivery.id);
      return;
    }
    const row = { ...this.#stores.newRow(delivery, now), adopted: 1 };
    if (insert === "held") deliveries.save({ ...row, status: "held" });
    else {
      deliveries.save({ ...row, reason, due: this.#dueAgain(reason, around, now) });
      if (reason !== "rate") arrivals.add(row.id);
    }
  }

  /** A delivery that was released and may not go after all waits once more, unless it has for too long. */
  #waitAgain(row: Head, reason: WaitReason, around: Surroundings, now: number): void {
    const { arrivals, deliveries, expiry, schedule, state } = this.#stores;
    if (expiry.hasExpired(row, schedule, now)) {
      deliveries.expire(row.id, now);
      if (row.test === 0) state.exhausted({ ...row, error: "expired" }, now);
      return;
    }
    deliveries.waits(row.id, reason, this.#dueAgain(reason, around, now));
    if (reason !== "rate" && row.attempts === 0 && row.manual === 0) arrivals.add(row.id);
  }

  #dueAgain(reason: WaitReason | null, around: Surroundings, now: number): number {
    const { rate, rateLimit } = this.#stores;
    return reason === "rate" ? rate.freeFor(rateLimit, around.promisedTokens, now) : now;
  }

  /** Takes over deliveries that no message has brought yet; each is due after `delay` ms. */
  adopt(references: readonly Delivery[], delay: number, now: number): "adopted" | "gone" {
    const { deliveries, leases, state } = this.#stores;
    if (state.stored.gone) return "gone";
    const present = deliveries.present(references.map(({ id }) => id));
    for (const delivery of references) {
      if (present.has(delivery.id)) continue;
      present.add(delivery.id);
      const row = this.#stores.newRow(delivery, now);
      const lease = leases.get(delivery.id);
      if (lease !== undefined && lease.until > now) {
        deliveries.save(this.#stores.leasedRow(delivery, lease.attemptId, lease.until, now));
        leases.forget(delivery.id);
      } else if (state.stored.enabled || row.test === 1) {
        deliveries.save({ ...row, adopted: 1, patience: delay, due: now + delay });
      } else {
        deliveries.save({ ...row, adopted: 1, status: "held" });
      }
    }
    return "adopted";
  }
}
