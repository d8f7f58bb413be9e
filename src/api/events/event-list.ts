import { z } from "@hono/zod-openapi";
import { findTenant } from "../../config/tenants";
import { eventLogStub } from "../../contracts/find";
import { listEvents } from "../../event-log/list";
import { deliveryId, type EventRef, eventId, eventRef, logName, parseEventId, ulidAbove, ulidOf } from "../../lib/ids";
import { iso } from "../../lib/time";
import { endpointQuery, outcomeQuery, searchQuery, sinceQuery, untilQuery } from "../deliveries/delivery-shape";
import { endpointNamed } from "../deliveries/narrowed";
import { deliveriesOver } from "../deliveries/tenant-deliveries";
import { type AppContext, router } from "../http/context";
import { page } from "../http/paging";
import { READERS } from "../http/roles";
import { createRoute } from "../http/route";
import { inTenant } from "../spec/parameters";
import { eventType, inOrder, json, listQuery, named, pageShape, problems } from "../spec/schemas";
import { eventFields } from "./events";

/** An event in a list. */
export const eventSummary = named("EventSummary", z.object(eventFields), "An event without its data and deliveries.");

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
    "and still have a `nextCursor`; of a `search` it looks at 40 days. With `status` or `code`: events that have such a delivery.",
  request: {
    params: inTenant,
    query: inOrder(
      listQuery(/^evt_[0-7][0-9A-HJKMNP-TV-Z]{9}[0-9A-HJKMNP-TV-Z]{16}$/).extend({
        event: eventType.optional().describe("Of this event type."),
        ...outcomeQuery,
        endpoint: endpointQuery,
        search: searchQuery,
        since: sinceQuery,
        until: untilQuery,
      }),
    ),
  },
  responses: {
    200: json(pageShape("EventPage", eventSummary), "newest first, without data and deliveries"),
    ...problems(401, 404, 422),
  },
});

/** The list of a tenant's events. */
export const eventListRoutes = router().openapi(list, async (c) => {
  const tenant = c.get("tenant");
  const { cursor, ...query } = c.req.valid("query");
  const before = cursor === undefined ? null : (parseEventId(cursor)?.ulid ?? null);
  if (query.status !== undefined || query.code !== undefined) return byOutcome(c, query, before);
  const { status: _, code: __, endpoint: named, ...rest } = query;
  const endpoint = named === undefined ? undefined : await endpointNamed(c, named);
  const createdAt = (await findTenant(c.get("config"), tenant))?.createdAt ?? 0;
  const { events, next } = await listEvents(c.env, tenant, { ...rest, endpoint, before, createdAt }, Date.now());
  const data = events.map(({ ulid, event, timestamp }) => ({ id: eventId(ulid), event, timestamp: iso(timestamp) }));
  return page(c, data, next === null ? null : eventId(next));
});

/** The events that have a delivery which came out so: what became of them only their endpoints know, so those are asked. */
async function byOutcome(
  c: AppContext,
  query: Omit<Parameters<typeof deliveriesOver>[1], "cursor">,
  before: string | null,
) {
  const { data, next } = await deliveriesOver(c, query, before === null ? null : deliveryId(before, 0));
  const ulids = [...new Set(data.map(({ id }) => ulidOf(id)))];
  const logs = [...Map.groupBy(ulids.map(eventRef), logName).values()];
  const read = await Promise.all(
    logs.map((refs) => eventLogStub(c.env, c.get("tenant"), refs[0] as EventRef).read(refs.map(({ ulid }) => ulid))),
  );
  const events = new Map(read.flat().map((event) => [event?.ulid, event]));
  const rows = ulids.flatMap((ulid) => {
    const event = events.get(ulid);
    return event ? [{ id: eventId(ulid), event: event.type, timestamp: iso(event.timestamp) }] : [];
  });
  const last = next === null ? null : ulidOf(next);
  // Where the page ended amid an event's deliveries that is not on it, the next one begins with that event.
  const done = last === null || query.search !== undefined || ulids.includes(last);
  return page(c, rows, last === null ? null : eventId(done ? last : ulidAbove(last)));
}
