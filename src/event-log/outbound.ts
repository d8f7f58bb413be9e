import { type Delivery, type Event, refTo } from "../contracts/event";
import type { Versions } from "../contracts/event-log";
import { type DeliveryMessage, INLINE_DATA_BYTES, MESSAGE_BYTES } from "../contracts/messages";
import { utf8 } from "../lib/crypto";
import { deliveryId } from "../lib/ids";

/** The limits of one `sendBatch` (Queues: 100 messages, 256 KB together), with room for the queue's own metadata. */
const BATCH_MESSAGES = 100;
const BATCH_BYTES = 240_000;
/** The most deliveries in one message. */
const MESSAGE_DELIVERIES = 100;
/** Kept free in a message for all but the text of one event: ids, type, tenant. */
const ENVELOPE_BYTES = 1_000;
/** Bytes of all messages that wait: an object has 128 MB of memory, which it shares with others. */
const WAITING_BYTES = 16_000_000;

/** A message and the bytes of its JSON. */
interface SizedMessage {
  message: DeliveryMessage;
  bytes: number;
}

/**
 * The messages that wait for the queue, oldest first. What goes to the same endpoint goes into one message, whichever
 * events it is of, until that is full; the message then carries the newest version that any of them saw. An event's text
 * travels in it when it is small enough. Bounded in bytes.
 */
export class Outbound {
  readonly #tenant: string;
  readonly #most: number;
  readonly #waiting: SizedMessage[] = [];
  /** By endpoint the last of its messages, which takes more. */
  readonly #open = new Map<string, SizedMessage>();
  #bytes = 0;

  constructor(tenant: string, most = WAITING_BYTES) {
    this.#tenant = tenant;
    this.#most = most;
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /**
   * Takes in the deliveries of events, of which `only` those at these indexes. Answers how many there was no room for:
   * they are the log's, which hands them over later.
   */
  add(events: readonly Event[], versions: Versions, only?: ReadonlySet<number>): number {
    let left = 0;
    for (const { endpoint, item, bytes } of itemsOf(events, only)) {
      if (!this.#put(endpoint, versions.get(endpoint) ?? 0, item, bytes)) left++;
    }
    return left;
  }

  #put(endpoint: string, version: number, item: Delivery, bytes: number): boolean {
    if (this.#bytes + bytes > this.#most) return false;
    let open = this.#open.get(endpoint);
    const isFull =
      open !== undefined &&
      (open.message.deliveries.length === MESSAGE_DELIVERIES || open.bytes + bytes > MESSAGE_BYTES);
    if (open === undefined || isFull) {
      const message = { tenant: this.#tenant, endpoint, version, deliveries: [] };
      open = { message, bytes: bytesOf(message) };
      this.#waiting.push(open);
      this.#open.set(endpoint, open);
      this.#bytes += open.bytes;
    }
    open.message.deliveries.push(item);
    open.message.version = Math.max(open.message.version, version);
    open.bytes += bytes;
    this.#bytes += bytes;
    return true;
  }

  /** Takes out as many messages as one call of the queue may bring. */
  take(): DeliveryMessage[] {
    let bytes = 0;
    let end = 0;
    for (const message of this.#waiting) {
      bytes += message.bytes;
      if (end === BATCH_MESSAGES || (end > 0 && bytes > BATCH_BYTES)) break;
      end++;
    }
    return this.#waiting.splice(0, end).map((taken) => {
      this.#bytes -= taken.bytes;
      const { endpoint } = taken.message;
      if (this.#open.get(endpoint) === taken) this.#open.delete(endpoint);
      return taken.message;
    });
  }
}

/** The deliveries of events in their order, each with the bytes that it takes up in a message. */
function* itemsOf(
  events: readonly Event[],
  only?: ReadonlySet<number>,
): Generator<{ endpoint: string; item: Delivery; bytes: number }> {
  for (const event of events) {
    if (event.matches.length === 0) continue;
    const { timestamp, payloadId, data } = event;
    const text = utf8(data).byteLength <= INLINE_DATA_BYTES ? { timestamp, payloadId, data } : null;
    const textBytes = text === null ? 0 : bytesOf(text) + '"text":,'.length;
    // Quotes and backslashes double inside a message: too large after all, so it goes by reference.
    const inline = textBytes > 0 && textBytes + ENVELOPE_BYTES <= MESSAGE_BYTES;
    for (const [index, { endpoint, test }] of event.matches.entries()) {
      if (only?.has(index) === false) continue;
      const ref = refTo(deliveryId(event.ulid, index), event.type, test);
      const item = inline && text !== null ? { ...ref, text } : ref;
      yield { endpoint, item, bytes: bytesOf(ref) + 1 + (inline ? textBytes : 0) };
    }
  }
}

function bytesOf(value: object): number {
  return utf8(JSON.stringify(value)).byteLength;
}
