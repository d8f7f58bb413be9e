import type { Lane } from "../contracts/delivery";
import type { Env } from "../contracts/env";
import type { Delivery } from "../contracts/event";
import { parseMessage } from "../contracts/messages";
import { log, logError } from "../lib/log";
import { deliver } from "./deliver";
import type { Share } from "./share";

/** The part of a batch that is for one endpoint. */
interface Group extends Omit<Share, "items" | "settled"> {
  messages: Message[];
  items: Map<string, Delivery>;
}

/** Takes what goes on after a batch is acked; see `queue_consumer_no_wait_for_wait_until` in wrangler.toml. */
type Outlast = (rest: Promise<unknown>) => void;

/**
 * Delivers a batch, one share per endpoint. A message is acked when everything in it is recorded, waits in its endpoint
 * or is not owed any more; otherwise it goes back. What cannot be read goes to the dead letters.
 */
export async function consume(batch: MessageBatch, env: Env, outlast: Outlast): Promise<void> {
  const since = Date.now();
  const groups = await groupByEndpoint(batch, env);
  let returned = 0;
  const shares = groups.map(({ messages, items, ...whither }): Share => {
    const settled = (done: boolean) => {
      if (!done) returned += messages.length;
      return done ? letGo(messages) : sendBack(messages);
    };
    return { ...whither, items: [...items.values()], settled };
  });
  const lane: Lane = batch.queue.endsWith("-slow") ? "slow" : "normal";
  await deliver(shares, lane, env, outlast);
  log("batch.consumed", {
    queue: batch.queue,
    messages: batch.messages.length,
    endpoints: groups.length,
    deliveries: groups.reduce((sum, { items }) => sum + items.size, 0),
    returned,
    durationMs: Date.now() - since,
  });
}

async function groupByEndpoint(batch: MessageBatch, env: Env): Promise<Group[]> {
  const groups = new Map<string, Group>();
  for (const message of batch.messages) {
    const parsed = parseMessage(message.body);
    if (parsed === null) {
      await bury(message, batch.queue, env);
      continue;
    }
    const { tenant, endpoint } = parsed;
    const key = `${tenant}/${endpoint}`;
    const group: Group = groups.get(key) ?? { tenant, endpoint, version: 0, messages: [], items: new Map() };
    groups.set(key, group);
    group.messages.push(message);
    if (message.attempts > 1) group.again = true;
    group.version = Math.max(group.version, parsed.version);
    // Of two messages for one delivery the one that carries its text is the one to use.
    for (const item of parsed.deliveries) if (!group.items.get(item.id)?.text) group.items.set(item.id, item);
  }
  return [...groups.values()];
}

/** Sends a message that nobody can read to the dead letters, where it is logged and counted. */
async function bury(message: Message, queue: string, env: Env): Promise<void> {
  try {
    await env.DELIVERIES_DEAD.send(message.body);
    message.ack();
  } catch (error) {
    logError("message.bury.failed", error, { queue, message: message.id });
    message.retry();
  }
}

function letGo(messages: readonly Message[]): void {
  for (const message of messages) message.ack();
}

/** Lets the queue bring the messages again, later each time. */
function sendBack(messages: readonly Message[]): void {
  for (const message of messages) message.retry({ delaySeconds: Math.min(5 * 2 ** (message.attempts - 1), 600) });
}
