import type { Env } from "../contracts/env";
import { type Event, refTo } from "../contracts/event";
import type { Versions } from "../contracts/event-log";
import { queueOf } from "../contracts/queues";
import { Outbound } from "../event-log/merge-messages";
import { deliveryId } from "../lib/ids";
import { logError } from "../lib/log";
import { deliver } from "./deliver";
import type { Share } from "./invocation/share";

/** How long what could not be offered to its endpoint rests before the queue brings it, in seconds: as long as a message that goes back. */
const AGAIN = 5;

/**
 * Delivers an event from the Worker that has accepted it, without a message. Its log owns the deliveries, as it does while
 * messages are under way; where an endpoint is out of reach the message follows. `versions`: of the endpoints'
 * configuration, as accepting has seen them. `outlast` takes what goes on after it. Never throws.
 */
export async function deliverDirectly(
  env: Env,
  tenant: string,
  event: Event,
  versions: Versions,
  outlast: (rest: Promise<unknown>) => void,
): Promise<void> {
  const { ulid, type, timestamp, payloadId, data, matches } = event;
  const missed = new Set<number>();
  const shares = matches.map(({ endpoint, test }, index): Share => {
    const item = { ...refTo(deliveryId(ulid, index), type, test), text: { timestamp, payloadId, data } };
    const settled = (done: boolean) => {
      if (!done) missed.add(index);
    };
    return { tenant, endpoint, version: versions.get(endpoint) ?? 0, items: [item], settled };
  });
  await deliver(shares, "direct", env, outlast);
  if (missed.size > 0) await enqueue(env, tenant, event, versions, missed);
}

async function enqueue(env: Env, tenant: string, event: Event, versions: Versions, only: ReadonlySet<number>) {
  const outbound = new Outbound(tenant);
  outbound.add([event], versions, only);
  try {
    for (const message of outbound.take()) {
      const queue = queueOf(env, message.shares[0]?.endpoint ?? "", "normal");
      await queue.send(message, { delaySeconds: AGAIN });
    }
  } catch (error) {
    logError("event.enqueue.failed", error, { tenant, deliveries: only.size });
  }
}
