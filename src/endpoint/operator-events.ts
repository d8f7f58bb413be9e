import { operatorEvents } from "../contracts/find";
import { log, logError } from "../lib/log";
import type { Changes, EndpointName } from "./changes";

/** Sends an endpoint's operator events on. */
export class OperatorEvents {
  readonly #changes: Changes;
  readonly #ctx: DurableObjectState;
  readonly #name: EndpointName;
  #telling: Promise<void> = Promise.resolve();

  constructor(changes: Changes, ctx: DurableObjectState, name: EndpointName) {
    this.#changes = changes;
    this.#ctx = ctx;
    this.#name = name;
  }

  /** There are some to tell. */
  get pending(): boolean {
    return !this.#changes.erased && this.#changes.ledger.outbox.nextDue() !== null;
  }

  /** Tells them, one call after the other; what cannot be accepted now, the alarm sends. Never throws. */
  tell(): Promise<void> {
    if (!this.pending) return this.#telling;
    this.#telling = this.#telling.then(async () => {
      // Asked for each time: the ledger may be opened anew meanwhile.
      const outbox = () => this.#changes.ledger.outbox;
      try {
        const events = outbox().due(Date.now());
        if (events.length > 0) await operatorEvents(this.#ctx).tell(events);
        if (this.#changes.erased) return;
        for (const event of events) {
          outbox().remove(event.id);
          log("operator.told", { ...this.#name, told: event.id, event: event.type });
        }
      } catch (error) {
        if (!this.#changes.erased) outbox().postpone(Date.now());
        logError("operator.tell.failed", error, this.#name);
      }
      this.#changes.arm();
    });
    return this.#telling;
  }
}
