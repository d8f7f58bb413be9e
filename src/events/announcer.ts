import { utf8 } from "../lib/crypto";
import type { StoredEvent } from "../lib/event";
import { deliveryId } from "../lib/ids";
import { logError } from "../lib/log";
import { type DeliveryItem, type DeliveryMessage, INLINE_DATA_BYTES, MESSAGE_BYTES } from "../lib/messages";
import type { Versions } from "../lib/rooms";

/** The limits of one `sendBatch` (Queues: 100 messages, 256 KB together), with room for the queue's own metadata. */
const BATCH_MESSAGES = 100;
const BATCH_BYTES = 240_000;
/** The most deliveries in one message. */
const MESSAGE_DELIVERIES = 100;
/** Kept free in a message for all but the text of one event: ids, type, tenant. */
const ENVELOPE_BYTES = 1_000;
/** A log that called the queue so short a time ago is busy, in ms. */
const BUSY = 50;
/** How long a busy log waits for more to take along, in ms: a call takes it as long as ten messages. */
const GATHER = 5;
/** The most calls of the queue under way: a call more than that waits, and takes along what comes meanwhile. */
const CALLS = 2;

/**
 * Puts the messages of new events onto the queue. What comes while a call is under way goes with the next one, so that a
 * busy log makes few calls and an idle one waits for none. Whatever fails here, the log owns the deliveries and hands
 * them over later.
 */
export class Announcer {
  readonly #queue: Queue<DeliveryMessage>;
  readonly #tenant: string;
  readonly #waiting: SizedMessage[] = [];
  #calls = 0;
  /** When the queue was last called, in ms. */
  #calledAt = 0;

  constructor(queue: Queue<DeliveryMessage>, tenant: string) {
    this.#queue = queue;
    this.#tenant = tenant;
  }

  /** Tells the endpoints of events, of which `only` the deliveries at these indexes. Waits for nothing. */
  announce(events: readonly StoredEvent[], versions: Versions, only?: ReadonlySet<number>): void {
    this.#waiting.push(...messagesOf(this.#tenant, events, versions, only));
    if (this.#calls < CALLS && this.#waiting.length > 0) void this.#send();
  }

  async #send(): Promise<void> {
    this.#calls++;
    // What is appended in the same turn goes along, or in the next moments where there is much.
    if (Date.now() - this.#calledAt < BUSY) await new Promise((resolve) => setTimeout(resolve, GATHER));
    else await null;
    for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) {
      try {
        this.#calledAt = Date.now();
        await this.#queue.sendBatch(batch.map((body) => ({ body })));
      } catch (error) {
        const deliveries = batch.reduce((sum, message) => sum + message.deliveries.length, 0);
        logError("event.enqueue.failed", error, { tenant: this.#tenant, deliveries });
      }
    }
    this.#calls--;
  }

  /** As many messages as one call may take. */
  #nextBatch(): DeliveryMessage[] {
    let bytes = 0;
    let end = 0;
    for (const message of this.#waiting) {
      bytes += message.bytes;
      if (end === BATCH_MESSAGES || (end > 0 && bytes > BATCH_BYTES)) break;
      end++;
    }
    return this.#waiting.splice(0, end).map(({ message }) => message);
  }
}

/** A message and the bytes of its JSON. */
interface SizedMessage {
  message: DeliveryMessage;
  bytes: number;
}

/**
 * The messages of events that were accepted together: one per endpoint with its deliveries in their order, and another
 * where one would be too large or too long. An event's text travels in them when it is small enough. `only`: the indexes
 * of the deliveries that are meant; absent: all.
 */
export function* messagesOf(
  tenant: string,
  events: readonly StoredEvent[],
  versions: ReadonlyMap<string, number>,
  only?: ReadonlySet<number>,
): Generator<SizedMessage> {
  for (const [endpoint, items] of itemsOf(events, only)) {
    const empty = { tenant, endpoint, version: versions.get(endpoint) ?? 0 };
    const head = bytesOf({ ...empty, deliveries: [] });
    let deliveries: DeliveryItem[] = [];
    let bytes = head;
    for (const { item, bytes: size } of items) {
      if (deliveries.length === MESSAGE_DELIVERIES || (deliveries.length > 0 && bytes + size > MESSAGE_BYTES)) {
        yield { message: { ...empty, deliveries }, bytes };
        deliveries = [];
        bytes = head;
      }
      deliveries.push(item);
      bytes += size;
    }
    yield { message: { ...empty, deliveries }, bytes };
  }
}

/** The deliveries of events by endpoint, each with the bytes that it takes up in a message. */
function itemsOf(
  events: readonly StoredEvent[],
  only?: ReadonlySet<number>,
): Map<string, { item: DeliveryItem; bytes: number }[]> {
  const items = new Map<string, { item: DeliveryItem; bytes: number }[]>();
  for (const event of events) {
    const { timestamp, payloadId, data } = event;
    const text = utf8(data).byteLength <= INLINE_DATA_BYTES ? { timestamp, payloadId, data } : null;
    const textBytes = text === null ? 0 : bytesOf(text) + '"text":,'.length;
    // Quotes and backslashes double inside a message: too large after all, so it goes by reference.
    const inline = textBytes > 0 && textBytes + ENVELOPE_BYTES <= MESSAGE_BYTES;
    for (const [index, { endpoint, test }] of event.matches.entries()) {
      if (only?.has(index) === false) continue;
      const ref = { id: deliveryId(event.ulid, index), event: event.event, ...(test ? { test } : {}) };
      const item = inline && text !== null ? { ...ref, text } : ref;
      const entry = { item, bytes: bytesOf(ref) + 1 + (inline ? textBytes : 0) };
      const known = items.get(endpoint);
      if (known) known.push(entry);
      else items.set(endpoint, [entry]);
    }
  }
  return items;
}

function bytesOf(value: object): number {
  return utf8(JSON.stringify(value)).byteLength;
}
