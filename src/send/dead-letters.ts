import { serviceOf } from "../config/databases";
import { countDeadLetter } from "../config/dead-letters";
import { type Env, reconcileAfterMs } from "../contracts/env";
import { endpointStub } from "../contracts/find";
import { parseMessage } from "../contracts/messages";
import { log, logError } from "../lib/log";
import { MINUTE } from "../lib/time";

/**
 * Takes in what the consumer gave up on. A delivery goes to its endpoint, which takes it over and tries it again
 * later, so that an outage of ours never ends as a failed delivery; what nobody can read is logged and counted.
 */
export async function consumeDeadLetters(batch: MessageBatch, env: Env): Promise<void> {
  for (const message of batch.messages) {
    try {
      await takeIn(message, batch.queue, env);
      message.ack();
    } catch (error) {
      logError("deadletter.failed", error, { message: message.id });
      message.retry({ delaySeconds: 60 });
    }
  }
}

async function takeIn(message: Message, queue: string, env: Env): Promise<void> {
  const parsed = parseMessage(message.body);
  if (parsed === null) {
    await countDeadLetter(serviceOf(env), queue, Date.now());
    logError("deadletter.unreadable", "not a delivery message", { queue, message: message.id });
    return;
  }
  const delay = Math.max(MINUTE, reconcileAfterMs(env));
  const { tenant, shares } = parsed;
  for (const { endpoint, deliveries } of shares) {
    const refs = deliveries.map(({ text: _, ...ref }) => ref);
    const answer = await endpointStub(env, tenant, endpoint).adopt(refs, delay);
    log("deadletter.adopted", { tenant, endpoint, deliveries: refs.length, outcome: answer });
  }
}
