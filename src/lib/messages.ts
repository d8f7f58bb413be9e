import { z } from "zod";
import { parseDeliveryId } from "./ids";

/** Bytes of a message's JSON up to which event texts travel in it; Queues take 128,000 with their own metadata. */
export const MESSAGE_BYTES = 120_000;

/** Bytes of an event's data up to which it may travel in a message; larger ones travel by reference. */
export const INLINE_DATA_BYTES = 60_000;

const item = z.object({
  id: z.string().refine((id) => parseDeliveryId(id) !== null, "not a delivery id"),
  event: z.string().min(1),
  test: z.boolean().optional(),
  /** Absent when the event travels by reference: the consumer then reads it from its log. */
  text: z.object({ timestamp: z.number(), payloadId: z.string(), data: z.string() }).optional(),
});

const message = z.object({
  tenant: z.string().min(1),
  endpoint: z.string().min(1),
  /** The version of the endpoint's configuration that the sender saw. */
  version: z.number().int().min(0),
  deliveries: z.array(item).min(1),
});

/** A message on `deliveries` and `deliveries-slow`: what is due now for one endpoint. */
export type DeliveryMessage = z.infer<typeof message>;
export type DeliveryItem = z.infer<typeof item>;

/** Reads a queue message; `null` when it is not one of ours. */
export function parseMessage(body: unknown): DeliveryMessage | null {
  const parsed = message.safeParse(body);
  return parsed.success ? parsed.data : null;
}
