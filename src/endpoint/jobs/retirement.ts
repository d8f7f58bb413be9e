import { DAY } from "../../lib/time";
import type { Values } from "../storage/values";

/** How much longer than its last events a deleted endpoint's log is kept, in ms: whole days go, and late ones. */
const GRACE = 2 * DAY;

/** When a log may go whose endpoint was deleted at `closedAt`, in ms; `retention`: of events, in ms. Pure. */
export function overAt(closedAt: number, retention: number): number {
  return closedAt + retention + GRACE;
}

/**
 * The end of a deleted endpoint's log. It is known by its tenant's events as long as these are kept; after that its object
 * is emptied, and whoever asks again learns from D1 that it is gone. Times in ms.
 */
export class Retirement {
  readonly #values: Values;
  #closedAt: number | null;

  constructor(values: Values) {
    this.#values = values;
    this.#closedAt = values.load<{ closedAt: number | null }>("retirement")?.closedAt ?? null;
  }

  /** When the log is over, as the endpoint stands at `now`; `null`: it is there. One that is gone counts from when that is first seen. */
  at(gone: boolean, now: number, retention: number): number | null {
    if (gone !== (this.#closedAt !== null)) {
      const closedAt = gone ? now : null;
      this.#values.save("retirement", { closedAt });
      this.#closedAt = closedAt;
    }
    return this.#closedAt === null ? null : overAt(this.#closedAt, retention);
  }
}
