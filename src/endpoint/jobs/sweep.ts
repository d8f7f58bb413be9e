import type { DeliveryStatus } from "../../contracts/delivery";
import type { Head } from "../row";
import type { Values } from "../values";
import type { Backlog, Recovery, Span } from "./backlog";

/** The most rows that one step puts out of work. */
export const CLEAR_AT_ONCE = 2_000;

/** What is put out of work, and how far that has come. */
interface Plan {
  to: "held" | "canceled";
  /** ms; rows that began later are not meant. */
  at: number;
  /** The statuses that are still to be gone through. */
  left: DeliveryStatus[];
  /** Ids of the first of them up to this one are done with. */
  after: string;
}

/** What sweep asks of a row. */
type Cleared = Pick<Head, "status" | "test" | "began">;

/**
 * Puts what is unfinished out of work when an endpoint is disabled or deleted: the first step at once, the alarm goes
 * on, since rewriting all of a long outage's rows would take seconds. Rows whose turn has not come yet are read as if
 * it had, so that nobody sees the steps. Times in ms.
 */
export class Sweep {
  readonly #values: Values;
  readonly #backlog: Backlog;
  readonly #limit: number;
  #plan: Plan | null;

  constructor(values: Values, backlog: Backlog, limit: number) {
    this.#values = values;
    this.#backlog = backlog;
    this.#limit = limit;
    this.#plan = values.load<{ plan: Plan | null }>("clearance")?.plan ?? null;
  }

  /** There are rows whose turn has not come: nothing may be sent before. */
  get pending(): boolean {
    return this.#plan !== null;
  }

  /** The endpoint is disabled: what is unfinished is held. */
  hold(now: number): void {
    this.#begin({ to: "held", at: now, left: ["pending", "retrying"], after: "" }, now);
  }

  /** The endpoint is deleted: what is unfinished is canceled. */
  cancel(now: number): void {
    this.#begin({ to: "canceled", at: now, left: ["pending", "retrying", "held"], after: "" }, now);
  }

  /** Takes the next step. */
  goOn(now: number): void {
    const plan = this.#plan;
    const [status, ...others] = plan?.left ?? [];
    if (plan === null || status === undefined) return;
    const { to, at, after } = plan;
    const last =
      to === "held"
        ? this.#backlog.hold(status, after, at, this.#limit)
        : this.#backlog.cancel(status, after, at, this.#limit);
    if (last !== null) this.#save({ ...plan, after: last });
    else if (others.length > 0) this.#save({ ...plan, left: others, after: "" });
    else this.#save(null);
    if (last === null && others.length > 0) this.goOn(now);
  }

  /**
   * How many deliveries of a span are recoverable, up to `most`: those in the table that nobody has `asked` for yet, and
   * those that are yet to be held.
   */
  recoverable(span: Span, asked: readonly Recovery[], most: number): number {
    const yet = this.#plan?.to === "held" && span.statuses.includes("held") ? this.#plan.at : null;
    const count = this.#backlog.count(span, asked, most);
    return count + (yet === null ? 0 : this.#backlog.countUnfinished(span, yet, most - count));
  }

  /** When a row begins that is made at `now`: never among those that are meant. */
  beginning(now: number): number {
    return this.#plan === null ? now : Math.max(now, this.#plan.at + 1);
  }

  /** A row's status as it is once its turn has come. */
  statusOf({ status, test, began }: Cleared): DeliveryStatus {
    if (this.#plan === null || !["pending", "retrying", "held"].includes(status)) return status;
    if (this.#plan.to === "canceled") return "canceled";
    return test === 0 && began <= this.#plan.at ? "held" : status;
  }

  /** A row as it is once its turn has come. */
  shown<T extends Head>(row: T): T {
    const status = this.#endsTest(row) ? "failed" : this.statusOf(row);
    if (status === row.status || this.#plan === null) return row;
    const rest = { ...row, status, reason: null, lease: null, due: null };
    if (status !== "held") return { ...rest, finished: this.#plan.at };
    return { ...rest, ...(isInFlight(row) ? { lease: row.lease, due: row.due } : {}) };
  }

  /** Whether a row is that of a test that fails when its turn comes, since the endpoint was disabled after it was asked for. */
  #endsTest(row: Head): boolean {
    if (this.#plan?.to !== "held" || row.test === 0 || row.began > this.#plan.at) return false;
    return ["pending", "retrying"].includes(row.status) && !(isInFlight(row) && (row.due ?? 0) > this.#plan.at);
  }

  /** The statuses in which rows of these are found in the table. */
  stored(statuses: readonly DeliveryStatus[]): DeliveryStatus[] {
    if (this.#plan === null || !statuses.includes(this.#plan.to)) return [...statuses];
    return [...new Set([...statuses, ...this.#plan.left])];
  }

  #begin(plan: Plan, now: number): void {
    this.#plan = plan;
    this.goOn(now);
  }

  #save(plan: Plan | null): void {
    this.#values.save("clearance", { plan });
    this.#plan = plan;
  }
}

function isInFlight({ lease }: Head): boolean {
  return lease !== null && lease !== "queued";
}
