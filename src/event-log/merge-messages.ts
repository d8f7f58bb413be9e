import { type Delivery, type Event, refTo } from "../contracts/event";
import type { Versions } from "../contracts/event-log";
import {
  type EventsMessage,
  INLINE_DATA_BYTES,
  MESSAGE_BYTES,
  MESSAGE_ENDPOINTS,
  type MessageShare,
  type MessageText,
} from "../contracts/messages";
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

/** A message that takes more, until it is full. */
class OpenMessage {
  readonly message: Required<EventsMessage>;
  readonly #shares = new Map<string, MessageShare>();
  #deliveries = 0;
  /** Bytes of its JSON. */
  bytes: number;

  constructor(tenant: string) {
    this.message = { tenant, shares: [], texts: {} };
    this.bytes = bytesOf(this.message);
  }

  /** The bytes by which a delivery makes it longer; `null` when it goes into another message. */
  bytesWith({ endpoint, version, ulid, item, text }: Owed): number | null {
    const known = this.#shares.has(endpoint);
    if (this.#deliveries === MESSAGE_DELIVERIES) return null;
    if (!known && this.#shares.size === MESSAGE_ENDPOINTS) return null;
    const share = known ? 0 : bytesOf({ endpoint, version, deliveries: [] }) + 1;
    const inline = text === null || ulid in this.message.texts ? 0 : text.bytes;
    const bytes = bytesOf(item) + 1 + share + inline;
    return this.#deliveries > 0 && this.bytes + bytes > MESSAGE_BYTES ? null : bytes;
  }

  put({ endpoint, version, ulid, item, text }: Owed, bytes: number): void {
    let share = this.#shares.get(endpoint);
    if (share === undefined) {
      share = { endpoint, version, deliveries: [] };
      this.#shares.set(endpoint, share);
      this.message.shares.push(share);
    }
    share.deliveries.push(item);
    share.version = Math.max(share.version, version);
    if (text !== null) this.message.texts[ulid] = text.text;
    this.#deliveries++;
    this.bytes += bytes;
  }
}

/** A delivery that is to be told of. */
interface Owed {
  endpoint: string;
  version: number;
  ulid: string;
  item: Delivery;
  /** Its event's text and the bytes that it takes up in a message; `null`: it does not travel. */
  text: { text: MessageText; bytes: number } | null;
}

/**
 * The messages that wait for the queue, oldest first. A message takes in what is accepted, of whichever events and for
 * whichever endpoints, until it is full; it carries each event's text once, if that is small enough, and for each endpoint
 * the newest version that any of them saw. Bounded in bytes.
 */
export class Outbound {
  readonly #tenant: string;
  readonly #most: number;
  /** The last of them takes more. */
  readonly #waiting: OpenMessage[] = [];
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
    for (const owed of owedOf(events, versions, only)) if (!this.#put(owed)) left++;
    return left;
  }

  #put(owed: Owed): boolean {
    const last = this.#waiting.at(-1);
    const bytes = last?.bytesWith(owed) ?? null;
    const open = last === undefined || bytes === null ? new OpenMessage(this.#tenant) : last;
    const more = bytes ?? open.bytes + (open.bytesWith(owed) as number);
    if (this.#bytes + more > this.#most) return false;
    if (open !== last) this.#waiting.push(open);
    open.put(owed, bytes ?? more - open.bytes);
    this.#bytes += more;
    return true;
  }

  /** Takes out as many messages as one call of the queue may bring. */
  take(): EventsMessage[] {
    let bytes = 0;
    let end = 0;
    for (const message of this.#waiting) {
      bytes += message.bytes;
      if (end === BATCH_MESSAGES || (end > 0 && bytes > BATCH_BYTES)) break;
      end++;
    }
    return this.#waiting.splice(0, end).map((taken) => {
      this.#bytes -= taken.bytes;
      return taken.message;
    });
  }
}

/** The deliveries of events in their order. */
function* owedOf(events: readonly Event[], versions: Versions, only?: ReadonlySet<number>): Generator<Owed> {
  for (const { ulid, type, timestamp, payloadId, data, matches } of events) {
    if (matches.length === 0) continue;
    const text = inlineText(ulid, { timestamp, payloadId, data });
    for (const [index, { endpoint, test }] of matches.entries()) {
      if (only?.has(index) === false) continue;
      const item = refTo(deliveryId(ulid, index), type, test);
      yield { endpoint, version: versions.get(endpoint) ?? 0, ulid, item, text };
    }
  }
}

/** Quotes and backslashes double inside a message: what is small enough as data may be too large there after all. */
function inlineText(ulid: string, text: MessageText): Owed["text"] {
  if (utf8(text.data).byteLength > INLINE_DATA_BYTES) return null;
  const bytes = bytesOf({ [ulid]: text });
  return bytes + ENVELOPE_BYTES > MESSAGE_BYTES ? null : { text, bytes };
}

function bytesOf(value: object): number {
  return utf8(JSON.stringify(value)).byteLength;
}
