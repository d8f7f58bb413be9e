import { isDeliveryId, ulidOf } from "../lib/ids";
import type { Delivery } from "./event";

/** Bytes of a message's JSON up to which event texts travel in it; Queues take 128,000 with their own metadata. */
export const MESSAGE_BYTES = 120_000;

/** Bytes of an event's data up to which it may travel in a message; larger ones travel by reference. */
export const INLINE_DATA_BYTES = 60_000;

/** The most endpoints that a message is for: one invocation takes ten messages, and all their endpoints share its lanes. */
export const MESSAGE_ENDPOINTS = 10;

/** What is due now for one endpoint. */
export interface MessageShare {
  endpoint: string;
  /** The version of the endpoint's configuration that the sender saw. */
  version: number;
  deliveries: Delivery[];
}

/** A message of an endpoint's object: what it has found due. */
export interface DeliveryMessage extends MessageShare {
  tenant: string;
}

/** A message of a log: what new events owe, by endpoint. */
export interface EventsMessage {
  tenant: string;
  shares: MessageShare[];
  /** By its ULID the text of each event that is small enough to travel: once, however many endpoints get it. */
  texts?: Record<string, MessageText>;
}

/** An event's text as it travels, beside the type that its deliveries have. */
export type MessageText = NonNullable<Delivery["text"]>;

/** What a message on `deliveries` and `deliveries-slow` brings: each delivery with its event's text, if that came along. */
export type Due = Pick<EventsMessage, "tenant" | "shares">;

/** Reads a queue message; `null` when it is not one of ours. By hand: every delivery comes this way, and zod takes as long as signing it. */
export function parseMessage(body: unknown): Due | null {
  if (!isObject(body) || !isText(body.tenant)) return null;
  const { tenant, shares = [asNamedNow(body)], texts } = body;
  if (!Array.isArray(shares) || shares.length === 0 || !shares.every(isShare)) return null;
  if (texts === undefined) return { tenant, shares };
  if (!isObject(texts) || !Object.values(texts).every(isEventText)) return null;
  const withText = (delivery: Delivery): Delivery => {
    const text = texts[ulidOf(delivery.id)] as MessageText | undefined;
    return text === undefined ? delivery : { ...delivery, text };
  };
  return {
    tenant,
    shares: shares.map(({ endpoint, version, deliveries }) => {
      return { endpoint, version, deliveries: deliveries.map(withText) };
    }),
  };
}

/** Messages of an endpoint that were under way before the field had its name call a delivery's type `event`. */
function asNamedNow(share: Record<string, unknown>): unknown {
  const { deliveries } = share;
  if (!Array.isArray(deliveries)) return share;
  const named = deliveries.map((item) => {
    if (!isObject(item) || !("event" in item)) return item;
    const { event, ...rest } = item;
    return { type: event, ...rest };
  });
  return { ...share, deliveries: named };
}

function isShare(share: unknown): share is MessageShare {
  if (!isObject(share)) return false;
  const { endpoint, version, deliveries } = share;
  if (!isText(endpoint) || !Number.isInteger(version) || (version as number) < 0) return false;
  return Array.isArray(deliveries) && deliveries.length > 0 && deliveries.every(isItem);
}

function isItem(item: unknown): item is Delivery {
  if (!isObject(item) || typeof item.id !== "string" || !isDeliveryId(item.id) || !isText(item.type)) return false;
  return (
    (item.test === undefined || typeof item.test === "boolean") && (item.text === undefined || isEventText(item.text))
  );
}

function isEventText(text: unknown): text is MessageText {
  if (!isObject(text)) return false;
  return typeof text.timestamp === "number" && typeof text.payloadId === "string" && typeof text.data === "string";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
