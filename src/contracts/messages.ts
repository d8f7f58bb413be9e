import { isDeliveryId } from "../lib/ids";
import type { Delivery } from "./event";

/** Bytes of a message's JSON up to which event texts travel in it; Queues take 128,000 with their own metadata. */
export const MESSAGE_BYTES = 120_000;

/** Bytes of an event's data up to which it may travel in a message; larger ones travel by reference. */
export const INLINE_DATA_BYTES = 60_000;

/** A message on `deliveries` and `deliveries-slow`: what is due now for one endpoint. */
export interface DeliveryMessage {
  tenant: string;
  endpoint: string;
  /** The version of the endpoint's configuration that the sender saw. */
  version: number;
  deliveries: Delivery[];
}

/** Reads a queue message; `null` when it is not one of ours. By hand: every delivery comes this way, and zod takes as long as signing it. */
export function parseMessage(body: unknown): DeliveryMessage | null {
  if (!isObject(body)) return null;
  const { tenant, endpoint, version, deliveries } = body;
  if (!isText(tenant) || !isText(endpoint) || !Number.isInteger(version) || (version as number) < 0) return null;
  if (!Array.isArray(deliveries) || deliveries.length === 0) return null;
  const items = deliveries.map(asNamedNow);
  return items.every(isItem) ? { tenant, endpoint, version: version as number, deliveries: items } : null;
}

/** Messages that were under way before the field had its name call the type `event`. */
function asNamedNow(item: unknown): unknown {
  if (!isObject(item) || !("event" in item)) return item;
  const { event: type, ...rest } = item;
  return { type, ...rest };
}

function isItem(item: unknown): item is Delivery {
  if (!isObject(item) || typeof item.id !== "string" || !isDeliveryId(item.id) || !isText(item.type)) return false;
  return (
    (item.test === undefined || typeof item.test === "boolean") && (item.text === undefined || isEventText(item.text))
  );
}

function isEventText(text: unknown): text is NonNullable<Delivery["text"]> {
  if (!isObject(text)) return false;
  return typeof text.timestamp === "number" && typeof text.payloadId === "string" && typeof text.data === "string";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
