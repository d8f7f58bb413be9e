import type { Values } from "../values";
import type { Backlog, Recovery, Span } from "./backlog";

/** The most deliveries that a recovery makes due at once; the alarm goes on with the rest. */
export const RECOVER_AT_ONCE = 2_000;
/** The most recoveries that wait to be carried out: each is a span of its own that is gone through. */
export const MOST_RECOVERIES = 10;
/** The most deliveries that are counted before a recovery; all are recovered. */
export const COUNT_MOST = 100_000;

/** What people asked to recover and is not all due yet: rewriting all of a long outage's rows at once would take seconds. */
export class Recoveries {
  readonly #values: Values;
  readonly #backlog: Backlog;
  #list: Recovery[];

  constructor(values: Values, backlog: Backlog) {
    this.#values = values;
    this.#backlog = backlog;
    this.#list = values.load<{ list: Recovery[] }>("recoveries")?.list ?? [];
  }

  get pending(): boolean {
    return this.#list.length > 0;
  }

  /** What is not carried out whole yet. */
  get asked(): readonly Recovery[] {
    return this.#list;
  }

  /** Takes a person's wish. */
  ask(span: Span, now: number): void {
    this.#save([...this.#list, { ...span, after: "", askedAt: now }]);
  }

  /** Carries out the next part. */
  goOn(now: number): void {
    const [first, ...others] = this.#list;
    if (first === undefined) return;
    const rest = this.#backlog.makeDue(first, RECOVER_AT_ONCE, now);
    this.#save(rest === null ? others : [rest, ...others]);
  }

  /** The endpoint is disabled or deleted: what is left of them is not wished any more. */
  end(): void {
    this.#save([]);
  }

  #save(list: Recovery[]): void {
    if (list.length === 0 && this.#list.length === 0) return;
    this.#values.save("recoveries", { list });
    this.#list = list;
  }
}
