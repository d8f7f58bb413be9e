import { z } from "@hono/zod-openapi";
import { findTenant } from "../../config/tenants";
import { listEvents } from "../../event-log/list";
import { eventId, parseEventId } from "../../lib/ids";
import { iso } from "../../lib/time";
import { endpointQuery, searchQuery, sinceQuery, untilQuery } from "../deliveries/delivery-shape";
import { endpointNamed } from "../deliveries/narrowed";
import { router } from "../http/context";
import { page } from "../http/paging";
import { READERS } from "../http/roles";
import { createRoute } from "../http/route";
import { inTenant } from "../spec/parameters";
import { eventType, inOrder, json, listQuery, named, pageShape, problems } from "../spec/schemas";
import { eventFields } from "./events";

const list = createRoute({
  method: "get",
  path: "/v1/tenants/{tenant}/events",
  operationId: "listEvents",
  summary: "List events",
  tags: ["Events"],
  roles: READERS,
  description:
    "Newest first. `since` (inclusive) and `until` (exclusive) go by the time of acceptance, which the id holds, and " +
    "not by the event's own `timestamp`. A page looks at 1,000 events and 7 days at most, so it may be short or empty " +
    "and still have a `nextCursor`; of a `search` it looks at 40 days.",
  request: {
    params: inTenant,
    query: inOrder(
      listQuery(/^evt_[0-7][0-9A-HJKMNP-TV-Z]{9}[0-9A-HJKMNP-TV-Z]{16}$/).extend({
        event: eventType.optional().describe("Of this event type."),
        endpoint: endpointQuery,
        search: searchQuery,
        since: sinceQuery,
        until: untilQuery,
      }),
    ),
  },
  responses: {
    200: json(
      pageShape("EventPage", named("EventSummary", z.object(eventFields), "An event without its data and deliveries.")),
      "newest first, without data and deliveries",
    ),
    ...problems(401, 404, 422),
  },
});

/** The list of a tenant's events. */
export const eventListRoutes = router().openapi(list, async (c) => {
  const tenant = c.get("tenant");
  const { cursor, endpoint: named, ...rest } = c.req.valid("query");
  const endpoint = named === undefined ? undefined : await endpointNamed(c, named);
  const query = { ...rest, endpoint };
  const createdAt = (await findTenant(c.get("config"), tenant))?.createdAt ?? 0;
  const before = cursor === undefined ? null : (parseEventId(cursor)?.ulid ?? null);
  const { events, next } = await listEvents(c.env, tenant, { ...query, before, createdAt }, Date.now());
  const data = events.map(({ ulid, event, timestamp }) => ({ id: eventId(ulid), event, timestamp: iso(timestamp) }));
  return page(c, data, next === null ? null : eventId(next));
});
