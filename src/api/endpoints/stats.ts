import { z } from "@hono/zod-openapi";
import { endpointIds } from "../../config/endpoints/endpoints";
import { endpointStub } from "../../contracts/find";
import { DAY, iso } from "../../lib/time";
import { router } from "../http/context";
import { READERS } from "../http/roles";
import { createRoute } from "../http/route";
import { invalid } from "../problems/problem";
import { inTenant } from "../spec/parameters";
import { inOrder, isoTime, json, named, problems, time } from "../spec/schemas";
import { countsShape } from "./endpoint-health";

const LONGEST = 7 * DAY;

const hourly = named(
  "HourlyStats",
  z.object({
    hour: isoTime.describe("The hour of acceptance, by its start."),
    endpoint: z.string().describe("The endpoint's id."),
    ...countsShape,
    attempts: z.number().int().describe("How many attempts they took."),
  }),
  "An endpoint's deliveries of an hour.",
);
const stats = named(
  "Stats",
  z.object({
    data: z.array(hourly).describe("By hour, oldest first, and endpoint; hours without deliveries are left out."),
    truncated: z
      .boolean()
      .describe("Whether an endpoint had more deliveries than are looked at: its oldest are then not counted."),
  }),
  "Deliveries counted by hour and endpoint.",
);

const get = createRoute({
  method: "get",
  path: "/v1/tenants/{tenant}/stats",
  operationId: "getStats",
  summary: "Count deliveries by hour and endpoint",
  description: "Totals by hour and endpoint, of at most 7 days; of the last 24 hours unless said.",
  tags: ["Deliveries"],
  roles: READERS,
  request: {
    params: inTenant,
    query: inOrder(
      z.strictObject({
        since: time.optional().describe("From this time on; a day before `until` unless said, at most 7."),
        until: time.optional().describe("Before this time; now unless said."),
      }),
    ),
  },
  responses: {
    200: json(stats, "by hour of acceptance, oldest first, and endpoint"),
    ...problems(401, 404, 422),
  },
});

/** Totals of a tenant's deliveries by hour and endpoint. */
export const statsRoutes = router().openapi(get, async (c) => {
  const query = c.req.valid("query");
  // Ids go by the millisecond: what is accepted in this one is meant too.
  const until = query.until ?? Date.now() + 1;
  const since = query.since ?? until - DAY;
  if (since >= until) throw invalid({ path: "since", message: "must be before until" });
  if (until - since > LONGEST + 1) throw invalid({ path: "since", message: "must be at most 7 days before until" });
  const tenant = c.get("tenant");
  const ids = await endpointIds(c.get("config"), tenant);
  const found = await Promise.all(
    ids.map(async (endpoint) => ({ endpoint, ...(await endpointStub(c.env, tenant, endpoint).stats(since, until)) })),
  );
  const data = found
    .flatMap(({ endpoint, hours }) => hours.map((hour) => ({ endpoint, ...hour })))
    .sort((a, b) => a.hour - b.hour || (a.endpoint < b.endpoint ? -1 : 1))
    .map(({ hour, ...totals }) => ({ hour: iso(hour), ...totals }));
  return c.json({ data, truncated: found.some(({ truncated }) => truncated) }, 200);
});
