import { z } from "@hono/zod-openapi";
import type { EndpointRow } from "../../config/endpoints/endpoints";
import { noteRecovery } from "../../config/endpoints/recoveries";
import type { Event, Match } from "../../contracts/event";
import { endpointStub, eventLogStub } from "../../contracts/find";
import { parseDeliveryId } from "../../lib/ids";
import { log, logError } from "../../lib/log";
import { actorOf } from "../access/audit";
import { endpointOf } from "../endpoints/endpoints";
import { contentErased } from "../events/replay";
import { type AppContext, router } from "../http/context";
import { page } from "../http/paging";
import { MANAGERS, READERS } from "../http/roles";
import { createRoute } from "../http/route";
import { Problem } from "../problems/problem";
import { atDelivery, atEndpoint } from "../spec/parameters";
import { body, flag, inOrder, json, named, problems, time } from "../spec/schemas";
import {
  deliveriesPage,
  deliveriesQuery,
  deliveryDetail,
  deliveryShape,
  recoverable,
  toAttempts,
  toDelivery,
  toFilter,
  unseen,
} from "./delivery-shape";

const base = "/v1/tenants/{tenant}/endpoints/{endpoint}";

const list = createRoute({
  method: "get",
  path: `${base}/deliveries`,
  operationId: "listEndpointDeliveries",
  summary: "List an endpoint's deliveries",
  description: "Newest first, without the attempts.",
  tags: ["Deliveries"],
  roles: READERS,
  request: { params: atEndpoint, query: deliveriesQuery },
  responses: {
    200: json(deliveriesPage, "newest first"),
    ...problems(401, 404, 422),
  },
});

const get = createRoute({
  method: "get",
  path: `${base}/deliveries/{delivery}`,
  operationId: "getDelivery",
  summary: "Get a delivery with its attempts",
  description: "With each attempt: what was sent, and what came back.",
  tags: ["Deliveries"],
  roles: READERS,
  request: { params: atDelivery },
  responses: {
    200: json(deliveryDetail, "the delivery with its attempts"),
    ...problems(401, 404),
  },
});

const resend = createRoute({
  method: "post",
  path: `${base}/deliveries/{delivery}/resend`,
  operationId: "resendDelivery",
  summary: "Send a delivery again",
  description:
    "Makes one attempt now, with today's URL, headers and secrets, in place of the next scheduled one. A 409 while an attempt is under way, or where the endpoint is disabled.",
  tags: ["Deliveries"],
  roles: MANAGERS,
  request: { params: atDelivery },
  responses: { 202: json(deliveryShape, "due now"), ...problems(401, 404, 409) },
});

const recover = createRoute({
  method: "post",
  path: `${base}/recover`,
  operationId: "recoverDeliveries",
  summary: "Send again what failed or was held",
  description:
    "Sends what ended as `failed` or was `held` in a time span, oldest first, within the endpoint's slots and rate. With `dryRun=true` it only counts. Its `id` is followed, and canceled, under `recoveries`.",
  tags: ["Deliveries"],
  roles: MANAGERS,
  request: {
    params: atEndpoint,
    query: z.strictObject({
      dryRun: flag.default("false").describe("`true`: it only counts, and sends nothing."),
    }),
    ...body(
      named(
        "Recovery",
        inOrder(
          z.strictObject({
            since: time.describe("Deliveries of events that were accepted from this time on."),
            until: time.optional().describe("And before this one; now unless said."),
            status: z
              .union([recoverable, z.array(recoverable).min(1)])
              .optional()
              .describe("Which of them; both unless said."),
          }),
        ),
        "What is to be sent again.",
      ),
      { since: "2026-11-21T00:00:00Z", status: ["failed", "held"] },
    ),
  },
  responses: {
    200: json(
      named(
        "RecoveryCount",
        z.object({
          count: z.number().int().describe("Of deliveries that no recovery before was asked for."),
          truncated: z
            .literal(true)
            .optional()
            .describe("There are more than were counted, all of which are recovered; absent otherwise."),
          id: z
            .string()
            .optional()
            .describe("The recovery's id, by which it is followed; absent where nothing is sent."),
        }),
        "How many deliveries are sent again.",
      ),
      "how many",
    ),
    ...problems(400, 401, 404, 409, 422),
  },
});

const DISABLED = "The endpoint is disabled; enable it first.";

/** Deliveries: what an endpoint got, and getting it again. */
export const deliveryRoutes = router()
  .openapi(list, async (c) => {
    const { id } = await endpointOf(c);
    const query = c.req.valid("query");
    const stub = endpointStub(c.env, c.get("tenant"), id);
    const { deliveries, next } = await stub.list(toFilter(query), query.limit, query.cursor ?? null);
    return page(
      c,
      deliveries.map((record) => toDelivery(id, record)),
      next,
    );
  })
  .openapi(get, async (c) => {
    const row = await endpointOf(c);
    const deliveryId = c.req.valid("param").delivery;
    const event = await eventOf(c, deliveryId);
    const { record, attempts, gone } = await endpointStub(c.env, c.get("tenant"), row.id).detail(deliveryId);
    const match = matchOf(event, deliveryId, row);
    if (record === null && match === null) throw notFound();
    const shown = record ?? unseen(deliveryId, event?.type ?? "", gone, match?.test);
    const attemptLog = toAttempts(attempts, c.get("tenant"), event);
    return c.json({ ...toDelivery(row.id, shown), attemptLog }, 200);
  })
  .openapi(resend, async (c) => {
    const row = await endpointOf(c);
    const deliveryId = c.req.valid("param").delivery;
    const event = await eventOf(c, deliveryId);
    const match = matchOf(event, deliveryId, row);
    if (event === null || match === null) throw notFound();
    if (event.erasedAt !== undefined) throw contentErased();
    const room = endpointStub(c.env, c.get("tenant"), row.id);
    const result = await room.resend({ id: deliveryId, type: event.type, test: match.test });
    if (result === "unknown") throw notFound();
    if (result === "disabled") throw new Problem("endpoint-disabled", DISABLED);
    if (result === "in-flight")
      throw new Problem("attempt-under-way", "An attempt is under way; see first what comes of it.");
    const actor = actorOf(c);
    log("delivery.resent", { tenant: c.get("tenant"), endpoint: row.id, delivery: deliveryId, actor });
    const { records } = await room.look([deliveryId]);
    return c.json(toDelivery(row.id, records[0] ?? unseen(deliveryId, event.type, false, match.test)), 202);
  })
  .openapi(recover, async (c) => {
    const { id } = await endpointOf(c);
    const { since, until, status } = c.req.valid("json");
    const dryRun = c.req.valid("query").dryRun === "true";
    const result = await endpointStub(c.env, c.get("tenant"), id).recover({
      since,
      // Ids go by the millisecond: what is accepted in this one is meant too.
      until: until ?? Date.now() + 1,
      statuses: status === undefined ? ["failed", "held"] : [status].flat(),
      dryRun,
    });
    if (result === "disabled") throw new Problem("endpoint-disabled", DISABLED);
    if (result === "busy") {
      throw new Problem("recoveries-waiting", "Too many recoveries wait to be carried out; wait for some of them.");
    }
    const actor = actorOf(c);
    if (result.id !== undefined) {
      const recovery = { id: result.id, tenant: c.get("tenant"), endpoint: id };
      // It goes on all the same, and its endpoint knows it.
      await noteRecovery(c.get("config"), recovery, Date.now()).catch((error) =>
        logError("recovery.note.failed", error, recovery),
      );
    }
    if (!dryRun) log("endpoint.recovered", { tenant: c.get("tenant"), endpoint: id, deliveries: result.count, actor });
    return c.json(result, 200);
  });

function notFound(): Problem {
  return new Problem("delivery-unknown", "There is no such delivery.");
}

/** The event of a delivery id; `null` when the log has none (any more). A 404 for what is no delivery id at all. */
async function eventOf(c: AppContext, deliveryId: string): Promise<Event | null> {
  const ref = parseDeliveryId(deliveryId);
  if (ref === null) throw notFound();
  const [event = null] = await eventLogStub(c.env, c.get("tenant"), ref).read([ref.ulid]);
  return event;
}

/** The match that a delivery of the endpoint comes from; `null` when it is another endpoint's, or nobody's. */
function matchOf(event: Event | null, deliveryId: string, endpoint: EndpointRow): Match | null {
  const match = event?.matches[parseDeliveryId(deliveryId)?.index ?? -1];
  return match?.endpoint === endpoint.id ? match : null;
}
