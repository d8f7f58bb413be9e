import { z } from "@hono/zod-openapi";
import { isOperatorKey } from "../../lib/operator";
import { isoOrNull } from "../../lib/time";
import { router } from "../http/context";
import { ANYBODY } from "../http/roles";
import { createRoute } from "../http/route";
import { Problem } from "../problems/problem";
import { isoTime, json, named, problems } from "../spec/schemas";
import { checkDeployment, incompleteQueues, misconfigured, unreachedDatabases } from "./deployment";
import { reachability } from "./reachability";
import { sealsFields } from "./reseal";

const checkFields = {
  ok: z.boolean().describe("Whether it answered."),
  ms: z.number().int().describe("How long that took, in milliseconds."),
};
const check = named("HealthCheck", z.object(checkFields), "How a part of the service answers.");
const queueCheck = named(
  "QueueHealthCheck",
  z.object({
    ...checkFields,
    backlog: z.number().int().nullable().describe("How many messages wait; `null`: it is not known."),
  }),
  "How a queue answers.",
);
const parts = z.object({
  d1: check.describe("The database of what is configured."),
  objects: check.describe("The Durable Objects, which know what happened."),
  deliveries: queueCheck.describe("The queues of deliveries that are due, together."),
  deliveriesSlow: queueCheck.describe("The queues of deliveries to endpoints that have begun to fail, together."),
  deliveriesDead: queueCheck.describe("The queue of what could not be handled."),
});
const deadLetters = z.object({
  count: z.number().int().describe("How many there were."),
  lastAt: isoTime.nullable().describe("When the last one came; `null`: none has."),
});

const health = named(
  "Health",
  z.object({
    status: z.literal("ok").describe("It runs."),
    parts: named("HealthParts", parts, "How the parts of the service answer.")
      .optional()
      .describe("How each part answers; absent: it was not the operator who asked."),
    deadLetters: named("DeadLetters", deadLetters, "Messages that nobody could read.")
      .nullish()
      .describe("Messages that nobody could read; `null`: it is not known."),
    secrets: named("SealCounts", z.object(sealsFields), "Sealed values that are not under today's SECRETS_KEY.")
      .nullish()
      .describe(
        "Sealed values that are not under today's SECRETS_KEY, of many at least so many; `null`: it is not known.",
      ),
  }),
  "Whether the service runs.",
);

const get = createRoute({
  method: "get",
  path: "/health",
  operationId: "getHealth",
  summary: "Whether the service runs",
  description:
    "Needs no key; with the operator's it tells more, of sealed values under other keys at least how many. A 503 names each variable and binding of the deployment that is missing or wrong. A part that does not answer within two seconds makes it a 503, " +
    "whose problem has the same `parts`, `deadLetters` and `secrets`.",
  tags: ["Service"],
  roles: ANYBODY,
  security: [{}, { key: [] }],
  responses: {
    200: json(health, "alive; with the operator key also how every part of the service answers"),
    ...problems(503),
  },
});

/** Whether the Worker runs; needs no key. */
export const healthRoutes = router().openapi(get, async (c) => {
  checkDeployment(c.env, [...misconfigured(c.env), ...incompleteQueues(c.env), ...unreachedDatabases(c.env)]);
  const key = (c.req.header("Authorization") ?? "").replace(/^Bearer +/i, "").trim();
  if (key === "" || !isOperatorKey(c.env, key)) return c.json({ status: "ok" as const }, 200);
  const { parts, deadLetters, secrets } = await reachability(c.env);
  const told = {
    parts,
    deadLetters: deadLetters && { count: deadLetters.count, lastAt: isoOrNull(deadLetters.lastAt) },
    secrets,
  };
  const silent = Object.entries(parts).filter(([, { ok }]) => !ok);
  if (silent.length === 0) return c.json({ status: "ok" as const, ...told }, 200);
  throw new Problem("parts-out-of-reach", `Out of reach: ${silent.map(([part]) => part).join(", ")}.`, {
    headers: { "Retry-After": "2" },
    members: told,
  });
});
