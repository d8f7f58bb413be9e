import { z } from "@hono/zod-openapi";
import { endpointIds } from "../config/endpoints";
import { endpointRoom } from "../lib/env";
import { DAY, iso } from "../lib/time";
import { router } from "./context";
import { timeQuery } from "./delivery-shape";
import { invalid } from "./problem";
import { createRoute, READERS } from "./route";
import { isoTime, json, problems } from "./schemas";

const LONGEST = 7 * DAY;
const count = z.number().int();

const get = createRoute({
  method: "get",
  path: "/v1/tenants/{tenant}/stats",
  operationId: "getStats",
  summary: "Count deliveries by hour and endpoint",
  description: "Totals by hour and endpoint, of at most 7 days; of the last 24 hours unless said.",
  tags: ["Deliveries"],
  roles: READERS,
  request: {
    params: z.object({ tenant: z.string() }),
    query: z.strictObject({ since: timeQuery, until: timeQuery }),
  },
  responses: {
    200: json(
      z.object({
        data: z.array(
          z.object({
            hour: isoTime,
            endpoint: z.string(),
            succeeded: count,
            failed: count,
            retrying: count,
            pending: count,
            held: count,
            canceled: count,
            attempts: count,
          }),
        ),
        /** An endpoint had more deliveries than are looked at: its oldest are not counted. */
        truncated: z.boolean(),
      }),
      "by hour of acceptance, oldest first, and endpoint",
    ),
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
  const ids = await endpointIds(c.env.DB, tenant);
  const stats = await Promise.all(
    ids.map(async (endpoint) => ({ endpoint, ...(await endpointRoom(c.env, tenant, endpoint).stats(since, until)) })),
  );
  const data = stats
    .flatMap(({ endpoint, hours }) => hours.map((hour) => ({ endpoint, ...hour })))
    .sort((a, b) => a.hour - b.hour || (a.endpoint < b.endpoint ? -1 : 1))
    .map(({ hour, ...totals }) => ({ hour: iso(hour), ...totals }));
  return c.json({ data, truncated: stats.some(({ truncated }) => truncated) }, 200);
});
