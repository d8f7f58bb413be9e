import type { Outcome } from "../lib/delivery";
import type { DisabledReason } from "../lib/settings";
import { hasAttempt, withAttempt } from "./attempt-log";
import type { Books } from "./books";
import type { Row } from "./deliveries";
import { nextAttemptAt } from "./retry";
import { freed } from "./rows";

type Attempted = Extract<Outcome, { kind: "attempted" }>;

/** Writes down what came of deliveries that were sent. Times in ms. */
export class Recording {
  readonly #books: Books;
  readonly #random: () => number;
  readonly #disable: (reason: DisabledReason, now: number) => void;

  /** `disable` is called when an outcome switches the endpoint off. */
  constructor(books: Books, random: () => number, disable: (reason: DisabledReason, now: number) => void) {
    this.#books = books;
    this.#random = random;
    this.#disable = disable;
  }

  /** Writes one outcome down. Doing so twice changes nothing. */
  record(outcome: Outcome, now: number): void {
    const { leases, standing } = this.#books;
    const { id } = outcome.delivery;
    const lease = leases.get(id);
    const attemptId = outcome.kind === "attempted" ? outcome.attempt.id : outcome.attemptId;
    // While a lease in memory holds, there is no row: whoever makes one takes the lease over.
    const row = lease?.attemptId === attemptId && lease.until > now ? null : this.#books.row(id);
    const current = this.#books.isLatest(row, id, attemptId);
    const succeeded = outcome.kind === "attempted" && outcome.attempt.error === null;
    // Success wins even when it comes late; whatever else is late changes nothing.
    if (!current && (!succeeded || row?.status === "succeeded")) return;
    if (row !== null && hasAttempt(row.log, attemptId)) return;
    if (standing.state.gone && row === null && !succeeded) return;
    if (lease?.attemptId === attemptId || succeeded) leases.forget(id);

    const before = row ?? this.#books.newRow(outcome.delivery, now);
    if (outcome.kind === "attempted") this.#attempted(before, outcome, now);
    else {
      standing.untold(attemptId);
      this.#untried(freed(before), outcome.kind, now);
    }
  }

  /** No attempt was made. */
  #untried(row: Row, kind: Exclude<Outcome["kind"], "attempted">, now: number): void {
    const { deliveries, standing } = this.#books;
    if (kind === "unsent") deliveries.save(this.#waiting({ ...row, due: now }, now));
    else if (kind === "erased") deliveries.save({ ...row, status: "canceled", manual: 0, finished: now });
    else {
      const expired: Row = { ...row, status: "failed", error: "expired", manual: 0, finished: now };
      deliveries.save(expired);
      if (row.test === 0) standing.exhausted(expired, now);
    }
  }

  #attempted(before: Row, outcome: Attempted, now: number): void {
    const { deliveries, leases, standing } = this.#books;
    // Canceled though the endpoint is there: its event is erased, and the answer may repeat it.
    const erased = before.status === "canceled" && !standing.state.gone;
    const attempt = erased ? { ...outcome.attempt, response: null } : outcome.attempt;
    const tried: Row = {
      ...freed(before),
      attempts: before.attempts + 1,
      manual: 0,
      code: attempt.statusCode,
      error: attempt.error,
      format: attempt.format ?? before.format,
      duration: attempt.durationMs,
      log: withAttempt(before.log, attempt),
    };
    if (tried.test === 1) standing.untold(attempt.id);
    if (attempt.error === null) {
      if (tried.test === 0) standing.succeeded(now);
      leases.lag(0);
      deliveries.save({ ...tried, status: "succeeded", finished: now });
      return;
    }
    if (tried.test === 0) {
      const reason = standing.failed(attempt, now);
      if (reason !== null) this.#disable(reason, now);
    }
    this.#retry(tried, attempt.at + attempt.durationMs, outcome.retryAfter, now);
  }

  #retry(tried: Row, endedAt: number, retryAfter: number | null, now: number): void {
    const { deliveries, standing, schedule } = this.#books;
    // Nobody could enable a callback again, so it ends where an endpoint is disabled.
    const over = standing.settings?.callback && tried.error === "gone";
    const next = over
      ? null
      : nextAttemptAt({ schedule, step: tried.step, endedAt, retryAfter, random: this.#random() });
    if (standing.state.gone) deliveries.save({ ...tried, status: "canceled", finished: now });
    else if (next === null) {
      deliveries.save({ ...tried, status: "failed", finished: now });
      if (tried.test === 0) standing.exhausted(tried, now);
    } else deliveries.save(this.#waiting({ ...tried, status: "retrying", step: tried.step + 1, due: next }, now));
  }

  /** An unfinished row as it waits: held while the endpoint is disabled, canceled when it is deleted. */
  #waiting(row: Row, now: number): Row {
    const { enabled, gone } = this.#books.standing.state;
    if (gone) return { ...row, status: "canceled", due: null, finished: row.finished ?? now };
    if (enabled) return row;
    // A test is not worth holding: whoever asked for it has its answer.
    if (row.test === 1) return { ...row, status: "failed", due: null, finished: now };
    return { ...row, status: "held", due: null };
  }
}
