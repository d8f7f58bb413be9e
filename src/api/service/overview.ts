import { z } from "@hono/zod-openapi";
import { listAudit } from "../../config/access/audit";
import { databasesOf, listOverAll } from "../../config/databases";
import { byHarm, standingOf, together } from "../../config/endpoints/standing";
import { sumsByTenant, type TenantSums, type Troubled, troubled } from "../../config/endpoints/summaries";
import { namesOf } from "../../config/tenants";
import type { Env } from "../../contracts/env";
import { endpointStub } from "../../contracts/find";
import { logError } from "../../lib/log";
import { isoOrNull } from "../../lib/time";
import { auditShape, toShape as toAudit } from "../access/audit";
import { breakerShape } from "../endpoints/endpoint-health";
import { summaryShape, toSummary } from "../endpoints/endpoint-summary";
import { eventSummary } from "../events/event-list";
import { router } from "../http/context";
import { OPERATOR } from "../http/roles";
import { createRoute } from "../http/route";
import { isoTime, json, named, problems } from "../spec/schemas";
import { operatorEventsOf } from "./overview-events";
import { reachability } from "./reachability";

/** How many of each are told. */
const MOST_ENDPOINTS = 50;
const MOST_TENANTS = 10;
const MOST_TOLD = 10;
const MOST_AUDIT = 10;
/** Failing endpoints whose objects are asked for their breakers. */
const MOST_ASKED = 10;

const count = (about: string) => z.number().int().describe(about);
const atOrNull = (about: string) => isoTime.nullable().describe(about);
const waits = z.number().int().nullable();

const endpoint = named(
  "EndpointInTrouble",
  z.object({
    tenant: z.string().describe("Whose it is."),
    tenantName: z.string().describe("What people call them."),
    endpoint: z.string().describe("Its id."),
    title: z.string().describe("Its name, or its URL."),
    url: z.string().describe("Where it is."),
    enabled: z.boolean().describe("Whether it is enabled."),
    disabledReason: z.enum(["manual", "failing", "gone"]).nullable().describe("Why it is not; `null`: it is."),
    summary: summaryShape.describe("How it fares."),
    breaker: breakerShape
      .nullable()
      .describe(`Whether sending pauses, of the first ${MOST_ASKED} that fail; \`null\`: its object was not asked.`),
  }),
  "An endpoint that fails, or has something waiting or held.",
);

const tenant = named(
  "TenantOfTheDay",
  z.object({
    tenant: z.string().describe("Its id."),
    name: z.string().describe("What people call it."),
    endpoints: count("Its endpoints that have told of anything."),
    failing: count("How many of them fail."),
    waiting: count("Deliveries that are pending or retrying."),
    accepted: count("Deliveries of the last day."),
    failed: count("Those of them that failed."),
    lastSuccessAt: atOrNull("Its last success; `null`: none is known."),
  }),
  "How a tenant's endpoints fare, in short.",
);

const told = named(
  "OperatorEvents",
  z.object({
    tenant: z.string().describe("Whose endpoint it is."),
    endpoint: z.string().describe("Its id."),
    title: z.string().describe("Its name, or its URL."),
    count: count("How many there are."),
    events: z.array(eventSummary).describe("The newest of them, the newest first."),
  }),
  "Operator events about one endpoint.",
);

const queues = named(
  "Backlog",
  z.object({
    deliveries: waits.describe("Messages that wait; `null`: it did not tell."),
    deliveriesSlow: waits.describe("The same, of endpoints that have begun to fail."),
    deliveriesDead: waits.describe("The same, of those that nobody could handle."),
    deadLetters: waits.describe("Messages that nobody could read; `null`: it is not known."),
  }),
  "What waits in the queues.",
);

const shape = named(
  "Overview",
  z.object({
    failing: count("Enabled endpoints that fail."),
    waiting: count("Deliveries that are pending or retrying."),
    oldestWaitingAt: atOrNull("When the oldest of them was accepted; `null`: none waits."),
    held: count("Deliveries that are held."),
    endpoints: z.array(endpoint).describe(`Those in trouble, the most harm first; at most ${MOST_ENDPOINTS}.`),
    truncated: z.boolean().describe("Whether there are more of them."),
    queues: queues.describe("What waits in them."),
    busiest: z.array(tenant).describe("Tenants with the most deliveries of the last day."),
    mostFailing: z.array(tenant).describe("Tenants with the most failed ones."),
    events: z
      .array(told)
      .describe(
        "Operator events of late, by endpoint; none are kept while no endpoint of the tenant `operator` listens.",
      ),
    audit: z.array(auditShape).describe("The last changes."),
  }),
  "How the service and all tenants' endpoints fare.",
);

const get = createRoute({
  method: "get",
  path: "/v1/overview",
  operationId: "getOverview",
  summary: "See how everything fares",
  description:
    "Over all tenants: what fails and what waits, the queues, the busiest and the most failing tenants, operator events, the last changes. Endpoints are told from copies that are at most a minute behind while things change.",
  tags: ["Service"],
  roles: OPERATOR,
  responses: { 200: json(shape, "how everything fares"), ...problems(401, 403) },
});

/** Rows of all databases, the first ones of all. */
async function ofAll<Row>(
  env: Env,
  most: number,
  read: (d1: D1Database) => Promise<Row[]>,
  order: (a: Row, b: Row) => number,
) {
  const rows = await Promise.all(databasesOf(env).map(read));
  return rows.flat().toSorted(order).slice(0, most);
}

/** The breakers of the endpoints that fail most, by their ids. One that does not answer is left out. */
async function breakersOf(env: Env, rows: readonly Troubled[]) {
  const asked = rows.filter(({ enabled, state }) => enabled && state === "failing").slice(0, MOST_ASKED);
  const found = await Promise.all(
    asked.map(async ({ tenant, endpoint }) => {
      try {
        const { breaker } = await endpointStub(env, tenant, endpoint).health();
        return [[endpoint, { ...breaker, until: isoOrNull(breaker.until) }] as const];
      } catch (error) {
        logError("overview.endpoint.failed", error, { tenant, endpoint });
        return [];
      }
    }),
  );
  return new Map(found.flat());
}

/** How everything fares. The operator's. */
export const overviewRoutes = router().openapi(get, async (c) => {
  const { env } = c;
  const now = Date.now();
  const sums = (by: "accepted" | "failed") =>
    ofAll(
      env,
      MOST_TENANTS,
      (d1) => sumsByTenant(d1, { limit: MOST_TENANTS, now, by }),
      (a, b) => b[by] - a[by],
    );
  const [rows, standing, busiest, failing, { parts, deadLetters }, events, audit] = await Promise.all([
    ofAll(env, MOST_ENDPOINTS + 1, (d1) => troubled(d1, { limit: MOST_ENDPOINTS + 1 }), byHarm),
    Promise.all(databasesOf(env).map(standingOf)),
    sums("accepted"),
    sums("failed"),
    reachability(env),
    operatorEventsOf(env, MOST_TOLD, now),
    listOverAll(
      env,
      MOST_AUDIT,
      (d1) => listAudit(d1, { tenant: null, since: null, until: null }, MOST_AUDIT, null),
      (a, b) => a.id > b.id,
    ),
  ]);
  const shown = rows.slice(0, MOST_ENDPOINTS);
  const tenants = [...new Set([...shown, ...busiest, ...failing].map(({ tenant }) => tenant))];
  const [names, breakers] = await Promise.all([namesOf(env, tenants), breakersOf(env, shown)]);
  const nameOf = (tenant: string) => names.get(tenant) ?? tenant;
  const toTenant = ({ tenant, endpoints, failing, waiting, accepted, failed, lastSuccessAt }: TenantSums) => {
    const told = { endpoints, failing, waiting, accepted, failed, lastSuccessAt: isoOrNull(lastSuccessAt) };
    return { tenant, name: nameOf(tenant), ...told };
  };
  const { oldestWaitingAt, ...open } = together(standing);
  return c.json(
    {
      ...open,
      oldestWaitingAt: isoOrNull(oldestWaitingAt),
      endpoints: shown.map((row) => {
        const { tenant, endpoint, name, url, enabled, disabledReason } = row;
        const of = { tenant, tenantName: nameOf(tenant), endpoint, title: name ?? url, url, enabled, disabledReason };
        return { ...of, summary: toSummary(row, row, now), breaker: breakers.get(endpoint) ?? null };
      }),
      truncated: rows.length > MOST_ENDPOINTS,
      queues: {
        deliveries: parts.deliveries.backlog,
        deliveriesSlow: parts.deliveriesSlow.backlog,
        deliveriesDead: parts.deliveriesDead.backlog,
        deadLetters: deadLetters?.count ?? null,
      },
      busiest: busiest.filter(({ accepted }) => accepted > 0).map(toTenant),
      mostFailing: failing.filter(({ failed }) => failed > 0).map(toTenant),
      events,
      audit: audit.map(toAudit),
    },
    200,
  );
});
