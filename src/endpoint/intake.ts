import type { Admission } from "../lib/delivery";
import type { DeliveryRef } from "../lib/event";
import { newId } from "../lib/ids";
import type { AdmitAnswer } from "../lib/rooms";
import { SECOND } from "../lib/time";
import { type Decision, decide, LEASE, SLOTS, type Surroundings } from "./admission";
import type { Books } from "./books";
import { mayProbe } from "./breaker";
import type { Row } from "./deliveries";
import { freed, triggerOf } from "./rows";

/** How long an object keeps its memory without being called, in ms: what is in flight for longer needs a row. */
const MEMORY_SPAN = 10 * SECOND;

/** Takes deliveries in: those that messages offer, and those that the event log hands over. Times in ms. */
export class Intake {
  readonly #books: Books;

  constructor(books: Books) {
    this.#books = books;
  }

  /**
   * Lets deliveries go under leases in memory, if all of them are new and the endpoint is in good health, as is almost
   * always so: then nothing is written. `null`: there is more to it, and nothing is decided.
   */
  admitNew(deliveries: readonly DeliveryRef[], now: number): AdmitAnswer | null {
    const { settings } = this.#books.standing;
    const around = this.#surroundings(now);
    const ids = deliveries.map(({ id }) => id);
    if (settings === null || settings.rateLimit !== null || around.freeSlots < ids.length) return null;
    const decision = decide({ row: null, test: false, leasedUntil: null }, around, now);
    if (decision.do !== "send" || decision.lease !== "memory") return null;
    if (new Set(ids).size < ids.length || ids.some((id) => this.#books.leases.get(id) !== undefined)) return null;
    if (this.#books.deliveries.present(ids).size > 0) return null;
    const admissions = deliveries.map((delivery) => {
      return this.#send(this.#books.newRow(delivery, now), decision.lease, around, now);
    });
    return { admissions, settings };
  }

  /** Answers what may be done about each delivery that messages offer. */
  admit(deliveries: readonly DeliveryRef[], now: number): AdmitAnswer {
    const around = this.#surroundings(now);
    const present = this.#books.deliveries.present(deliveries.map(({ id }) => id));
    const admissions = deliveries.map((delivery) => {
      const row = present.has(delivery.id) ? this.#books.row(delivery.id) : null;
      // Should it be named twice, it may have one by then.
      present.add(delivery.id);
      return this.#admitOne(delivery, row, around, now);
    });
    const { settings } = this.#books.standing;
    const sends = admissions.some((admission) => admission.do === "send");
    return sends && settings ? { admissions, settings } : { admissions };
  }

  #surroundings(now: number): Surroundings {
    const { standing, rate, rateLimit, leases } = this.#books;
    const { gone, enabled, window, breaker, failures, timedOut } = standing.state;
    const open = mayProbe(breaker, now) ? "probe" : "shut";
    return {
      gone,
      enabled,
      failing: window !== null,
      lagging: leases.lags(now),
      breaker: breaker.open === null ? "closed" : open,
      longTimeout: (standing.settings?.timeout ?? 0) * SECOND > MEMORY_SPAN,
      failures,
      timedOut,
      freeSlots: SLOTS - this.#books.inFlight(now),
      freeTokens: rate.tokens(rateLimit, now),
      promisedTokens: rate.promised(rateLimit, now),
    };
  }

  #admitOne(delivery: DeliveryRef, row: Row | null, around: Surroundings, now: number): Admission {
    const { id } = delivery;
    const decision = decide(
      {
        row: row && { status: row.status, lease: row.lease, adopted: row.adopted === 1 },
        test: delivery.test === true,
        leasedUntil: this.#books.leases.get(id)?.until ?? null,
      },
      around,
      now,
    );
    if (decision.do === "drop") return { do: "drop", id };
    const base = row ?? this.#books.newRow(delivery, now);
    if (decision.do === "send") return this.#send(base, decision.lease, around, now);
    this.#wait(base, decision, around, now);
    return { do: "wait", id };
  }

  #send(row: Row, lease: "row" | "memory", around: Surroundings, now: number): Admission {
    const { deliveries, leases, rate, rateLimit, standing } = this.#books;
    const { id, attempts, format } = row;
    const attemptId = newId("att", now);
    const leasedUntil = now + LEASE;
    around.freeSlots--;
    around.freeTokens--;
    rate.take(rateLimit, now);
    if (row.lease === "queued") {
      around.promisedTokens--;
      if (around.breaker === "probe") {
        standing.probing(attemptId, leasedUntil);
        around.breaker = "shut";
      }
    }
    if (lease === "memory") {
      leases.grant(id, attemptId, leasedUntil);
    } else {
      leases.forget(id);
      deliveries.save({ ...freed(row), lease: attemptId, due: leasedUntil });
    }
    return { do: "send", id, attemptId, number: attempts + 1, trigger: triggerOf(row), leasedUntil, format };
  }

  /** Gives a delivery that waits a row with a due time, if it has none yet. */
  #wait(row: Row, { insert, reason }: Extract<Decision, { do: "wait" }>, around: Surroundings, now: number): void {
    const { deliveries, leases, expiry, schedule, rate, rateLimit, standing } = this.#books;
    const lease = leases.get(row.id);
    if (insert === "held") deliveries.save({ ...row, status: "held" });
    else if (insert === "leased" && lease) {
      deliveries.save({ ...row, lease: lease.attemptId, due: lease.until });
      leases.forget(row.id);
    } else if (insert === "again" && expiry.hasExpired(row, schedule, now)) {
      deliveries.expire(row.id, now);
      if (row.test === 0) standing.exhausted({ ...row, error: "expired" }, now);
    } else if (insert === "due" || insert === "again") {
      const due = reason === "rate" ? rate.freeFor(rateLimit, around.promisedTokens, now) : now;
      deliveries.save({ ...row, reason, lease: null, due });
    }
  }

  /** Takes over deliveries that no message has brought yet; each is due after `delay` ms. */
  adopt(references: readonly DeliveryRef[], delay: number, now: number): "adopted" | "gone" {
    const { deliveries, leases, standing } = this.#books;
    if (standing.state.gone) return "gone";
    for (const delivery of references) {
      if (deliveries.get(delivery.id) !== null) continue;
      const row = this.#books.newRow(delivery, now);
      const lease = leases.get(delivery.id);
      if (lease !== undefined && lease.until > now) {
        deliveries.save({ ...row, lease: lease.attemptId, due: lease.until });
        leases.forget(delivery.id);
      } else if (standing.state.enabled || row.test === 1) {
        deliveries.save({ ...row, adopted: 1, patience: delay, due: now + delay });
      } else {
        deliveries.save({ ...row, status: "held" });
      }
    }
    return "adopted";
  }
}
