import { z } from "@hono/zod-openapi";
import { MOST_LOOKED } from "../../config/search";
import { findTenant, listAllTenants } from "../../config/tenants";
import { router } from "../http/context";
import { OPERATOR, READERS } from "../http/roles";
import { createRoute } from "../http/route";
import { inTenant } from "../spec/parameters";
import { json, named, problems, searchText } from "../spec/schemas";
import { MOST_ASKED } from "./attempts";
import { KINDS, MOST_HITS, type Scope, search } from "./hits";

/** The most tenants whose logs are looked through: the newest. */
const MOST_TENANTS = 500;

const query = z.strictObject({ q: searchText.describe("What is looked for.").openapi({ example: "4711" }) });

/** Of an event, as examples have it. */
const ID = "evt_01KAJ3Q8Z5011F4Q6N9R2T8V0W";

const answer = named(
  "SearchResult",
  z.object({
    data: z
      .array(
        named(
          "SearchHit",
          z.object({
            kind: z.enum(KINDS).describe("What it is."),
            id: z.string().describe("Its id.").openapi({ example: ID }),
            tenant: z.string().describe("Whose it is."),
            title: z.string().describe("What people call it."),
            path: z
              .string()
              .describe("Where the API has it; of an attempt its delivery.")
              .openapi({ example: `/v1/tenants/acme/events/${ID}` }),
          }),
          "Something that was found.",
        ),
      )
      .describe(`At most ${MOST_HITS} of each kind.`),
    truncated: z.boolean().describe("Whether there was more to look at, or to show, than bounds allow."),
  }),
  "What a search found.",
);

const FINDS =
  "By its whole id an event, a delivery, or an attempt as far as it is found: its id says only when it began, so endpoints are asked; else events by your own `id` of theirs, their `Idempotency-Key`, or the value of a path that " +
  "their type names as `searchable`, newest first and within retention; endpoints by a part of their id, `uid`, name or URL";

const all = createRoute({
  method: "get",
  path: "/v1/search",
  operationId: "search",
  summary: "Search everything",
  description: `${FINDS}; tenants by a part of their id or name. It looks at the newest ${MOST_TENANTS} tenants' events, as far back as 600 logs of a tenant and day go, and at the newest ${MOST_LOOKED} endpoints and tenants of each database; for an attempt at the ${MOST_ASKED} endpoints in most trouble.`,
  tags: ["Service"],
  roles: OPERATOR,
  request: { query },
  responses: { 200: json(answer, "what was found"), ...problems(401, 403, 422) },
});

const own = createRoute({
  method: "get",
  path: "/v1/tenants/{tenant}/search",
  operationId: "searchTenant",
  summary: "Search a tenant",
  description: `${FINDS}. For an attempt it looks at the newest ${MOST_ASKED} endpoints, each's latest 1,000 deliveries before it and those that have not succeeded.`,
  tags: ["Tenants"],
  roles: READERS,
  request: { params: inTenant, query },
  responses: { 200: json(answer, "what was found"), ...problems(401, 404, 422) },
});

/** Search, over all tenants or in one. */
export const searchRoutes = router()
  .openapi(all, async (c) => {
    const { q } = c.req.valid("query");
    const tenants = await listAllTenants(c.env, MOST_TENANTS + 1, null);
    const scope: Scope = {
      tenants: tenants.slice(0, MOST_TENANTS),
      all: true,
      more: tenants.length > MOST_TENANTS,
    };
    return c.json(await search(c.env, scope, q, Date.now()), 200);
  })
  .openapi(own, async (c) => {
    const { q } = c.req.valid("query");
    const tenant = await findTenant(c.get("config"), c.get("tenant"));
    const scope: Scope = { tenants: tenant === null ? [] : [tenant], all: false, more: false };
    return c.json(await search(c.env, scope, q, Date.now()), 200);
  });
