import type { RecoverRequest, RecoverResult, ResendResult } from "../contracts/endpoint";
import type { Delivery } from "../contracts/event";
import { COUNT_MOST } from "./jobs/jobs";
import { attemptsOf } from "./storage/attempt-log";
import { dueByHand, ended, freed } from "./storage/row";
import type { Stores } from "./stores";

/** Among so many that are due first one is looked for that can probe: tests cannot. */
const PROBED_OF = 20;

/** What people do to deliveries: resend one, recover many, erase an event's. Times in ms. */
export class ByHand {
  readonly #stores: Stores;

  constructor(stores: Stores) {
    this.#stores = stores;
  }

  /** Makes a delivery due now as a person's attempt, in place of a scheduled one; a schedule that had ended restarts. */
  resend(delivery: Delivery, now: number): ResendResult {
    const { deliveries, leases, state } = this.#stores;
    if (state.stored.gone) return "unknown";
    if (!state.stored.enabled) return "disabled";
    const fresh = this.#stores.newRow(delivery, now);
    const row = this.#stores.row(delivery.id, now) ?? fresh;
    if (leases.holds(delivery.id, now)) return "in-flight";
    // Called to probe already: until its message is given up nothing else may go, so it becomes the person's attempt.
    const called = leases.get(row.id)?.attemptId === null && state.stored.breaker.open !== null;
    if (called) deliveries.save({ ...row, manual: 1, format: null });
    else {
      deliveries.save(dueByHand(row, fresh.began, now));
      leases.forget(row.id);
    }
    return "resending";
  }

  /**
   * Lets the breaker's next probe go at once, with what is due first, whatever its time; the one that is under way goes on.
   * Nothing where the breaker is closed or the endpoint disabled, and nothing before a time that the receiver asked for.
   */
  probe(now: number): void {
    const { deliveries, leases, state } = this.#stores;
    if (!state.stored.enabled || state.stored.breaker.open === null) return;
    state.hurry();
    const waits = ({ id }: { id: string }) => !leases.isOut(id, now) && deliveries.head(id)?.test === 0;
    const first = deliveries.firstDue(leases.rowsOut(now).count + PROBED_OF).find(waits);
    const row = first === undefined || first.due <= now ? null : deliveries.get(first.id);
    if (row !== null) deliveries.save({ ...row, due: now });
  }

  /**
   * Makes an endpoint's failed and held deliveries of a time span due now, and answers how many it is about that no
   * recovery was asked for before; see `resend`.
   */
  recover({ dryRun, ...span }: RecoverRequest, now: number): RecoverResult {
    const { state, jobs } = this.#stores;
    if (state.stored.gone) return { count: 0 };
    if (!dryRun && !state.stored.enabled) return "disabled";
    const counted = jobs.recoverable(span, COUNT_MOST + 1);
    const result: RecoverResult = counted > COUNT_MOST ? { count: COUNT_MOST, truncated: true } : { count: counted };
    if (dryRun || counted === 0) return result;
    const id = jobs.recover(span, result.count, now);
    return id === null ? "busy" : { ...result, id };
  }

  /**
   * Their event's content is erased: what is unfinished ends as canceled, also what no message has brought yet, and
   * what receivers answered is dropped, since it may repeat the content.
   */
  erase(references: readonly Delivery[], now: number): void {
    const { deliveries, leases } = this.#stores;
    for (const delivery of references) {
      leases.forget(delivery.id);
      const row = this.#stores.row(delivery.id, now) ?? this.#stores.newRow(delivery, now);
      const log = JSON.stringify(attemptsOf(row.log).map((attempt) => ({ ...attempt, response: null })));
      const isOver = row.status === "succeeded" || row.status === "failed" || row.status === "canceled";
      const canceled = ended({ ...freed(row), log, manual: 0 }, "canceled", now);
      deliveries.save(isOver ? { ...row, log } : canceled);
    }
  }
}
