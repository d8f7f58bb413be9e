import { createRoute, z } from "@hono/zod-openapi";
import { countForeignSeals, reseal } from "../config/reseal";
import { secretsKeys } from "../lib/env";
import { entryOf } from "./audit";
import { router } from "./context";
import { json, problems } from "./schemas";

const post = createRoute({
  method: "post",
  path: "/v1/secrets/reseal",
  operationId: "resealSecrets",
  summary: "Seal secrets under today's key",
  description:
    "Seals what is still under a key of SECRETS_KEY_OLD under SECRETS_KEY, a part at a time: repeat it until " +
    "`underOldKeys` is 0, then the old keys can be taken away.",
  tags: ["Service"],
  responses: {
    200: json(
      z.object({
        /** Values sealed anew by this call. */
        resealed: z.number().int(),
        /** Values that are still under an old key. */
        underOldKeys: z.number().int(),
        /** Values under a key that is neither today's nor one of the old ones. */
        unreadable: z.number().int(),
      }),
      "what was done, and what is left",
    ),
    ...problems(401, 403, 503),
  },
});

/** The replacement of SECRETS_KEY. The operator's. */
export const resealRoutes = router().openapi(post, async (c) => {
  const keys = secretsKeys(c.env);
  const resealed = await reseal(c.env.DB, keys, Date.now(), entryOf(c, null, "secrets.resealed", ""));
  return c.json({ resealed, ...(await countForeignSeals(c.env.DB, keys)) }, 200);
});
