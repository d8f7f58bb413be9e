import type { Env } from "../contracts/env";
import { queueOf } from "../contracts/queues";
import { logError } from "../lib/log";
import type { Changes, EndpointName } from "./changes";
import { logDropped } from "./jobs/capacity";

/** Puts what is due back onto the queue, for an alarm that was due at `scheduled` (ms); answers how much. Never throws. */
export async function putBack(
  changes: Changes,
  env: Env,
  name: EndpointName,
  scheduled: number | undefined,
): Promise<number> {
  try {
    // The next alarm is set before the send: if we die in it, the leases end and the deliveries come up again.
    const released = changes.make((ledger) => ledger.release(Date.now(), scheduled));
    const { messages, lane, dropped } = released;
    logDropped(name, dropped);
    if (messages.length === 0) return 0;
    const queue = queueOf(env, name.endpoint, lane);
    const version = changes.ledger.state.settings?.version ?? 0;
    await queue.sendBatch(messages.map((deliveries) => ({ body: { ...name, version, deliveries } })));
    return released.deliveries.length;
  } catch (error) {
    logError("endpoint.release.failed", error, name);
    return 0;
  }
}
