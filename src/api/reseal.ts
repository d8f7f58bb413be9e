import { z } from "@hono/zod-openapi";
import { countForeignSeals, MOST_COUNTED } from "../config/foreign-seals";
import { RESEAL_CURSOR, reseal } from "../config/reseal";
import { secretsKeys } from "../lib/env";
import { entryOf } from "./audit";
import { router } from "./context";
import { createRoute, OPERATOR } from "./route";
import { json, problems } from "./schemas";

const post = createRoute({
  method: "post",
  path: "/v1/secrets/reseal",
  operationId: "resealSecrets",
  summary: "Seal secrets under today's key",
  description:
    "Seals what is still under a key of SECRETS_KEY_OLD under SECRETS_KEY, a part at a time: repeat it until " +
    "`underOldKeys` is 0, then the old keys can be taken away. What an old key does not open stays as it is; to pass over " +
    `it, repeat with the \`nextCursor\` of the answer as \`cursor\`. Of more than ${MOST_COUNTED} rows under one key, so ` +
    "many are counted.",
  tags: ["Service"],
  roles: OPERATOR,
  request: { query: z.strictObject({ cursor: z.string().regex(RESEAL_CURSOR, "must be a nextCursor").optional() }) },
  responses: {
    200: json(
      z.object({
        /** Values sealed anew by this call. */
        resealed: z.number().int(),
        /** Values that are still under an old key. */
        underOldKeys: z.number().int(),
        /** Values under a key that is neither today's nor one of the old ones. */
        unreadable: z.number().int(),
        /** Where this call stopped; absent: it came to the end. */
        nextCursor: z.string().optional(),
      }),
      "what was done, and what is left",
    ),
    ...problems(401, 403, 422, 503),
  },
});

/** The replacement of SECRETS_KEY. The operator's. */
export const resealRoutes = router().openapi(post, async (c) => {
  const keys = secretsKeys(c.env);
  const { cursor = null } = c.req.valid("query");
  const entry = entryOf(c, null, "secrets.resealed", "");
  const { resealed, next } = await reseal(c.env.DB, keys, Date.now(), entry, cursor);
  const left = await countForeignSeals(c.env.DB, keys);
  return c.json({ resealed, ...left, ...(next === null ? {} : { nextCursor: next }) }, 200);
});
