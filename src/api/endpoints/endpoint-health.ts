import { z } from "@hono/zod-openapi";
import { DELIVERY_STATUSES, type DeliveryStatus } from "../../contracts/delivery";
import { isoTime, named } from "../spec/schemas";

const counts = Object.fromEntries(
  DELIVERY_STATUSES.map((status) => [status, z.number().int().describe(`Those that are \`${status}\`.`)]),
) as Record<DeliveryStatus, z.ZodNumber>;
/** How many deliveries are in each state. */
export const countsShape = counts;

const duration = z.number().nullable();

/** How an endpoint stands. */
export const endpointState = named(
  "EndpointState",
  z.enum(["healthy", "failing", "disabled"]),
  "`failing`: an attempt has failed since the last success.",
);

/** Whether sending to an endpoint pauses, as it is answered. */
export const breakerShape = named(
  "Breaker",
  z.object({
    state: z
      .enum(["closed", "open", "half-open"])
      .describe("`open`: nothing is sent. `half-open`: one delivery is tried."),
    until: isoTime.nullable().describe("While it is open, when one delivery may be tried."),
  }),
  "Keeps an endpoint that fails from taking capacity.",
);
/** How long attempts take. */
export const latencyShape = named(
  "Latency",
  z.object({
    p50: duration.describe("Half of them took no longer."),
    p95: duration.describe("95 in 100 of them took no longer."),
    p99: duration.describe("99 in 100 of them took no longer."),
  }),
  "How long attempts take, in milliseconds; `null`: there were none. Above 10 ms at most a tenth too long.",
);
const storage = z.object({
  bytes: z.number().int().describe("How much is kept."),
  most: z
    .number()
    .int()
    .describe("Beyond so much the oldest of what is finished is dropped before its retention ends."),
  responsesSince: isoTime
    .nullable()
    .describe("Responses to deliveries that were accepted before are dropped; `null`: none are."),
  deliveriesSince: isoTime
    .nullable()
    .describe("Finished deliveries that were accepted before are dropped; `null`: none are."),
});

/** How an endpoint fares, as it is answered. */
export const healthShape = named(
  "EndpointHealth",
  z.object({
    state: endpointState.describe("How it stands."),
    failingSince: isoTime.nullable().describe("The first failed attempt since the last success; `null`: none."),
    disablesAt: isoTime
      .nullable()
      .describe("When failing on disables it; `null`: it does not fail, or is never disabled."),
    window: z
      .array(z.boolean())
      .length(7)
      .describe(
        "The seven equal parts of `disableAfter` since `failingSince`, each with whether an attempt failed in it.",
      ),
    consecutiveFailures: z.number().int().describe("Failed attempts since the last success."),
    breaker: breakerShape.describe("Whether sending pauses."),
    quietUntil: isoTime
      .nullable()
      .describe(
        "Until when nothing but tests is sent, because the receiver asked for it with a Retry-After; else `null`.",
      ),
    counts: named("DeliveryCounts", z.object(counts), "How many deliveries are in each state.").describe(
      "Its deliveries of the last 24 hours, by whole hours of acceptance.",
    ),
    latency: latencyShape.describe("Of the deliveries of the last 24 hours that succeeded."),
    truncated: z.boolean().describe("`false`: all of them are counted."),
    storage: named("EndpointStorage", storage, "How much is kept of an endpoint.").describe("What is kept of it."),
  }),
  "How an endpoint fares.",
);
