import { WorkerEntrypoint } from "cloudflare:workers";
import { configOf } from "../config/databases";
import { snapshotOf } from "../config/snapshot";
import type { Env } from "../contracts/env";
import type { OperatorEvent, OperatorEventsContract } from "../contracts/operator-events";
import { logError } from "../lib/log";
import { OPERATOR_TENANT } from "../lib/operator";
import { accept } from "./accept";

const NOBODY = { since: 0, loadedAt: 0, subscriptions: [], automations: [], signals: [] };

/** The entry point by which endpoints tell the operator how they fare. */
export class OperatorEvents extends WorkerEntrypoint<Env> implements OperatorEventsContract {
  async tell(events: OperatorEvent[]): Promise<void> {
    for (const event of events) await acceptOperatorEvent(this.env, event, Date.now());
  }
}

async function acceptOperatorEvent(env: Env, told: OperatorEvent, now: number): Promise<void> {
  const { id, type, timestamp, data } = told;
  // Without the tenant nobody listens: the event is kept in the log all the same.
  const snapshot = (await snapshotOf(await configOf(env, OPERATOR_TENANT), OPERATOR_TENANT, now)) ?? NOBODY;
  const posted = { type, timestamp, data, idempotencyKey: id };
  const { kind } = await accept(env, OPERATOR_TENANT, snapshot, posted, now);
  // Only a caller who took our key could bring this about; trying again would not change it.
  if (kind === "conflict") logError("operator.event.conflict", "the key was used with another body", { key: id, type });
}
