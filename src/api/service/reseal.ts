import { z } from "@hono/zod-openapi";
import { databasesOf } from "../../config/databases";
import { foreignSealsOf, MOST_COUNTED } from "../../config/endpoints/foreign-seals";
import { RESEAL_CURSOR, resealAll } from "../../config/endpoints/reseal";
import { secretsKeys } from "../../contracts/env";
import { entryOf } from "../access/audit";
import { router } from "../http/context";
import { OPERATOR } from "../http/roles";
import { createRoute } from "../http/route";
import { json, named, problems } from "../spec/schemas";

/** What is said of values that are not sealed under today's key. */
export const sealsFields = {
  underOldKeys: z.number().int().describe("Values that are still under an old key."),
  unreadable: z.number().int().describe("Values under a key that is neither today's nor one of the old ones."),
};

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
  request: {
    query: z.strictObject({
      cursor: z
        .string()
        .regex(RESEAL_CURSOR, "must be a nextCursor")
        .optional()
        .describe("The `nextCursor` of the call before, to pass over what it could not open."),
    }),
  },
  responses: {
    200: json(
      named(
        "Reseal",
        z.object({
          resealed: z.number().int().describe("Values sealed anew by this call."),
          ...sealsFields,
          nextCursor: z.string().optional().describe("Where this call stopped; absent: it came to the end."),
        }),
        "What was sealed anew, and what is left.",
      ),
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
  const { resealed, next } = await resealAll(databasesOf(c.env), keys, Date.now(), entry, cursor);
  const left = await foreignSealsOf(c.env);
  return c.json({ resealed, ...left, ...(next === null ? {} : { nextCursor: next }) }, 200);
});
