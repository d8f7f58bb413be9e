import { createRoute } from "@hono/zod-openapi";
import { endpointRoom, eventLogRoom } from "../lib/env";
import { deliveryId, eventId, parseEventId } from "../lib/ids";
import { log } from "../lib/log";
import { actorOf } from "./audit";
import { router } from "./context";
import { eventParams } from "./events";
import { Problem } from "./problem";
import { problems } from "./schemas";

const erase = createRoute({
  method: "delete",
  path: "/v1/tenants/{tenant}/events/{event}/content",
  operationId: "eraseEventContent",
  summary: "Erase what an event carried",
  tags: ["Events"],
  description:
    "Erases the event's data and what receivers answered to its deliveries; unfinished deliveries end as `canceled`. " +
    "Its id, type, times and attempts stay, and a repeat under its idempotency key still answers it. Safe to repeat.",
  request: { params: eventParams },
  responses: { 204: { description: "erased" }, ...problems(401, 404) },
});

/**
 * Erasure of an event's content. First the log loses the text, so that nothing reads it any more; then every endpoint
 * ends its delivery, also one that it has not seen, so that a message under way with the text in it is dropped unread.
 * What remains: requests that are being sent in this very moment (10 s, as long as a timeout) or within two seconds; the bodies of messages on
 * the queues, which nobody sends, until they are consumed (seconds; in an outage no longer than the queue's retention);
 * and the platform's own point-in-time backups of the objects (30 days). When it fails half way, it is to be repeated.
 */
export const contentRoutes = router().openapi(erase, async (c) => {
  const tenant = c.get("tenant");
  const ref = parseEventId(c.req.valid("param").event);
  const event = ref === null ? null : await eventLogRoom(c.env, tenant, ref).erase(ref.ulid);
  if (event === null) throw new Problem(404, "There is no such event.");
  await Promise.all(
    event.matches.map(({ endpoint, test }, index) => {
      const delivery = { id: deliveryId(event.ulid, index), event: event.event, test };
      return endpointRoom(c.env, tenant, endpoint).erase([delivery]);
    }),
  );
  log("event.erased", { tenant, event: eventId(event.ulid), deliveries: event.matches.length, actor: actorOf(c) });
  return c.body(null, 204);
});
