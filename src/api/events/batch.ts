import { z } from "@hono/zod-openapi";
import { acceptAll, logAccepted, type Posted } from "../../accept/accept";
import { schemaErrors } from "../../accept/schemas";
import { serviceOf } from "../../config/databases";
import { elementTexts, memberTexts } from "../../lib/json/json";
import { keyHeader } from "../changes/idempotency";
import { router } from "../http/context";
import { PRODUCERS } from "../http/roles";
import { createRoute } from "../http/route";
import { type FieldError, invalid, usedKey } from "../problems/problem";
import { inTenant } from "../spec/parameters";
import { body, json, named, problems } from "../spec/schemas";
import { acceptedOrRepeated, eventInput, toAccepted } from "./events";

const MAX_EVENTS = 100;

const posted = named(
  "EventBatch",
  z.strictObject({
    events: z.array(eventInput).min(1).max(MAX_EVENTS).describe("The events, in the order that they are accepted in."),
  }),
  "Events to be posted together.",
);
const answered = named(
  "AcceptedBatch",
  z.object({ data: z.array(acceptedOrRepeated).describe("The events, in the order that they were posted in.") }),
  "Events that were accepted together.",
);

const post = createRoute({
  method: "post",
  path: "/v1/tenants/{tenant}/events/batch",
  operationId: "postEvents",
  summary: "Post up to 100 events",
  description: "All of them are accepted, or none. At most 1 MiB together.",
  tags: ["Events"],
  roles: PRODUCERS,
  request: {
    params: inTenant,
    headers: keyHeader,
    ...body(posted, {
      events: [
        { event: "lead.hot", data: { score: 91 } },
        { event: "lead.cold", data: { score: 12 } },
      ],
    }),
  },
  responses: {
    200: json(answered, "a repeat: every event is one that was accepted before"),
    202: json(answered, "accepted, in the order they were posted in"),
    ...problems(400, 401, 404, 413, 422, 429, 503),
  },
});

/** Batches: many events in one request, all accepted or none. */
export const batchRoutes = router().openapi(post, async (c) => {
  const { events } = c.req.valid("json");
  const { "idempotency-key": key } = c.req.valid("header");
  const now = Date.now();
  const wrong: FieldError[] = [];
  const refused = new Set<number>();
  for (const [i, { event, data }] of events.entries()) {
    for (const { path, message } of await schemaErrors(serviceOf(c.env), event, () => data, now)) {
      wrong.push({ path: `events.${i}.${path}`, message });
      refused.add(i);
    }
  }
  // Under a key it may be the repeat of an event from before the schema was what it is.
  if (key === undefined && [...refused].some((i) => events[i]?.id === undefined)) throw invalid(...wrong);

  const texts = elementTexts(memberTexts(await c.req.text()).get("events") as string);
  const all = events.map(
    ({ event, data, timestamp, id }, i): Posted => ({
      type: event,
      data: memberTexts(texts[i] as string).get("data") as string,
      read: () => data,
      ...(timestamp === undefined ? {} : { timestamp }),
      ...(id === undefined ? {} : { id }),
      refused: refused.has(i),
    }),
  );
  const result = await acceptAll(c.env, c.get("tenant"), c.get("snapshot"), all, key, now);
  if (result.kind === "refused") throw invalid(...wrong);
  if (result.kind === "conflict") {
    throw usedKey(result.index === null ? "Idempotency-Key" : `events.${result.index}.id`);
  }
  const fresh = result.events.filter(({ duplicate }) => !duplicate);
  logAccepted(
    c.get("tenant"),
    fresh.map(({ event }) => event),
    now,
  );
  const data = result.events.map(({ event, duplicate }) => ({
    ...toAccepted(event),
    ...(duplicate ? { duplicate: true as const } : {}),
  }));
  return c.json({ data }, data.every(({ duplicate }) => duplicate) ? 200 : 202);
});
