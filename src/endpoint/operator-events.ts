import type { Env } from "../contracts/env";
import { eventLogStub } from "../contracts/find";
import { log, logError } from "../lib/log";
import { OPERATOR_TENANT } from "../lib/operator";
import { dayOf } from "../lib/time";
import type { Changes, EndpointName } from "./changes";

/** Sends an endpoint's operator events on to the log of the tenant `operator`. */
export class OperatorEvents {
  readonly #changes: Changes;
  readonly #env: Env;
  readonly #name: EndpointName;
  #telling: Promise<void> = Promise.resolve();

  constructor(changes: Changes, env: Env, name: EndpointName) {
    this.#changes = changes;
    this.#env = env;
    this.#name = name;
  }

  /** There are some to tell. */
  get pending(): boolean {
    return !this.#changes.erased && this.#changes.ledger.outbox.nextDue() !== null;
  }

  /** Tells them, one after the other; what the log cannot take now, the alarm sends. Never throws. */
  tell(): Promise<void> {
    if (!this.pending) return this.#telling;
    this.#telling = this.#telling.then(async () => {
      // Asked for each time: the ledger may be opened anew meanwhile.
      const outbox = () => this.#changes.ledger.outbox;
      try {
        for (const event of outbox().due(Date.now())) {
          await eventLogStub(this.#env, OPERATOR_TENANT, dayOf(Date.now())).tell(event);
          if (this.#changes.erased) return;
          outbox().remove(event.id);
          log("operator.told", { ...this.#name, told: event.id, event: event.event });
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
