import { z } from "@hono/zod-openapi";
import { addToMatches } from "../../accept/replay";
import type { ResendResult } from "../../contracts/endpoint";
import type { Event } from "../../contracts/event";
import { endpointStub } from "../../contracts/find";
import { deliveryId, eventId } from "../../lib/ids";
import { logError } from "../../lib/log";
import { type AppContext, router } from "../http/context";
import { MANAGERS } from "../http/roles";
import { createRoute } from "../http/route";
import { Problem } from "../problems/problem";
import { atEvent } from "../spec/parameters";
import { json, named, problems } from "../spec/schemas";
import { findEvent } from "./events";

/** Why a resend was refused, in words. */
const REASONS: Readonly<Record<Exclude<ResendResult, "resending">, string>> = {
  disabled: "The endpoint is disabled; enable it first.",
  "in-flight": "An attempt is under way; see first what comes of it.",
  unknown: "The endpoint is deleted.",
};

const replayed = named(
  "ReplayedDelivery",
  z.object({
    id: z.string().describe("The delivery's id."),
    endpoint: z.string().describe("The endpoint's id."),
    action: z
      .enum(["resent", "added", "skipped"])
      .describe("Whether it is sent again, sent for the first time, or left as it is."),
    reason: z.string().optional().describe("Why it was skipped; absent: it was not."),
  }),
  "What a replay does with a delivery.",
);
const replay = named(
  "Replay",
  z.object({
    id: z.string().describe("The event's id."),
    deliveries: z.array(replayed).describe("One for each endpoint that had the event or matches it now."),
  }),
  "What a replay does.",
);

const post = createRoute({
  method: "post",
  path: "/v1/tenants/{tenant}/events/{event}/replay",
  operationId: "replayEvent",
  summary: "Match and deliver an event anew",
  description: "Sends it again to the endpoints that had it, and for the first time to those that match it now.",
  tags: ["Events"],
  roles: MANAGERS,
  request: { params: atEvent },
  responses: {
    202: json(replay, "what is done for each endpoint"),
    ...problems(401, 404, 409),
  },
});

/** Replay: an event once more, matched anew. */
export const replayRoutes = router().openapi(post, async (c) => {
  const event = await findEvent(c, c.req.valid("param").event);
  if (event.erasedAt !== undefined) throw contentErased();
  const added = await addToMatches(c.env, c.get("tenant"), c.get("snapshot"), event);
  if (added === null) throw contentErased();
  const deliveries = await Promise.all([
    ...event.matches.map((_, index) => resend(c, event, index)),
    ...added.map(({ id, endpoint }) => ({ id, endpoint, action: "added" as const })),
  ]);
  return c.json({ id: eventId(event.ulid), deliveries }, 202);
});

/** The 409 of an event that has nothing left to send. */
export function contentErased(): Problem {
  return new Problem("content-erased", "The event's content is erased: there is nothing left to send.");
}

async function resend(c: AppContext, event: Event, index: number): Promise<z.infer<typeof replayed>> {
  const tenant = c.get("tenant");
  const { endpoint, test } = event.matches[index] as Event["matches"][number];
  const id = deliveryId(event.ulid, index);
  try {
    const result = await endpointStub(c.env, tenant, endpoint).resend({ id, type: event.type, test });
    if (result === "resending") return { id, endpoint, action: "resent" };
    return { id, endpoint, action: "skipped", reason: REASONS[result] };
  } catch (error) {
    // The others have been resent, and the caller is to know.
    logError("event.replay.failed", error, { tenant, delivery: id });
    return { id, endpoint, action: "skipped", reason: "The endpoint is out of reach; try again." };
  }
}
