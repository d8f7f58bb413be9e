import { DAY, type Day, dayOf, dayStart } from "./time";

/**
 * Ids are a prefix and a ULID (https://github.com/ulid/spec): 10 characters of milliseconds, 16 of randomness, in
 * Crockford's base 32, so that they sort by time. An event's ULID names its partition: its time lies in the day of the
 * log that minted it, and its first random character names the log's shard.
 */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/** What each character stands for, by its code. */
const VALUES: readonly number[] = Array.from({ length: 128 }, (_, code) => ALPHABET.indexOf(String.fromCharCode(code)));
/** The most shards of a day's log: an id has one character for its own. */
export const MOST_SHARDS = ALPHABET.length;
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
/** The form of a delivery id. */
export const DELIVERY_ID = /^dlv_([0-7][0-9A-HJKMNP-TV-Z]{25})(0|[1-9][0-9]{0,3})$/;

/** The 10 characters that stand for a time in ms at the head of a ULID. */
export function encodeTime(ms: number): string {
  let text = "";
  for (let i = 0, rest = ms; i < 10; i++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** The time in ms at the head of a ULID. */
export function ulidTime(ulid: string): number {
  let ms = 0;
  for (let i = 0; i < 10; i++) ms = ms * 32 + (VALUES[ulid.charCodeAt(i)] ?? 0);
  return ms;
}

/** Random bytes that are fetched together, since each call for some takes as long as one for many. */
const pool = new Uint8Array(1_024);
let spent = pool.length;

function randomChars(length: number): string {
  if (spent + length > pool.length) {
    crypto.getRandomValues(pool);
    spent = 0;
  }
  let text = "";
  for (const end = spent + length; spent < end; spent++) text += ALPHABET[(pool[spent] as number) % 32];
  return text;
}

/** The next string of the same length in base 32 order; `null` when there is none. */
function increment(text: string): string | null {
  for (let i = text.length - 1; i >= 0; i--) {
    const value = ALPHABET.indexOf(text[i] as string);
    if (value < 31) return text.slice(0, i) + ALPHABET[value + 1] + "0".repeat(text.length - i - 1);
  }
  return null;
}

/** A new id such as `ep_01JD…`: `prefix` without its underscore, `now` in ms. */
export function newId(prefix: string, now: number): string {
  return `${prefix}_${encodeTime(now)}${randomChars(16)}`;
}

/**
 * The ULID of the next event of a shard of a day's log: later than its `last` and inside `day`, whatever the clock says,
 * since the id must name the log that holds it.
 */
export function mintEventUlid(day: Day, now: number, last: string | null, shard = 0): string {
  const start = dayStart(day);
  const lastTime = last === null ? start : ulidTime(last);
  const time = Math.min(Math.max(now, start, lastTime), start + DAY - 1);
  if (last !== null && time === lastTime) {
    const next = increment(last.slice(11));
    if (next !== null) return last.slice(0, 11) + next;
  }
  // A leading zero leaves room to count up within one millisecond.
  return `${encodeTime(time)}${ALPHABET[shard]}0${randomChars(14)}`;
}

/** The ULID below which a list begins with this one. */
export function ulidAbove(ulid: string): string {
  return increment(ulid) ?? ulid;
}

/** Where an event lies: its ULID and the day of its log. */
export interface EventRef {
  ulid: string;
  day: Day;
}

/** Where an event of this ULID lies. */
export function eventRef(ulid: string): EventRef {
  return { ulid, day: dayOf(ulidTime(ulid)) };
}

/** Reads an event id, of whatever shard; `null` when it is none. */
export function parseEventId(id: string): EventRef | null {
  const ulid = id.slice(4);
  return id.startsWith("evt_") && ULID.test(ulid) ? eventRef(ulid) : null;
}

/** What a shard of a day's log is called beside its tenant: its day, and its character unless it is the first. */
export function shardName(day: Day, shard: number): string {
  return shard === 0 ? day : `${day}/${ALPHABET[shard]}`;
}

/** What the log that holds an event is called beside its tenant. */
export function logName({ ulid, day }: EventRef): string {
  return shardName(day, VALUES[ulid.charCodeAt(10)] as number);
}

/** The day and the shard of a log that is called so. */
export function logOf(name: string): { day: Day; shard: number } {
  const [day = "", character = "0"] = name.split("/");
  return { day, shard: ALPHABET.indexOf(character) };
}

/** The id of an event from its ULID. */
export function eventId(ulid: string): string {
  return `evt_${ulid}`;
}

/** The id of an event's delivery: its ULID and the index of its match. */
export function deliveryId(ulid: string, index: number): string {
  return `dlv_${ulid}${index}`;
}

/** The id of the endpoint that exists for one delivery only: a callback. */
export function callbackId(ulid: string, index: number): string {
  return `cb_${ulid}${index}`;
}

/** The delivery that a callback's endpoint exists for; `null` when the id is another endpoint's. */
export function parseCallbackId(endpoint: string): (EventRef & { index: number }) | null {
  return endpoint.startsWith("cb_") ? parseDeliveryId(`dlv_${endpoint.slice(3)}`) : null;
}

/** Whether a text is a delivery's id. */
export function isDeliveryId(text: string): boolean {
  return DELIVERY_ID.test(text);
}

/** Reads a delivery id into its event and the index of its match; `null` when it is none. */
export function parseDeliveryId(id: string): (EventRef & { index: number }) | null {
  const match = DELIVERY_ID.exec(id);
  if (match === null) return null;
  return { ...eventRef(match[1] as string), index: Number(match[2]) };
}

/** The id of a delivery's event, read from the delivery's. */
export function eventIdOf(deliveryId: string): string {
  return eventId(ulidOf(deliveryId));
}

/** The ULID of a delivery's event, read from the delivery's id. */
export function ulidOf(deliveryId: string): string {
  return deliveryId.slice(4, 30);
}

/** The time in ms at which a delivery's event was accepted, read from its id. */
export function deliveryTime(id: string): number {
  return ulidTime(id.slice(4));
}
