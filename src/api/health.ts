import { createRoute, z } from "@hono/zod-openapi";
import { isOperatorKey } from "../lib/operator";
import { isoOrNull } from "../lib/time";
import { router } from "./context";
import { checkDeployment } from "./deployment";
import { Problem } from "./problem";
import { reachability } from "./reachability";
import { json, problems } from "./schemas";

const check = z.object({ ok: z.boolean(), ms: z.number().int() });
const queueCheck = check.extend({ backlog: z.number().int().nullable() });

const get = createRoute({
  method: "get",
  path: "/health",
  operationId: "getHealth",
  summary: "Whether the service runs",
  description:
    "Needs no key; with the operator's it tells more, of sealed values under other keys at least how many. A 503 names each variable of the deployment that is missing or wrong. A part that does not answer within two seconds makes it a 503, " +
    "whose problem has the same `parts`, `deadLetters` and `secrets`.",
  tags: ["Service"],
  security: [{}, { key: [] }],
  responses: {
    200: json(
      z.object({
        status: z.literal("ok"),
        parts: z
          .object({
            d1: check,
            objects: check,
            deliveries: queueCheck,
            deliveriesSlow: queueCheck,
            deliveriesDead: queueCheck,
          })
          .optional(),
        /** Messages that nobody could read. */
        deadLetters: z.object({ count: z.number().int(), lastAt: z.string().nullable() }).nullish(),
        /**
         * Sealed values that are not under today's SECRETS_KEY: under one of SECRETS_KEY_OLD, or under none that is known.
         * Of many, at least so many: config/foreign-seals.ts.
         */
        secrets: z.object({ underOldKeys: z.number().int(), unreadable: z.number().int() }).nullish(),
      }),
      "alive; with the operator key also how every part of the service answers",
    ),
    ...problems(503),
  },
});

/** Whether the Worker runs; needs no key. */
export const healthRoutes = router().openapi(get, async (c) => {
  checkDeployment(c.env);
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
