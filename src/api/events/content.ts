import { eraseContent } from "../../accept/erase-event";
import { eventId, parseEventId } from "../../lib/ids";
import { log } from "../../lib/log";
import { actorOf } from "../access/audit";
import { inFlightHeader, tellUnderWay } from "../deliveries/under-way";
import { router } from "../http/context";
import { ADMIN } from "../http/roles";
import { createRoute } from "../http/route";
import { Problem } from "../problems/problem";
import { atEvent } from "../spec/parameters";
import { problems } from "../spec/schemas";

const erase = createRoute({
  method: "delete",
  path: "/v1/tenants/{tenant}/events/{event}/content",
  operationId: "eraseEventContent",
  summary: "Erase what an event carried",
  tags: ["Events"],
  roles: ADMIN,
  description:
    "Erases the event's data and what receivers answered to its deliveries; unfinished deliveries end as `canceled`. " +
    "The same goes for the `contact_revealed` events derived from it. Its id, type, times and attempts stay, and a repeat " +
    "under its idempotency key still answers it. Safe to repeat.",
  request: { params: atEvent },
  responses: { 204: { description: "erased", headers: inFlightHeader }, ...problems(401, 404) },
});

/**
 * Erasure of an event's content, and of what was derived from it. What remains: requests that are under way still, which
 * the answer counts (as long as a timeout); the bodies of messages on the queues, which nobody sends,
 * until they are consumed (seconds; in an outage no longer than the queue's retention); and the platform's own
 * point-in-time backups of the objects (30 days). When it fails half way, it is to be repeated.
 */
export const contentRoutes = router().openapi(erase, async (c) => {
  const tenant = c.get("tenant");
  const ref = parseEventId(c.req.valid("param").event);
  const erased = ref === null ? null : await eraseContent(c.env, tenant, ref.ulid);
  if (erased === null) throw new Problem("event-unknown", "There is no such event.");
  const { event, derived } = erased;
  log("event.erased", {
    tenant,
    event: eventId(event.ulid),
    deliveries: event.matches.length,
    derived: derived.length,
    actor: actorOf(c),
  });
  await tellUnderWay(c, tenant, erased.underWay);
  return c.body(null, 204);
});
