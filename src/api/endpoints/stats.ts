import { z } from "@hono/zod-openapi";
import { OTHERS, UNANSWERED } from "../../contracts/figures";
import { DAY, isoOrNull } from "../../lib/time";
import { router } from "../http/context";
import { READERS } from "../http/roles";
import { createRoute } from "../http/route";
import { invalid } from "../problems/problem";
import { inTenant } from "../spec/parameters";
import { eventType, inOrder, isoTime, json, named, problems, time } from "../spec/schemas";
import { countsShape, latencyShape } from "./endpoint-health";
import { figuresOfTenant } from "./figures";
import { type Row, rowsOf } from "./stats-rows";

const [WEEK, LONGEST] = [7 * DAY, 31 * DAY];

const accepted = z.number().int().describe("How many were accepted: the sum of all states.");
const attempts = z.number().int().describe("How many attempts they took.");
const hourly = named(
  "HourlyStats",
  z.object({
    hour: isoTime.describe("The hour of acceptance, by its start."),
    endpoint: z.string().describe("The endpoint's id."),
    ...countsShape,
    attempts,
  }),
  "An endpoint's deliveries of an hour.",
);
const sums = { accepted, ...countsShape, attempts, latency: latencyShape.describe("Of those that succeeded.") };
const row = named(
  "StatsRow",
  z.object({
    from: isoTime.describe("The hour or day of acceptance by its start (UTC); without `by`, the start of the span."),
    endpoint: z.string().optional().describe("Grouped by endpoint: its id."),
    event: z
      .string()
      .optional()
      .describe(`Grouped by event: the event type; \`${OTHERS}\`: those beyond the 50 of an endpoint's hour.`),
    code: z
      .string()
      .nullable()
      .optional()
      .describe(
        "Grouped by code: what was answered last, a status code such as `503`, or what went wrong instead, such as `timeout`; `null`: nothing yet.",
      ),
    ...sums,
  }),
  "Deliveries of an hour, a day or a span. Each delivery is in one row of a group.",
);
const totals = named(
  "StatsTotals",
  z.object({
    ...sums,
    waiting: z.number().int().describe("Those that are pending or retrying."),
    oldestWaitingAt: isoTime
      .nullable()
      .describe("When the oldest that waits was accepted, be it before the span; `null`: none waits."),
  }),
  "What the rows of `data` add up to.",
);
const stats = named(
  "Stats",
  z.object({
    data: z
      .array(z.union([row, hourly]))
      .describe(
        "Oldest first; what has no deliveries is left out. With neither `by` nor `group`, by hour and endpoint.",
      ),
    totals,
    truncated: z.boolean().describe("`false`: every delivery of the span is counted."),
    asOf: isoTime.describe(
      "From when the oldest figures in it are. Those of up to 3 endpoints, or of one that is asked for, are of now. Of a tenant with more each endpoint has told its own: at most a minute before while much is delivered.",
    ),
  }),
  "Deliveries, counted by the time of acceptance.",
);

const get = createRoute({
  method: "get",
  path: "/v1/tenants/{tenant}/stats",
  operationId: "getStats",
  summary: "Count deliveries",
  description:
    "Totals by hour or day of acceptance (UTC), and by endpoint, event type or last answer, of the last 24 hours unless said and of at most 31 days; with neither `by` nor `group`, by hour and endpoint, of at most 7 days. Whole hours are counted, by day whole days: also those that the span only touches.",
  tags: ["Deliveries"],
  roles: READERS,
  request: {
    params: inTenant,
    query: inOrder(
      z.strictObject({
        since: time.optional().describe("From this time on; a day before `until` unless said."),
        until: time.optional().describe("Before this time; now unless said."),
        by: z.enum(["hour", "day"]).optional().describe("A row for each hour, or for each day."),
        group: z.enum(["endpoint", "event", "code"]).optional().describe("A row for each of these."),
        endpoint: z.string().max(128).optional().describe("Of this endpoint alone, by its id or `uid`."),
        event: eventType.optional().describe("Of this event type alone; not together with `group=code`."),
      }),
    ),
  },
  responses: {
    200: json(stats, "by time of acceptance, oldest first"),
    ...problems(401, 404, 422),
  },
});

/** A row as it is answered in a group. */
function shown({ from, name, ...sums }: Row, group: "endpoint" | "event" | "code" | null) {
  if (group === null) return { from, ...sums };
  return { from, [group]: group === "code" && name === UNANSWERED ? null : name, ...sums };
}

/** Totals of a tenant's deliveries. */
export const statsRoutes = router().openapi(get, async (c) => {
  const { by = null, group = null, endpoint = null, event = null, ...query } = c.req.valid("query");
  const isPlain = by === null && group === null;
  // Ids go by the millisecond: what is accepted in this one is meant too.
  const until = query.until ?? Date.now() + 1;
  const since = query.since ?? until - DAY;
  if (since >= until) throw invalid({ path: "since", message: "must be before until" });
  const longest = isPlain ? WEEK : LONGEST;
  if (until - since > longest + 1) {
    throw invalid({ path: "since", message: `must be at most ${longest / DAY} days before until` });
  }
  if (event !== null && group === "code") throw invalid({ path: "event", message: "is not possible with group=code" });
  const known = await figuresOfTenant(c, endpoint, { since, until, by: isPlain ? "hour" : by });
  const plain = { by: "hour", group: "endpoint" } as const;
  const { rows, total } = rowsOf(known.figures, { ...(isPlain ? plain : { by, group }), event, since: known.since });
  const data = isPlain
    ? rows.map(({ from, name, accepted: _, latency: __, ...counts }) => ({
        hour: from,
        endpoint: name ?? "",
        ...counts,
      }))
    : rows.map((row) => shown(row, group));
  const waiting = total.pending + total.retrying;
  const totals = { ...total, waiting, oldestWaitingAt: isoOrNull(known.oldestWaitingAt) };
  return c.json({ data, totals, truncated: false, asOf: isoOrNull(known.asOf) ?? "" }, 200);
});
