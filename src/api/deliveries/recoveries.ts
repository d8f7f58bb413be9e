import { z } from "@hono/zod-openapi";
import { latestRecoveries } from "../../config/endpoints/recoveries";
import type { RecoveryRecord } from "../../contracts/endpoint";
import { endpointStub } from "../../contracts/find";
import { iso } from "../../lib/time";
import { deleting } from "../changes/preconditions";
import { endpointOf } from "../endpoints/endpoints";
import { type AppContext, router } from "../http/context";
import { MANAGERS, READERS } from "../http/roles";
import { createRoute } from "../http/route";
import { Problem } from "../problems/problem";
import { atEndpoint, atRecovery, inTenant } from "../spec/parameters";
import { createdAt, isoTime, json, named, problems } from "../spec/schemas";
import { recoverable } from "./delivery-shape";

/** How many recoveries are listed over all endpoints. */
const LISTED = 50;

const recovery = named(
  "RecoveryProgress",
  z.object({
    id: z.string().describe("Its id: `rcv_…`."),
    endpoint: z.string().describe("The id of the endpoint whose deliveries are sent again."),
    since: isoTime.describe("Those accepted from this time on."),
    until: isoTime.describe("And before this one."),
    status: z.array(recoverable).describe("Those that had one of these."),
    count: z.number().int().describe("How many it is about; of more than 100,000 those that were made due so far."),
    done: z.number().int().describe("How many of them were sent again, whatever came of it."),
    state: z.enum(["running", "done", "canceled"]).describe("`canceled`: also where the endpoint was disabled."),
    createdAt,
  }),
  "A recovery, and how far it has come.",
);
const list = named(
  "Recoveries",
  z.object({ data: z.array(recovery).describe("Newest first.") }),
  "The latest recoveries.",
);

const base = "/v1/tenants/{tenant}/endpoints/{endpoint}/recoveries";
const tags = ["Deliveries"];

const listAll = createRoute({
  method: "get",
  path: "/v1/tenants/{tenant}/recoveries",
  operationId: "listAllRecoveries",
  summary: "List the recoveries of all endpoints",
  description: `The latest ${LISTED} of the last 31 days, of each endpoint its latest 20.`,
  tags,
  roles: READERS,
  request: { params: inTenant },
  responses: { 200: json(list, "newest first, over all endpoints"), ...problems(401, 404) },
});
const listOfEndpoint = createRoute({
  method: "get",
  path: base,
  operationId: "listRecoveries",
  summary: "List an endpoint's recoveries",
  description: "The latest 20, with how far each has come.",
  tags,
  roles: READERS,
  request: { params: atEndpoint },
  responses: { 200: json(list, "newest first"), ...problems(401, 404) },
});
const get = createRoute({
  method: "get",
  path: `${base}/{recovery}`,
  operationId: "getRecovery",
  summary: "See how far a recovery has come",
  description: "One of the endpoint's latest 20.",
  tags,
  roles: READERS,
  request: { params: atRecovery },
  responses: { 200: json(recovery, "the recovery"), ...problems(401, 404) },
});
const cancel = createRoute({
  method: "delete",
  path: `${base}/{recovery}`,
  operationId: "cancelRecovery",
  summary: "Cancel a recovery",
  description: "What it has not sent yet is `failed` or `held` again, as it was. One that is over stays as it is.",
  tags,
  roles: MANAGERS,
  request: { params: atRecovery },
  responses: { 204: { description: "canceled" }, ...problems(401, 404) },
});

function shown(endpoint: string, { id, since, until, statuses, count, done, state, at }: RecoveryRecord) {
  const span = { since: iso(since), until: iso(Math.min(until, MAX_TIME)) };
  return { id, endpoint, ...span, status: statuses, count, done, state, createdAt: iso(at) };
}

/** The last ms that ISO 8601 writes with four digits of year. */
const MAX_TIME = Date.UTC(10_000, 0) - 1;

async function ofEndpoint(c: AppContext, endpoint: string) {
  const records = await endpointStub(c.env, c.get("tenant"), endpoint).recoveries();
  return records.map((record) => shown(endpoint, record));
}

/** One of the endpoint's, or a 404. */
async function found(c: AppContext, recovery: string) {
  const one = (await ofEndpoint(c, (await endpointOf(c)).id)).find(({ id }) => id === recovery);
  if (one === undefined) throw notThere();
  return one;
}

function notThere(): Problem {
  return new Problem("recovery-unknown", "There is no such recovery.");
}

/** Recoveries: how far they have come, and ending them. */
export const recoveryRoutes = router()
  .openapi(listAll, async (c) => {
    const rows = await latestRecoveries(c.get("config"), c.get("tenant"), LISTED);
    const ids = [...new Set(rows.map(({ endpoint }) => endpoint))];
    const found = new Map((await Promise.all(ids.map((id) => ofEndpoint(c, id)))).flat().map((one) => [one.id, one]));
    return c.json({ data: rows.flatMap(({ id }) => found.get(id) ?? []) }, 200);
  })
  .openapi(listOfEndpoint, async (c) => c.json({ data: await ofEndpoint(c, (await endpointOf(c)).id) }, 200))
  .openapi(get, async (c) => c.json(await found(c, c.req.valid("param").recovery), 200))
  .openapi(cancel, async (c) => {
    const { recovery } = c.req.valid("param");
    const { id } = await endpointOf(c);
    const stop = () => endpointStub(c.env, c.get("tenant"), id).stopRecovery(recovery);
    const stopped = await deleting(
      c,
      () => found(c, recovery),
      (one) => one,
      stop,
    );
    if (stopped === null) throw notThere();
    return c.body(null, 204);
  });
