import { WorkerEntrypoint } from "cloudflare:workers";
import { configOf } from "../config/databases";
import { listens, type Snapshot, snapshotIfAny } from "../config/snapshot";
import type { OperatorEvent, OperatorEventsContract } from "../contracts/entry-points";
import type { Env } from "../contracts/env";
import { logError } from "../lib/log";
import { OPERATOR_TENANT } from "../lib/operator";
import { accept, acceptAll, type Posted } from "./accept";

/** The entry point by which endpoints tell the operator how they fare. */
export class OperatorEvents extends WorkerEntrypoint<Env> implements OperatorEventsContract {
  async tell(events: OperatorEvent[]): Promise<void> {
    const now = Date.now();
    // Nobody listens: then nothing is written.
    const snapshot = await snapshotIfAny(await configOf(this.env, OPERATOR_TENANT), OPERATOR_TENANT, now);
    if (snapshot === null) return;
    const wanted = events
      .filter(({ type }) => listens(OPERATOR_TENANT, type, now) !== false)
      .map(({ id, ...event }): Posted => ({ ...event, idempotencyKey: id }));
    if (wanted.length === 0) return;
    const { kind } = await acceptAll(this.env, OPERATOR_TENANT, snapshot, wanted, undefined, now);
    if (kind === "conflict") await this.#tellEach(snapshot, wanted, now);
  }

  /** One of them has a key that was used with another body: the others are told all the same. */
  async #tellEach(snapshot: Snapshot, events: readonly Posted[], now: number): Promise<void> {
    for (const event of events) {
      const { kind } = await accept(this.env, OPERATOR_TENANT, snapshot, event, now);
      // Only a caller who took our key could bring this about; trying again would not change it.
      const { idempotencyKey: key, type } = event;
      if (kind === "conflict") logError("operator.event.conflict", "the key was used with another body", { key, type });
    }
  }
}
