import type { Lane } from "../contracts/delivery";
import type { Env } from "../contracts/env";
import type { Delivery } from "../contracts/event";
import { parseMessage } from "../contracts/messages";
import { log, logError } from "../lib/log";
import { isSlowQueue } from "../lib/queue-names";
import { deliver } from "./deliver";
import type { Share } from "./invocation/share";

/** What of a batch is for one endpoint. */
interface Group extends Omit<Share, "items" | "settled"> {
  parts: Part[];
  items: Map<string, Delivery>;
}

/** A message on its way through the endpoints that it is for. */
interface Part {
  message: Message;
  /** Endpoints that are not settled yet. */
  left: number;
  complete: boolean;
}

/** Takes what goes on after a batch is acked; see `queue_consumer_no_wait_for_wait_until` in wrangler.toml. */
type Outlast = (rest: Promise<unknown>) => void;

/**
 * Delivers a batch, one share per endpoint. A message is acked when everything in it is recorded, waits in its endpoints
 * or is not owed any more; otherwise it goes back, and what was settled is not sent again. What cannot be read goes to the
 * dead letters.
 */
export async function consume(batch: MessageBatch, env: Env, outlast: Outlast): Promise<void> {
  const since = Date.now();
  const groups = await groupByEndpoint(batch, env);
  let returned = 0;
  const shares = groups.map(({ parts, items, ...whither }): Share => {
    const settled = (done: boolean) => {
      for (const part of parts) {
        part.complete &&= done;
        if (--part.left > 0) continue;
        if (part.complete) part.message.ack();
        else {
          returned++;
          sendBack(part.message);
        }
      }
    };
    return { ...whither, items: [...items.values()], settled };
  });
  const lane: Lane = isSlowQueue(batch.queue) ? "slow" : "normal";
  await deliver(shares, lane, env, outlast);
  // What goes through needs no line: its events have theirs, and of its failures each attempt has one.
  if (returned === 0) return;
  log("batch.returned", {
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
    const { tenant, shares } = parsed;
    const part: Part = { message, left: 0, complete: true };
    for (const { endpoint, version, deliveries } of shares) {
      const key = `${tenant}/${endpoint}`;
      const group: Group = groups.get(key) ?? { tenant, endpoint, version: 0, parts: [], items: new Map() };
      groups.set(key, group);
      // An endpoint is settled once, however often a message names it.
      if (group.parts.at(-1) !== part) {
        group.parts.push(part);
        part.left++;
      }
      if (message.attempts > 1) group.again = true;
      group.version = Math.max(group.version, version);
      // Of two messages for one delivery the one that carries its text is the one to use.
      for (const item of deliveries) if (!group.items.get(item.id)?.text) group.items.set(item.id, item);
    }
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

/** Lets the queue bring a message again, later each time. */
function sendBack(message: Message): void {
  message.retry({ delaySeconds: Math.min(5 * 2 ** (message.attempts - 1), 600) });
}
