import { z } from "@hono/zod-openapi";
import type { EndpointRow } from "../../config/endpoints/endpoints";
import type { StoredSummary } from "../../config/endpoints/summaries";
import { HOUR, iso, isoOrNull } from "../../lib/time";
import { deliveryError } from "../deliveries/delivery-shape";
import { isoTime, named } from "../spec/schemas";
import { endpointState } from "./endpoint-health";

const lastFailure = named(
  "LastFailure",
  z.object({
    at: isoTime.describe("When the attempt began."),
    statusCode: z.number().int().nullable().describe("What was answered; `null`: nothing."),
    error: deliveryError.describe("What went wrong."),
  }),
  "A failed attempt, in short.",
);

/** How an endpoint fares in short, as lists answer it. */
export const summaryShape = named(
  "EndpointSummary",
  z.object({
    state: endpointState.describe("How it stands."),
    failingSince: isoTime.nullable().describe("The first failed attempt since the last success; `null`: none."),
    failedShare: z
      .number()
      .nullable()
      .describe(
        "The share of failed attempts, 0 to 1, in the hour before `asOf`; `null`: none is known of the last hour.",
      ),
    waiting: z.number().int().describe("How many deliveries are pending or retrying: those that it has taken on."),
    oldestWaitingAt: isoTime.nullable().describe("When the oldest of them was accepted; `null`: none waits."),
    held: z.number().int().describe("How many are held, however old."),
    lastSuccessAt: isoTime
      .nullable()
      .describe(
        "The last success; `null`: none is known. Of a healthy endpoint it may be a day behind, of one with few deliveries more.",
      ),
    lastFailure: lastFailure.nullable().describe("The last failed attempt; `null`: none is known."),
    asOf: isoTime
      .nullable()
      .describe(
        "When its object told this: at once when it begins or ceases to fail or to have something waiting, and at most once a minute while things change. `null`: it had nothing to tell yet.",
      ),
  }),
  "How an endpoint fares, in short: a copy that costs its object no call.",
);

/** A summary as it is answered at `now` (ms). Whether the endpoint is enabled, its own row says. */
export function toSummary(
  { enabled }: Pick<EndpointRow, "enabled">,
  stored: StoredSummary | null | undefined,
  now: number,
): z.infer<typeof summaryShape> {
  const state = stored?.state === "failing" ? "failing" : "healthy";
  const failure = stored?.lastFailure ?? null;
  return {
    state: enabled ? state : "disabled",
    failingSince: isoOrNull(stored?.failingSince),
    failedShare: stored && now - stored.at < HOUR ? stored.failedShare : null,
    waiting: stored?.waiting ?? 0,
    oldestWaitingAt: isoOrNull(stored?.oldestWaitingAt),
    held: stored?.held ?? 0,
    lastSuccessAt: isoOrNull(stored?.lastSuccessAt),
    lastFailure: failure && { ...failure, at: iso(failure.at) },
    asOf: isoOrNull(stored?.at),
  };
}
