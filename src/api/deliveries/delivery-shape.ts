import { z } from "@hono/zod-openapi";
import {
  type Attempt,
  DELIVERY_ERRORS,
  DELIVERY_STATUSES,
  type DeliveryRecord,
  type DeliveryStatus,
  WAIT_REASONS,
} from "../../contracts/delivery";
import type { DeliveryFilter } from "../../contracts/endpoint";
import type { Event, EventText } from "../../contracts/event";
import { DELIVERY_ID, deliveryTime, eventIdOf } from "../../lib/ids";
import { iso, isoOrNull } from "../../lib/time";
import { bodyText } from "../../send/request/render";
import { deliveryMethod } from "../endpoints/endpoint-shape";
import {
  createdAt,
  described,
  eventType,
  inOrder,
  isoTime,
  listQuery,
  named,
  pageShape,
  searchText,
  time,
} from "../spec/schemas";

const deliveryStatus = named(
  "DeliveryStatus",
  z.enum(DELIVERY_STATUSES),
  "`pending`: not tried yet. `held`: its endpoint is disabled. `canceled`: its endpoint is deleted, or its event erased.",
);
const waitReason = named(
  "WaitReason",
  z.enum(WAIT_REASONS),
  "`slots`: for a free slot. `slow`: for its turn among endpoints that have begun to fail. `rate`: for the endpoint's rate " +
    "limit. `breaker`: for its breaker. `asked`: its receiver asked for it.",
);
/** What went wrong in an attempt. */
export const deliveryError = named(
  "DeliveryError",
  z.enum(DELIVERY_ERRORS),
  "What went wrong. `blocked`: its URL leads to an address that is not public. `expired`: it could not be tried in time.",
);

const delivery = {
  ...described(
    {
      id: z.string(),
      eventId: z.string(),
      event: z.string(),
      endpoint: z.string(),
      status: deliveryStatus,
      waitReason: waitReason.nullable(),
      test: z.boolean(),
      attempts: z.number().int(),
      lastStatusCode: z.number().int().nullable(),
      lastError: deliveryError.nullable(),
      nextAttemptAt: isoTime.nullable(),
    },
    {
      id: "Its id, the same over all attempts: `dlv_…`.",
      eventId: "The event that it delivers.",
      event: "That event's type.",
      endpoint: "The id of the endpoint that it is for.",
      status: "How it stands.",
      waitReason: "Why it waits beyond its schedule; `null`: it does not.",
      test: "Whether it is a test.",
      attempts: "How many attempts were made.",
      lastStatusCode: "The status of the last answer; `null`: there was none.",
      lastError: "What went wrong in the last attempt; `null`: nothing.",
      nextAttemptAt: "When it is tried next; `null`: it is not, or is under way.",
    },
  ),
  createdAt,
  finishedAt: isoTime.nullable().describe("When it ended; `null`: it has not."),
};
export const deliveryShape = named(
  "Delivery",
  z.object(delivery),
  "One event for one endpoint, and what became of it.",
);

/** A status out of which a delivery can be recovered. */
export const recoverable = named(
  "RecoverableStatus",
  z.enum(["failed", "held"]),
  "A status out of which a delivery can be recovered.",
);

/** A time in a query; becomes ms. */
export const sinceQuery = time.optional().describe("From this time on.");
export const untilQuery = time.optional().describe("Before this time.");

/** What a list over all endpoints may be narrowed to. */
export const endpointQuery = z.string().min(1).max(200).optional().describe("For this endpoint: its id, or its `uid`.");
export const searchQuery = searchText
  .optional()
  .describe(
    "Of events that are found by this: the value at a path that their type names as `searchable`, whatever its case, the `id` of your own, or the `Idempotency-Key`.",
  );

function isStatus(name: string): name is DeliveryStatus {
  return (DELIVERY_STATUSES as readonly string[]).includes(name);
}

/** What may be asked of a delivery's outcome. */
export const outcomeQuery = {
  status: z
    .string()
    .refine((list) => list.split(",").every(isStatus), `must be one or more of ${DELIVERY_STATUSES.join(",")}`)
    .transform((list) => list.split(",").filter(isStatus))
    .optional()
    .openapi({
      type: "string",
      pattern: `^(?:${DELIVERY_STATUSES.join("|")})(?:,(?:${DELIVERY_STATUSES.join("|")}))*$`,
      description: `One status, or several with commas between them: ${DELIVERY_STATUSES.join(", ")}.`,
      example: "failed,held",
    }),
  code: z
    .string()
    .regex(/^[1-5](?:\d\d|[xX]{2})$/, "must be a status code such as 500 or a class such as 5xx")
    .optional()
    .openapi({ description: "Of the last attempt: a status code such as 500, or a class such as 5xx." }),
};

/** The query of a list of deliveries: which ones, and the page. */
export const deliveriesQuery = inOrder(
  z.strictObject({
    ...listQuery(DELIVERY_ID).shape,
    ...outcomeQuery,
    event: eventType.optional().describe("Of this event type."),
    since: sinceQuery,
    until: untilQuery,
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
export const deliveriesPage = pageShape("DeliveryPage", deliveryShape);

const request = named(
  "AttemptRequest",
  z.object({
    method: deliveryMethod.describe("Its method."),
    url: z.string().describe("Where it was sent."),
    headers: z.record(z.string(), z.string()).describe("Its headers, secrets masked."),
    body: z
      .string()
      .nullable()
      .describe("Its body, rendered again from the event; `null`: the method has none, or the event is erased."),
  }),
  "A request as it was sent.",
);
const response = named(
  "AttemptResponse",
  z.object({
    headers: z.record(z.string(), z.string()).describe("Its headers, as far as 8 KB go."),
    body: z
      .string()
      .describe(
        "Its first 16 KB as text, by the charset of its Content-Type, else as UTF-8. Bytes that are no text are shown as `[binary, 1234 bytes]`.",
      ),
    truncated: z.boolean().describe("Whether there was more of the body than is kept, or it did not come."),
    broken: z
      .boolean()
      .optional()
      .describe(
        "`true` where the body broke off before its end, could not be decompressed or did not end in time. It changes nothing of the outcome: the status line decides.",
      ),
  }),
  "A receiver's answer as far as it is kept.",
);

const attempt = {
  id: z.string(),
  number: z.number().int(),
  at: isoTime,
  durationMs: z.number(),
  statusCode: z.number().int().nullable(),
  error: deliveryError.nullable(),
  trigger: z.enum(["scheduled", "manual", "test"]),
  request,
  response: response.nullable(),
};
export const attemptShape = named(
  "Attempt",
  z.object(
    described(attempt, {
      id: "Its id: `att_…`.",
      number: "Which attempt of its delivery it is, from 1.",
      at: "When it began.",
      durationMs: "How long it took, in milliseconds.",
      statusCode: "The status of the answer; `null`: none came.",
      error: "What went wrong; `null`: nothing.",
      trigger: "What caused it: the schedule, a person's resend, or a test.",
      request: "What was sent.",
      response: "What came back; `null`: nothing.",
    }),
  ),
  "One HTTP request of a delivery, and what came of it.",
);

const attemptLog = z.array(attemptShape).describe("Its attempts, oldest first.");

/** A delivery with its attempts. */
export const deliveryDetail = named(
  "DeliveryDetail",
  z.object({ ...delivery, attemptLog }),
  "A delivery with its attempts.",
);

/** A delivery under its event; a callback's has its address and its attempts with it. */
export const eventDeliveryShape = named(
  "EventDelivery",
  z.object({
    ...delivery,
    url: z.string().optional().describe("Of a callback, where it is sent."),
    attemptLog: attemptLog
      .optional()
      .describe("Of a callback, its attempts: it has no endpoint to look them up under."),
  }),
  "A delivery of an event.",
);

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
  event: Pick<Event, keyof EventText | "erasedAt"> | null,
): z.infer<typeof attemptShape>[] {
  return attempts.map(({ format, ...attempt }) => {
    const gone = event === null || event.erasedAt !== undefined;
    const body = gone || format === null ? null : bodyText(format, { ...event, tenant });
    return { ...attempt, at: iso(attempt.at), request: { ...attempt.request, body } };
  });
}
