import { z } from "@hono/zod-openapi";
import { accept } from "../../accept/accept";
import { schemaErrors } from "../../accept/schemas";
import { serviceOf } from "../../config/databases";
import type { Event } from "../../contracts/event";
import { endpointStub, eventLogStub } from "../../contracts/find";
import { deliveryId, eventId, parseEventId } from "../../lib/ids";
import { jsonWithRaw, memberTexts } from "../../lib/json/json";
import { destinationRefusal } from "../../lib/net/destination";
import { iso } from "../../lib/time";
import { deliverDirectly } from "../../send/direct";
import { keyHeader, keyOf } from "../changes/idempotency";
import { eventDeliveryShape, toAttempts, toDelivery, unseen } from "../deliveries/delivery-shape";
import { type AppContext, parsed, parsedBody, queryOf, router } from "../http/context";
import { rulesFor } from "../http/destination";
import { PRODUCERS, READERS } from "../http/roles";
import { createRoute } from "../http/route";
import { invalid, Problem, usedKey } from "../problems/problem";
import { atEvent, inTenant } from "../spec/parameters";
import { body, dataField, eventType, isoTime, json, named, problems, time } from "../spec/schemas";

/** An event as it is posted. */
export const eventInput = named(
  "EventInput",
  z.strictObject({
    event: eventType.describe("Its type; it need not be registered."),
    data: dataField.describe("What it carries. Receivers get its bytes as they are posted."),
    timestamp: time.optional().describe("When it happened; now unless said."),
    // Half a surrogate pair would come back from the log as another character: the retry would be other bytes.
    id: z
      .string()
      .min(1)
      .max(255)
      .refine((id) => id.isWellFormed(), "must be well-formed Unicode")
      .refine((id) => !/\p{Cc}/u.test(id), "must not contain control characters")
      .refine((id) => id.trim() === id, "must not begin or end with a blank")
      .optional()
      .describe(
        "The payload's `id`, of your own: without control characters and blanks around it. A repeat within 24 hours answers the first event; with other data it is a 422.",
      ),
  }),
  "An event to be posted.",
);

/** What is always said of an event. */
export const eventFields = {
  id: z.string().describe("Its id: `evt_…`. Paths take this one, also where you gave one of your own."),
  event: z.string().describe("Its type."),
  timestamp: isoTime.describe("When it happened."),
};

const accepted = {
  ...eventFields,
  deliveries: z
    .array(
      named(
        "DeliveryReference",
        z.object({
          id: z.string().describe("The delivery's id."),
          endpoint: z.string().describe("The endpoint's id."),
        }),
        "A delivery that will be made.",
      ),
    )
    .describe("One for each endpoint that gets it."),
};

/** An event as its acceptance answers it. */
export const acceptedShape = named("AcceptedEvent", z.object(accepted), "An event that was accepted.");
/** The same for one that may have been accepted before. */
export const acceptedOrRepeated = named(
  "BatchedEvent",
  z.object({
    ...accepted,
    duplicate: z.literal(true).optional().describe("It was accepted before; absent otherwise."),
  }),
  "An event of a batch that was accepted.",
);
const repeatedShape = named(
  "RepeatedEvent",
  z.object({ ...accepted, duplicate: z.literal(true).describe("It was accepted before.") }),
  "An event that was accepted before: the first one.",
);

const postQuery = z.strictObject({
  webhook_url: z.string().max(2048).optional().describe("Also delivers this one event there: no endpoint is needed."),
});

const post = createRoute({
  method: "post",
  path: "/v1/tenants/{tenant}/events",
  operationId: "postEvent",
  summary: "Post an event",
  description:
    "Accepts the event, and delivers it to every endpoint that subscribes to it. What was answered 202 is not lost. With `webhook_url` it is delivered there too, without an endpoint.",
  tags: ["Events"],
  roles: PRODUCERS,
  request: {
    params: inTenant,
    query: postQuery,
    headers: keyHeader,
    ...body(eventInput, { event: "lead.hot", data: { company: { domain: "acme.com" }, score: 91 } }),
  },
  responses: {
    200: json(repeatedShape, "a repeat: the first event"),
    202: json(acceptedShape, "accepted"),
    ...problems(400, 401, 404, 413, 422, 429, 503),
  },
});

const get = createRoute({
  method: "get",
  path: "/v1/tenants/{tenant}/events/{event}",
  operationId: "getEvent",
  summary: "Get an event with its deliveries",
  description: "Its data as it was posted, to the byte, and what became of it at each endpoint.",
  tags: ["Events"],
  roles: READERS,
  request: { params: atEvent },
  responses: {
    200: json(
      named(
        "Event",
        z.object({
          ...eventFields,
          data: dataField
            .nullable()
            .openapi({ type: ["object", "array", "null"] })
            .describe("What it carries, as it was posted; `null`: it was erased."),
          erasedAt: isoTime.optional().describe("When its content was erased; absent: it was not."),
          deliveries: z.array(eventDeliveryShape).describe("What became of it at each endpoint."),
        }),
        "Something that happened at a customer of yours.",
      ),
      "the event with its deliveries",
    ),
    ...problems(401, 404),
  },
});

const routes = router();

// By far the most travelled route reads its input itself: a validator for each part would take as long as all the rest.
routes.openAPIRegistry.registerPath(post);
routes.post(post.getRoutingPath(), async (c) => {
  const { webhook_url: callback } = parsed(postQuery, queryOf(c));
  const idempotencyKey = keyOf(c);
  const input = await parsedBody(c, eventInput);
  const refused = callback === undefined ? null : await destinationRefusal(callback, await rulesFor(c), Date.now());
  if (refused !== null) throw invalid({ path: "webhook_url", message: refused });
  const wrong = await schemaErrors(serviceOf(c.env), input.event, () => input.data, Date.now());
  const refusedData = wrong.length > 0;
  // Under a key it may be the repeat of an event from before the schema was what it is.
  if (refusedData && idempotencyKey === undefined && input.id === undefined) throw invalid(...wrong);
  const posted = {
    type: input.event,
    data: memberTexts(await c.req.text()).get("data") as string,
    read: () => input.data,
    ...(input.timestamp === undefined ? {} : { timestamp: input.timestamp }),
    ...(input.id === undefined ? {} : { id: input.id }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(callback === undefined ? {} : { callback }),
    refused: refusedData,
  };
  const tenant = c.get("tenant");
  const outlast = (rest: Promise<unknown>) => c.executionCtx.waitUntil(rest);
  const accepting = accept(c.env, tenant, c.get("snapshot"), posted, Date.now(), (event, versions) => {
    outlast(deliverDirectly(c.env, tenant, event, versions, outlast));
  });
  // Should the caller hang up meanwhile: what is accepted is delivered all the same.
  outlast(accepting.catch(() => undefined));
  const result = await accepting;
  if (result.kind === "refused") throw invalid(...wrong);
  if (result.kind === "conflict")
    throw usedKey(result.by === "id" || idempotencyKey === undefined ? "id" : "Idempotency-Key");
  const answer = toAccepted(result.event);
  return result.kind === "duplicate" ? c.json({ ...answer, duplicate: true as const }, 200) : c.json(answer, 202);
});

/** Events: what is posted, and what became of it. */
export const eventRoutes = (routes as unknown as ReturnType<typeof routes.openapi<typeof post>>).openapi(
  get,
  async (c) => {
    const event = await findEvent(c, c.req.valid("param").event);
    const deliveries = await deliveriesOf(c, event);
    const { type, timestamp, erasedAt } = event;
    const erased = erasedAt === undefined ? {} : { erasedAt: iso(erasedAt) };
    const text = jsonWithRaw(
      { id: eventId(event.ulid), event: type, timestamp: iso(timestamp), ...erased },
      { data: event.data, deliveries: JSON.stringify(deliveries) },
    );
    // As text, so that data keeps the bytes it was posted as.
    return c.body(text, 200, { "Content-Type": "application/json" }) as never;
  },
);

/** An event as its acceptance answers it. */
export function toAccepted(event: Event): z.infer<typeof acceptedShape> {
  return {
    id: eventId(event.ulid),
    event: event.type,
    timestamp: iso(event.timestamp),
    deliveries: event.matches.map(({ endpoint }, index) => ({ id: deliveryId(event.ulid, index), endpoint })),
  };
}

/** The tenant's event of that id; a 404 when there is none. */
export async function findEvent(c: AppContext, id: string): Promise<Event> {
  const ref = parseEventId(id);
  const [event = null] = ref === null ? [] : await eventLogStub(c.env, c.get("tenant"), ref).read([ref.ulid]);
  if (event === null) throw new Problem("event-unknown", "There is no such event.");
  return event;
}

async function deliveriesOf(c: AppContext, event: Event) {
  const tenant = c.get("tenant");
  return Promise.all(
    event.matches.map(async ({ endpoint, test, url }, index) => {
      const id = deliveryId(event.ulid, index);
      const room = endpointStub(c.env, tenant, endpoint);
      if (url === undefined) {
        const { records, gone } = await room.look([id]);
        return toDelivery(endpoint, records[0] ?? unseen(id, event.type, gone, test));
      }
      // A callback has no endpoint of its own to look its log up under: it stands here.
      const { record, attempts, gone } = await room.detail(id);
      const delivery = toDelivery(endpoint, record ?? unseen(id, event.type, gone));
      return { ...delivery, url, attemptLog: toAttempts(attempts, tenant, event) };
    }),
  );
}
