import type { Outcome } from "../contracts/delivery";
import type { DisabledReason } from "../contracts/settings";
import { atOnce, LANES } from "./policy/admission";
import { nextAttemptAt } from "./policy/retry";
import { hasAttempt, withAttempt, withoutResponse } from "./storage/attempt-log";
import { attemptOf, ended, freed, type Row } from "./storage/row";
import type { Stores } from "./stores";

type Attempted = Extract<Outcome, { kind: "attempted" }>;

/** Writes down what came of deliveries that were sent. Times in ms. */
export class Recording {
  readonly #stores: Stores;
  readonly #random: () => number;
  readonly #disable: (reason: DisabledReason, now: number) => void;
  /**
   * By the step of the schedule: when the last retry is due, and how many are together with it. As many as one consumer is
   * given at once go together, which spares each an alarm, a message and calls of its own.
   */
  readonly #retries = new Map<number, { at: number; count: number }>();

  /** `disable` is called when an outcome switches the endpoint off. */
  constructor(stores: Stores, random: () => number, disable: (reason: DisabledReason, now: number) => void) {
    this.#stores = stores;
    this.#random = random;
    this.#disable = disable;
  }

  /** Writes outcomes down, in their order. Doing so twice changes nothing. */
  record(outcomes: readonly Outcome[], now: number): void {
    const { deliveries } = this.#stores;
    const fresh: Row[] = [];
    for (const outcome of outcomes) {
      const row = this.#firstSuccess(outcome, now);
      if (row !== null) fresh.push(row);
      else {
        // What follows may look at all rows.
        deliveries.addSucceeded(fresh.splice(0));
        this.#record(outcome, now);
      }
    }
    deliveries.addSucceeded(fresh);
  }

  /** The row of a delivery that succeeded at its first attempt, as almost all do; `null`: it is none of these. */
  #firstSuccess(outcome: Outcome, now: number): Row | null {
    if (outcome.kind !== "attempted" || outcome.attempt.error !== null) return null;
    const { delivery, attempt } = outcome;
    if (!this.#hasAlone(delivery.id, attempt.id, now)) return null;
    this.#stores.leases.forget(delivery.id);
    return this.#succeeded(tried(this.#stores.newRow(delivery, now), outcome, attempt.entry), attempt, now);
  }

  /** Whether the attempt has a delivery that has no row: whoever makes one says so in the lease. */
  #hasAlone(id: string, attemptId: string, now: number): boolean {
    const lease = this.#stores.leases.get(id);
    return lease?.attemptId === attemptId && lease.until > now && !lease.row;
  }

  #record(outcome: Outcome, now: number): void {
    const { leases, state } = this.#stores;
    const { id } = outcome.delivery;
    const attemptId = attemptOf(outcome);
    const row = this.#hasAlone(id, attemptId, now) ? null : this.#stores.row(id, now);
    const current = this.#stores.isLatest(row, id, attemptId, now);
    const succeeded = outcome.kind === "attempted" && outcome.attempt.error === null;
    // Success wins even when it comes late; whatever else is late changes nothing.
    if (!current && (!succeeded || row?.status === "succeeded")) return;
    if (row !== null && hasAttempt(row.log, attemptId)) return;
    if (state.stored.gone && row === null && !succeeded) return;
    if (leases.get(id)?.attemptId === attemptId || succeeded) leases.forget(id);

    const before = row ?? this.#stores.newRow(outcome.delivery, now);
    if (outcome.kind === "attempted") this.#attempted(before, outcome, now);
    else {
      state.untold(attemptId);
      this.#untried(freed(before), outcome.kind, now);
    }
  }

  /** No attempt was made. */
  #untried(row: Row, kind: Exclude<Outcome["kind"], "attempted">, now: number): void {
    const { deliveries, state } = this.#stores;
    if (kind === "unsent") deliveries.save(this.#waiting({ ...row, due: now }, now));
    else if (kind === "erased") deliveries.save(ended({ ...row, manual: 0 }, "canceled", now));
    else {
      const expired = ended({ ...row, error: "expired", manual: 0 }, "failed", now);
      deliveries.save(expired);
      if (row.test === 0) state.exhausted(expired, now);
    }
  }

  #attempted(before: Row, outcome: Attempted, now: number): void {
    const { deliveries, state } = this.#stores;
    const { attempt, retryAfter } = outcome;
    // Canceled though the endpoint is there: its event is erased, and the answer may repeat it.
    const erased = before.status === "canceled" && !state.stored.gone;
    const row = tried(before, outcome, erased ? withoutResponse(attempt.entry) : attempt.entry);
    if (attempt.error === null) {
      deliveries.save(this.#succeeded(row, attempt, now));
      return;
    }
    if (row.test === 1) state.untold(attempt.id);
    else {
      if (attempt.error !== "timeout" && attempt.error !== "connection" && attempt.error !== "blocked") {
        state.answered(attempt.durationMs);
      }
      const reason = state.failed(attempt, retryAfter, now);
      if (reason !== null) this.#disable(reason, now);
    }
    this.#retry(row, attempt.at + attempt.durationMs, retryAfter, now);
  }

  /** A tried row, now that its attempt has succeeded. */
  #succeeded(row: Row, { id, at }: Attempted["attempt"], now: number): Row {
    const { leases, state } = this.#stores;
    state.answered(row.duration ?? 0);
    if (row.test === 1) state.untold(id);
    else state.succeeded(at, now);
    leases.lag(0);
    return ended(row, "succeeded", now);
  }

  #retry(row: Row, endedAt: number, retryAfter: number | null, now: number): void {
    const { deliveries, state } = this.#stores;
    // Nobody could enable a callback again, so it ends where an endpoint is disabled.
    const over = state.settings?.callback && row.error === "gone";
    const next = over ? null : this.#nextAttemptAt(row.step, endedAt, retryAfter);
    if (state.stored.gone) deliveries.save(ended(row, "canceled", now));
    else if (next === null) {
      deliveries.save(ended(row, "failed", now));
      if (row.test === 0) state.exhausted(row, now);
    } else deliveries.save(this.#waiting({ ...row, status: "retrying", step: row.step + 1, due: next }, now));
  }

  #nextAttemptAt(step: number, endedAt: number, retryAfter: number | null): number | null {
    const others = this.#retries.get(step);
    const { schedule, state } = this.#stores;
    const most = atOnce(state.stored.pace, LANES);
    const beside = others !== undefined && others.count < most ? others.at : null;
    const at = nextAttemptAt({ schedule, step, endedAt, retryAfter, beside, random: this.#random() });
    if (at !== null) this.#retries.set(step, { at, count: at === beside ? (others?.count ?? 0) + 1 : 1 });
    return at;
  }

  /** An unfinished row as it waits: held while the endpoint is disabled, canceled when it is deleted. */
  #waiting(row: Row, now: number): Row {
    const { enabled, gone } = this.#stores.state.stored;
    if (gone) return ended(row, "canceled", row.finished ?? now);
    if (enabled) return row;
    // A test is not worth holding: whoever asked for it has its answer.
    if (row.test === 1) return ended(row, "failed", now);
    return { ...row, status: "held", due: null };
  }
}

/** A row with the attempt that was made of it. Pure. */
function tried(before: Row, { attempt, delivery }: Attempted, entry: string): Row {
  return {
    ...freed(before),
    attempts: before.attempts + 1,
    manual: 0,
    code: attempt.statusCode,
    error: attempt.error,
    format: attempt.format ?? before.format,
    duration: attempt.durationMs,
    text: before.text ?? (delivery.text === undefined ? null : JSON.stringify(delivery.text)),
    log: withAttempt(before.log, entry),
  };
}
