import { z } from "@hono/zod-openapi";
import {
  type EndpointFields,
  type EndpointRow,
  type EndpointSecrets,
  findEndpoint,
  insertEndpoint,
  markEndpointDeleted,
  removeEndpoint,
  updateEndpoint,
} from "../../config/endpoints/endpoints";
import { invalidateSnapshot } from "../../config/snapshot";
import { maxEndpoints } from "../../contracts/env";
import { endpointStub } from "../../contracts/find";
import { newId } from "../../lib/ids";
import { logError } from "../../lib/log";
import { isoOrNull } from "../../lib/time";
import { entry } from "../access/audit";
import { locateAt } from "../changes/location";
import { changing, deleting, tagAs } from "../changes/preconditions";
import { saving } from "../changes/saving";
import { inFlightHeader, tellUnderWay } from "../deliveries/under-way";
import { type AppContext, router } from "../http/context";
import { rulesFor } from "../http/destination";
import { resource } from "../http/resource";
import { MANAGERS, READERS } from "../http/roles";
import { createRoute } from "../http/route";
import { Problem } from "../problems/problem";
import { endpointWarnings, refuseForeign, warningsShape } from "../problems/warnings";
import { atEndpoint, inTenant } from "../spec/parameters";
import { body, json, problems } from "../spec/schemas";
import { endpointChange } from "./endpoint-change";
import { healthShape } from "./endpoint-health";
import { endpointPatch, merged } from "./endpoint-patch";
import { endpointInput, endpointShape, endpointWith, toShape } from "./endpoint-shape";
import { forgetFormerEndpoints } from "./former-endpoints";

const base = "/v1/tenants/{tenant}/endpoints";
const changed = endpointWith("EndpointChanged", { warnings: warningsShape }, "An endpoint as it is after a change.");

const create = createRoute({
  method: "post",
  path: base,
  operationId: "createEndpoint",
  summary: "Create an endpoint",
  description:
    "A URL that the tenant's events are delivered to. What is left out comes from the profile. The answer shows the signing secret, and `warnings` of what may not be what was meant.",
  tags: ["Endpoints"],
  roles: MANAGERS,
  request: {
    params: inTenant,
    ...body(endpointInput, { url: "https://crm.example.com/webhooks", events: ["lead.hot"], uid: "crm" }),
  },
  responses: {
    201: json(
      endpointWith(
        "EndpointCreated",
        {
          secret: z.string().nullable().describe("What deliveries are signed with; `null`: they are not signed."),
          warnings: warningsShape,
        },
        "An endpoint that was created, with its secret.",
      ),
      "created; the secret is shown here",
    ),
    ...problems(400, 401, 404, 409, 422),
  },
});

const endpoint = resource({
  path: base,
  param: "endpoint",
  at: atEndpoint,
  name: "Endpoint",
  tag: "Endpoints",
  prefix: "ep",
  readers: READERS,
  writers: MANAGERS,
  unknown: "endpoint-unknown",
  shape: endpointShape,
  find: (c, idOrUid) => findEndpoint(c.get("config"), c.get("tenant"), idOrUid),
  show: toShape,
});

const patch = createRoute({
  method: "patch",
  path: `${base}/{endpoint}`,
  operationId: "updateEndpoint",
  summary: "Change, disable or enable an endpoint",
  description:
    "Changes what the body names; `null` goes back to the default. `headers` and `metadata` are merged (RFC 7396): `null` takes a name away. It holds from the next attempt on. With `enabled: true` a disabled endpoint is sent to again, and `recover` sends what was held.",
  tags: ["Endpoints"],
  roles: MANAGERS,
  request: { params: atEndpoint, ...body(endpointPatch, { events: ["lead.hot", "lead.cold"], enabled: true }) },
  responses: { 200: { ...json(changed, "changed"), headers: inFlightHeader }, ...problems(400, 401, 404, 409, 422) },
});

const remove = createRoute({
  method: "delete",
  path: `${base}/{endpoint}`,
  operationId: "deleteEndpoint",
  summary: "Delete an endpoint",
  description: "Its unfinished deliveries end as `canceled`.",
  tags: ["Endpoints"],
  roles: MANAGERS,
  request: { params: atEndpoint },
  responses: { 204: { description: "deleted", headers: inFlightHeader }, ...problems(401, 404) },
});

const health = createRoute({
  method: "get",
  path: `${base}/{endpoint}/health`,
  operationId: "getEndpointHealth",
  summary: "See how an endpoint fares",
  description:
    "Whether it fails and since when, when that disables it, and how its deliveries of the last 24 hours went.",
  tags: ["Endpoints"],
  roles: READERS,
  request: { params: atEndpoint },
  responses: { 200: json(healthShape, "how the endpoint fares"), ...problems(401, 404) },
});

/** The endpoint of the path, by id or `uid`; a 404 when the tenant has none such. */
export const endpointOf = endpoint.found;

/**
 * Tells the endpoint's object, which keeps a copy, of a change that is saved: it then reaches the next attempt. Answers,
 * once the endpoint is switched off, how many attempts are under way.
 */
export async function configureEndpoint(
  c: AppContext,
  endpoint: string,
  change: { enabled?: boolean },
): Promise<number> {
  const tenant = c.get("tenant");
  try {
    return await endpointStub(c.env, tenant, endpoint).configure(change);
  } catch (error) {
    logError("endpoint.configure.failed", error, { tenant, endpoint });
    const detail = "The change is saved, but the endpoint could not be told of it yet. Repeat the request.";
    throw new Problem("endpoint-not-told", detail, { headers: { "Retry-After": "2" } });
  }
}

/** The field that is told of when there is too much. */
function partOf({ filter }: Partial<EndpointFields>): string {
  return filter ? "filter" : "events";
}

function uidTaken(uid: string | null | undefined): Problem {
  return new Problem("uid-taken", `Another endpoint has the uid ${uid}.`);
}

/** Endpoints: where a tenant's events go. */
export const endpointRoutes = router()
  .openapi(create, async (c) => {
    const input = c.req.valid("json");
    const now = Date.now();
    const tenant = c.get("tenant");
    refuseForeign(input.filter, tenant);
    const id = newId("ep", now);
    const { fields, secret: shown } = await endpointChange(c.env, tenant, id, input, null, await rulesFor(c), now);
    const whole = fields as EndpointFields & EndpointSecrets;
    const most = maxEndpoints(c.env);
    const created = entry(c, "endpoint.created", id);
    const enabled = input.enabled ?? true;
    const insert = insertEndpoint(c.get("config"), tenant, id, { ...whole, enabled }, most, now, created);
    const row = await saving(insert, partOf(fields));
    if (row === "conflict") throw uidTaken(input.uid);
    if (row === "full")
      throw new Problem("limit-reached", `The tenant may have at most ${most} endpoints (MAX_ENDPOINTS).`);
    invalidateSnapshot(tenant);
    const warnings = await endpointWarnings(c.env, c.get("config"), row, now);
    locateAt(c, id);
    await tagAs(c, toShape(row));
    return c.json({ ...toShape(row), secret: shown, warnings }, 201);
  })
  .openapi(
    ...endpoint.get({
      description: "An endpoint by its id or `uid`. Headers' values are masked; the secret has a path of its own.",
    }),
  )
  .openapi(patch, async (c) => {
    const input = c.req.valid("json");
    const { enabled } = input;
    const now = Date.now();
    const tenant = c.get("tenant");
    refuseForeign(input.filter, tenant);
    const rules = await rulesFor(c);
    const update = async (before: EndpointRow) => {
      const { id } = before;
      const { fields } = await endpointChange(c.env, tenant, id, merged(input, before), before, rules, now);
      const names = Object.keys(input);
      const switched = enabled ? "endpoint.enabled" : "endpoint.disabled";
      const changed = names.join() === "enabled" ? entry(c, switched, id) : entry(c, "endpoint.updated", id, names);
      const updated = await saving(updateEndpoint(c.get("config"), before, fields, now, changed), partOf(fields));
      if (updated === "conflict") throw uidTaken(input.uid);
      return id;
    };
    const id = await changing(c, () => endpointOf(c), toShape, update);
    invalidateSnapshot(tenant);
    const underWay = await configureEndpoint(c, id, enabled === undefined ? {} : { enabled });
    if (enabled === false) await tellUnderWay(c, tenant, underWay === 0 ? [] : [{ endpoint: id }]);
    const row = await endpoint.found(c, id);
    await tagAs(c, toShape(row));
    return c.json({ ...toShape(row), warnings: await endpointWarnings(c.env, c.get("config"), row, now) }, 200);
  })
  .openapi(remove, async (c) => {
    const tenant = c.get("tenant");
    const { endpoint: name } = c.req.valid("param");
    const deleted = (found: string) => entry(c, "endpoint.deleted", found);
    const now = Date.now();
    const mark = (read: EndpointRow | null) => markEndpointDeleted(c.get("config"), tenant, name, now, deleted, read);
    const id = await deleting(c, () => endpointOf(c), toShape, mark);
    if (id === null) throw endpoint.notThere();
    invalidateSnapshot(tenant);
    // Between the two a repeat of the request finds the mark and ends what this one could not.
    const underWay = await endpointStub(c.env, tenant, id).close();
    await removeEndpoint(c.get("config"), tenant, id, now);
    c.executionCtx.waitUntil(forgetFormerEndpoints(c.env, now));
    await tellUnderWay(c, tenant, underWay === 0 ? [] : [{ endpoint: id }]);
    return c.body(null, 204);
  })
  .openapi(health, async (c) => {
    const { id } = await endpointOf(c);
    const record = await endpointStub(c.env, c.get("tenant"), id).health();
    const { state, window, consecutiveFailures, counts, latency } = record;
    const breaker = { ...record.breaker, until: isoOrNull(record.breaker.until) };
    const { failingSince: since, disablesAt: end } = record;
    const fares = { state, failingSince: isoOrNull(since), disablesAt: isoOrNull(end), window, consecutiveFailures };
    const { bytes, most, responsesSince, deliveriesSince } = record.storage;
    const storage = {
      bytes,
      most,
      responsesSince: isoOrNull(responsesSince),
      deliveriesSince: isoOrNull(deliveriesSince),
    };
    const quietUntil = isoOrNull(record.quietUntil);
    return c.json({ ...fares, breaker, quietUntil, counts, latency, truncated: false, storage }, 200);
  });
