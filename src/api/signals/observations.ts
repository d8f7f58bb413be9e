import { z } from "@hono/zod-openapi";
import { reconcileAfterMs } from "../../contracts/env";
import { isContainer } from "../../lib/json/exact";
import { elementTexts, memberTexts } from "../../lib/json/json";
import { SECOND } from "../../lib/time";
import { observeKeyed } from "../../signals/keyed";
import type { PostedObservation, Told } from "../../signals/observe";
import type { Skipped } from "../../signals/plan";
import { keyHeader } from "../changes/idempotency";
import { type AppContext, refuseEmpty, router } from "../http/context";
import { PRODUCERS } from "../http/roles";
import { createRoute } from "../http/route";
import { invalid, Problem, usedKey } from "../problems/problem";
import { inTenant } from "../spec/parameters";
import { body, flag, json, named, problems, time } from "../spec/schemas";

const MAX_OBSERVATIONS = 100;

const base = "/v1/tenants/{tenant}/observations";
const request = {
  params: inTenant,
  query: z.strictObject({
    strict: flag
      .optional()
      .describe("`true`: refuses what a rule can make nothing of, instead of leaving the rule alone."),
  }),
  headers: keyHeader,
};

/** An observation as it is posted: any JSON object. Handlers take it from the body, which zod would not keep to the byte. */
export const observationInput = named(
  "Observation",
  z
    .looseObject(
      { at: time.optional().describe("When it was observed; now unless said.") },
      { error: "must be a JSON object" },
    )
    .openapi({ additionalProperties: true }),
  "A fact about an entity: any JSON object. Signals say where in it they look.",
);

/** Why a rule made nothing of an observation. */
export const skippedShape = z
  .array(
    named(
      "SkippedRule",
      z.object({
        rule: z.string().describe("The signal's id."),
        path: z.string().describe("Where in the observation it found nothing to go by."),
        reason: z.string().describe("Why it made nothing of it, in words."),
      }),
      "A rule that made nothing of an observation.",
    ),
  )
  .describe("The rules that had nothing to go by; absent: none.");

const emitted = named(
  "EmittedEvent",
  z.object({ id: z.string().describe("The event's id."), event: z.string().describe("Its type.") }),
  "An event that a signal emitted.",
);
const told = { events: z.array(emitted).describe("What it emitted."), skipped: skippedShape.optional() };
const toldShape = named("Observed", z.object(told), "What an observation emitted.");
const repeatedShape = named(
  "RepeatedObservation",
  z.object({ ...told, duplicate: z.literal(true).describe("It was observed before.") }),
  "What an observation emitted when it was first posted.",
);
const batchedShape = named(
  "BatchedObservation",
  z.object({
    ...told,
    duplicate: z.literal(true).optional().describe("It was observed before; absent otherwise."),
  }),
  "What an observation of a batch emitted.",
);

const example = {
  company: { domain: "halden.example", leadScore: 74 },
  visitor: { pageUrl: "/pricing" },
  at: "2026-11-21T09:30:00Z",
};

const post = createRoute({
  method: "post",
  path: base,
  operationId: "postObservation",
  summary: "Post an observation",
  description:
    "A fact about an entity, of any form. The tenant's signals turn it into events. Without an `Idempotency-Key` each request is a new observation.",
  tags: ["Signals"],
  roles: PRODUCERS,
  request: { ...request, ...body(observationInput, example) },
  responses: {
    200: json(repeatedShape, "a repeat: what the first one emitted"),
    202: json(toldShape, "observed: what it emitted"),
    ...problems(400, 401, 404, 413, 422, 429, 503),
  },
});

const batchInput = named(
  "ObservationBatch",
  z.strictObject({
    observations: z.array(observationInput).min(1).max(MAX_OBSERVATIONS).describe("The observations, in their order."),
  }),
  "Observations to be posted together.",
);
const batchShape = named(
  "ObservedBatch",
  z.object({
    events: z.array(emitted).describe("All that the observations emitted."),
    data: z.array(batchedShape).describe("The same for each observation."),
  }),
  "What the observations of a batch emitted.",
);

const postBatch = createRoute({
  method: "post",
  path: `${base}/batch`,
  operationId: "postObservations",
  summary: "Post up to 100 observations",
  description: "Observed in the order they stand in; all of them, or none.",
  tags: ["Signals"],
  roles: PRODUCERS,
  request: {
    ...request,
    ...body(batchInput, {
      observations: [{ company: { domain: "halden.example", leadScore: 61 } }, example],
    }),
  },
  responses: {
    200: json(batchShape, "a repeat: what the first one emitted"),
    202: json(batchShape, "observed, in the order they were posted in"),
    ...problems(400, 401, 404, 413, 422, 429, 503),
  },
});

/** Observations: facts that signals turn into events. */
export const observationRoutes = router()
  .openapi(post, async (c) => {
    refuseEmpty(c);
    const observation = toPosted(await c.req.json(), await c.req.text(), c.req.valid("json").at);
    const [told] = await observed(c, [observation], "single", c.req.valid("query"), c.req.valid("header"));
    const answer = toAnswer(told as Told);
    return told?.duplicate ? c.json({ ...answer, duplicate: true as const }, 200) : c.json(answer, 202);
  })
  .openapi(postBatch, async (c) => {
    const posted = await allPosted(c, c.req.valid("json").observations);
    const told = await observed(c, posted, "batch", c.req.valid("query"), c.req.valid("header"));
    const data = told.map((one) => ({ ...toAnswer(one), ...(one.duplicate ? { duplicate: true as const } : {}) }));
    const events = data.flatMap((one) => one.events);
    return c.json({ events, data }, told.every((one) => one.duplicate) ? 200 : 202);
  });

/** The observations of a body that lists them, with their texts as posted; `checked`: as a validator made them. */
export async function allPosted(
  c: AppContext,
  checked: readonly { at?: number | undefined }[],
): Promise<PostedObservation[]> {
  const { observations } = await c.req.json<{ observations: object[] }>();
  const texts = elementTexts(memberTexts(await c.req.text()).get("observations") as string);
  return checked.map(({ at }, i) => toPosted(observations[i], texts[i] as string, at, `observations.${i}`));
}

/** An observation with its text, both as posted. A 422 for a number, which zod takes for an object where it is exact. */
function toPosted(data: unknown, text: string, at: number | undefined, path = ""): PostedObservation {
  if (!isContainer(data)) throw invalid({ path, message: "must be a JSON object" });
  return { data, text, at: at ?? null };
}

/** Has observations observed. A 422 for what strictness refuses, and for a key that was used for others. */
async function observed(
  c: AppContext,
  observations: PostedObservation[],
  way: "single" | "batch",
  { strict }: { strict?: "true" | "false" | undefined },
  { "idempotency-key": key }: { "idempotency-key"?: string | undefined },
): Promise<Told[]> {
  const watch = { tenant: c.get("tenant"), snapshot: c.get("snapshot"), strict: strict === "true" };
  const result = await observeKeyed(c.env, key, watch, observations, way);
  if (result.kind === "conflict") throw usedKey("Idempotency-Key");
  if (result.kind === "refused") throw refusal(c, result.skipped, way);
  if (result.kind === "full") {
    throw new Problem(
      "entity-full",
      "An entity has fired more than could be emitted, and observes no more until it is. Try again.",
      {
        headers: { "Retry-After": String(Math.ceil(reconcileAfterMs(c.env) / SECOND)) },
      },
    );
  }
  return result.told;
}

function refusal(c: AppContext, skipped: readonly Skipped[][], way: "single" | "batch"): Problem {
  const names = new Map(c.get("snapshot").signals.map(({ id, name }) => [id, name]));
  const errors = skipped.flatMap((rules, i) =>
    rules.map(({ rule, path, reason }) => ({
      path: way === "batch" ? `observations.${i}.${path}` : path,
      message: `${reason} (signal ${rule}, ${names.get(rule)})`,
    })),
  );
  return invalid(...errors);
}

function toAnswer({ events, skipped }: Told): z.infer<typeof toldShape> {
  return {
    events: events.map(({ id, event }) => ({ id, event })),
    ...(skipped.length === 0 ? {} : { skipped }),
  };
}
