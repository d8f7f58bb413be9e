import { z } from "@hono/zod-openapi";
import { bodyText } from "../delivery/render";
import {
  type Attempt,
  DELIVERY_ERRORS,
  DELIVERY_STATUSES,
  type DeliveryRecord,
  type DeliveryStatus,
  WAIT_REASONS,
} from "../lib/delivery";
import type { EventText } from "../lib/event";
import { DELIVERY_ID, deliveryTime, eventIdOf } from "../lib/ids";
import type { DeliveryFilter } from "../lib/rooms";
import { iso, isoOrNull } from "../lib/time";
import { eventType, inOrder, isoTime, listQuery, time } from "./schemas";

export const deliveryShape = z.object({
  id: z.string(),
  eventId: z.string(),
  event: z.string(),
  endpoint: z.string(),
  status: z.enum(DELIVERY_STATUSES),
  waitReason: z.enum(WAIT_REASONS).nullable(),
  test: z.boolean(),
  attempts: z.number().int(),
  lastStatusCode: z.number().int().nullable(),
  lastError: z.enum(DELIVERY_ERRORS).nullable(),
  nextAttemptAt: isoTime.nullable(),
  createdAt: isoTime,
  finishedAt: isoTime.nullable(),
});

/** A time in a query; becomes ms. */
export const timeQuery = time.optional().openapi({ type: "string", format: "date-time" });

function isStatus(name: string): name is DeliveryStatus {
  return (DELIVERY_STATUSES as readonly string[]).includes(name);
}

/** The query of a list of deliveries: which ones, and the page. */
export const deliveriesQuery = inOrder(
  z.strictObject({
    ...listQuery(DELIVERY_ID).shape,
    status: z
      .string()
      .refine((list) => list.split(",").every(isStatus), `must be one or more of ${DELIVERY_STATUSES.join(",")}`)
      .transform((list) => list.split(",").filter(isStatus))
      .optional()
      .openapi({ type: "string", description: "One status, or several with commas between them." }),
    event: eventType.optional(),
    code: z
      .string()
      .regex(/^[1-5](?:\d\d|[xX]{2})$/, "must be a status code such as 500 or a class such as 5xx")
      .optional()
      .openapi({ description: "Of the last attempt: a status code such as 500, or a class such as 5xx." }),
    since: timeQuery,
    until: timeQuery,
  }),
);

/** The filter that a query asks for. */
export function toFilter(query: z.output<typeof deliveriesQuery>): DeliveryFilter {
  const { status = null, event = null, code, since = null, until = null } = query;
  return { statuses: status, event, codes: code === undefined ? null : codesOf(code), since, until };
}

function codesOf(code: string): { from: number; to: number } {
  const digits = code.toLowerCase();
  return { from: Number(digits.replace("xx", "00")), to: Number(digits.replace("xx", "99")) };
}

/** A page of deliveries as it is answered. */
export const deliveriesPage = z.object({ data: z.array(deliveryShape), nextCursor: z.string().nullable() });

export const attemptShape = z.object({
  id: z.string(),
  number: z.number().int(),
  at: isoTime,
  durationMs: z.number(),
  statusCode: z.number().int().nullable(),
  error: z.enum(DELIVERY_ERRORS).nullable(),
  trigger: z.enum(["scheduled", "manual", "test"]),
  request: z.object({
    method: z.string(),
    url: z.string(),
    headers: z.record(z.string(), z.string()),
    body: z.string().nullable(),
  }),
  response: z
    .object({
      headers: z.record(z.string(), z.string()),
      body: z.string().openapi({
        description:
          "Its first 16 KB as text, by the charset of its Content-Type, else as UTF-8. Bytes that are no text are shown as `[binary, 1234 bytes]`.",
      }),
      truncated: z
        .boolean()
        .openapi({ description: "Whether there was more of the body than is kept, or it did not come." }),
      broken: z.boolean().optional().openapi({
        description:
          "`true` where the body broke off before its end, could not be decompressed or did not end in time. It changes nothing of the outcome: the status line decides.",
      }),
    })
    .nullable(),
});

/** A delivery as it is answered. */
export function toDelivery(endpoint: string, record: DeliveryRecord): z.infer<typeof deliveryShape> {
  return {
    id: record.id,
    eventId: eventIdOf(record.id),
    event: record.event,
    endpoint,
    status: record.status,
    waitReason: record.waitReason,
    test: record.test,
    attempts: record.attempts,
    lastStatusCode: record.lastStatusCode,
    lastError: record.lastError,
    nextAttemptAt: isoOrNull(record.nextAttemptAt),
    createdAt: iso(deliveryTime(record.id)),
    finishedAt: isoOrNull(record.finishedAt),
  };
}

/** A delivery of which its endpoint knows nothing yet, or, once that is gone, never will. */
export function unseen(id: string, event: string, gone: boolean, test = false): DeliveryRecord {
  return {
    id,
    event,
    status: gone ? "canceled" : "pending",
    waitReason: null,
    test,
    attempts: 0,
    lastStatusCode: null,
    lastError: null,
    nextAttemptAt: null,
    finishedAt: null,
  };
}

/** The attempts of a delivery as they are answered, each with the body it sent, rendered again from its event. */
export function toAttempts(
  attempts: readonly Attempt[],
  tenant: string,
  event: (EventText & { erasedAt?: number }) | null,
): z.infer<typeof attemptShape>[] {
  return attempts.map(({ format, ...attempt }) => {
    const gone = event === null || event.erasedAt !== undefined;
    const body = gone || format === null ? null : bodyText(format, { ...event, tenant });
    return { ...attempt, at: iso(attempt.at), request: { ...attempt.request, body } };
  });
}
