import { z } from "@hono/zod-openapi";
import { databasesOf } from "../../config/databases";
import { sumsByTenant, type TenantSums } from "../../config/endpoints/summaries";
import { endpointCounts, listAllTenants } from "../../config/tenants";
import type { Env } from "../../contracts/env";
import { isoOrNull } from "../../lib/time";
import { router } from "../http/context";
import { cut, page } from "../http/paging";
import { OPERATOR } from "../http/roles";
import { createRoute } from "../http/route";
import { SLUG } from "../spec/parameters";
import { isoTime, json, listQuery, named, pageShape, problems, searchText } from "../spec/schemas";
import { tenantFields, toShape } from "./tenants";

const summary = named(
  "TenantSummary",
  z.object({
    endpoints: z.number().int().describe("How many it has."),
    failing: z.number().int().describe("How many of them fail."),
    disabled: z.number().int().describe("How many of them are disabled."),
    waiting: z.number().int().describe("Deliveries that are pending or retrying."),
    oldestWaitingAt: isoTime.nullable().describe("When the oldest of them was accepted; `null`: none waits."),
    held: z.number().int().describe("Deliveries that are held."),
    accepted: z.number().int().describe("Deliveries of the last day, as far as it was told of within it."),
    succeeded: z.number().int().describe("Those of them that succeeded."),
    failed: z.number().int().describe("Those of them that failed."),
    lastSuccessAt: isoTime.nullable().describe("Its last success; `null`: none is known."),
  }),
  "How a tenant's endpoints fare, in short.",
);

const list = createRoute({
  method: "get",
  path: "/v1/tenants",
  operationId: "listTenants",
  summary: "List tenants",
  description: "Newest first. With `include=summary` each says how many endpoints it has, and how they fare.",
  tags: ["Tenants"],
  roles: OPERATOR,
  request: {
    query: listQuery(new RegExp(`^\\d{1,15}\\.${SLUG}$`)).extend({
      q: searchText.optional().describe("Those that have this in their id or name, whatever its case."),
      include: z.enum(["summary"]).optional().describe("`summary`: with how each fares."),
    }),
  },
  responses: {
    200: json(
      pageShape(
        "TenantPage",
        named(
          "TenantListed",
          z.object({ ...tenantFields, summary: summary.optional().describe("With `include=summary`: how it fares.") }),
          "A tenant in a list.",
        ),
      ),
      "newest first",
    ),
    ...problems(401, 403, 422),
  },
});

type Summary = z.infer<typeof summary>;

/** How the endpoints of these tenants fare; of all databases, each of which knows its own. `now` in ms. */
async function summariesOf(env: Env, tenants: readonly string[], now: number): Promise<Map<string, Summary>> {
  const found = await Promise.all(
    databasesOf(env).map(async (d1) => {
      const [counts, sums] = await Promise.all([
        endpointCounts(d1, tenants),
        sumsByTenant(d1, { limit: tenants.length, now, tenants }),
      ]);
      const known = new Map(sums.map((one) => [one.tenant, one]));
      return [...counts].map(([tenant, endpoints]) => [tenant, toSummary(endpoints, known.get(tenant))] as const);
    }),
  );
  return new Map(found.flat());
}

/** `sums`: what its endpoints told last; absent: nothing yet. */
function toSummary(endpoints: number, sums?: TenantSums): Summary {
  const { failing = 0, disabled = 0, waiting = 0, held = 0, accepted = 0, succeeded = 0, failed = 0 } = sums ?? {};
  const times = { oldestWaitingAt: isoOrNull(sums?.oldestWaitingAt), lastSuccessAt: isoOrNull(sums?.lastSuccessAt) };
  return { endpoints, failing, disabled, waiting, held, accepted, succeeded, failed, ...times };
}

/** The list of tenants. */
export const tenantListRoutes = router().openapi(list, async (c) => {
  const { q, include, ...query } = c.req.valid("query");
  const { page: rows, nextCursor } = await cut(
    query,
    (limit, before) => {
      const [createdAt, id] = before?.split(".") ?? [];
      return listAllTenants(c.env, limit, id === undefined ? null : { createdAt: Number(createdAt), id }, q);
    },
    (last) => `${last.createdAt}.${last.id}`,
  );
  const ids = rows.map(({ id }) => id);
  const summaries = include === undefined ? null : await summariesOf(c.env, ids, Date.now());
  const data = rows.map((row) => ({
    ...toShape(row),
    ...(summaries === null ? {} : { summary: summaries.get(row.id) ?? toSummary(0) }),
  }));
  return page(c, data, nextCursor);
});
