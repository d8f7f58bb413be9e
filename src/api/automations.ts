import { createRoute, z } from "@hono/zod-openapi";
import {
  type AutomationFields,
  type AutomationRow,
  deleteAutomation,
  findAutomation,
  insertAutomation,
  listAutomations,
  updateAutomation,
} from "../config/automations";
import { findEndpoint } from "../config/endpoints";
import type { AutomationAction } from "../config/schema";
import { findSegment } from "../config/segments";
import { invalidateSnapshot } from "../config/snapshot";
import { clauseErrors } from "../lib/filter-errors";
import { newId } from "../lib/ids";
import { iso } from "../lib/time";
import { entry } from "./audit";
import { type AppContext, router } from "./context";
import { locateAt } from "./location";
import { changing, tagAs } from "./matching";
import { pageOf } from "./paging";
import { type FieldError, invalid, Problem } from "./problem";
import { saving } from "./saving";
import { body, eventType, isoTime, json, listQuery, problems } from "./schemas";

const base = "/v1/tenants/{tenant}/automations";
const params = z.object({ tenant: z.string() });
const automationParams = params.extend({ automation: z.string() });

const webhook = z.strictObject({ type: z.literal("webhook"), endpoint: z.string() });
const revealing = z.strictObject({
  type: z.literal("reveal_contacts"),
  endpoint: z.string(),
  /** A segment of contacts; absent or `null`: all contacts. */
  persona: z.string().nullable().optional(),
  /** The most contacts of one company, over time; absent or `null`: no limit. */
  limit: z.int().min(1).max(10_000).nullable().optional(),
});
const action = z.discriminatedUnion("type", [webhook, revealing], {
  error: "must be an action: webhook or reveal_contacts",
});
const automationInput = z.strictObject({
  name: z.string().trim().min(1).max(200),
  trigger: eventType,
  segment: z.string().nullable().optional(),
  actions: z.array(action).min(1).max(10),
});
const automationPatch = automationInput.partial().refine((patch) => Object.keys(patch).length > 0, {
  error: "names nothing to change",
  when: ({ issues }) => issues.length === 0,
});
const automationShape = z.object({
  id: z.string(),
  name: z.string(),
  trigger: z.string(),
  segment: z.string().nullable(),
  actions: z.array(
    z.discriminatedUnion("type", [
      z.object({ type: z.literal("webhook"), endpoint: z.string() }),
      z.object({
        type: z.literal("reveal_contacts"),
        endpoint: z.string(),
        persona: z.string().nullable(),
        limit: z.number().int().nullable(),
      }),
    ]),
  ),
  createdAt: isoTime,
  updatedAt: isoTime,
});

const create = createRoute({
  method: "post",
  path: base,
  operationId: "createAutomation",
  summary: "Create an automation",
  tags: ["Automations"],
  request: {
    params,
    ...body(automationInput, {
      name: "Hot leads to sales",
      trigger: "lead.hot",
      actions: [{ type: "webhook", endpoint: "crm" }],
    }),
  },
  responses: { 201: json(automationShape, "created"), ...problems(400, 401, 404, 409, 422) },
});

const list = createRoute({
  method: "get",
  path: base,
  operationId: "listAutomations",
  summary: "List automations",
  tags: ["Automations"],
  request: { params, query: listQuery(/^aut_[0-9A-Z]{26}$/) },
  responses: {
    200: json(z.object({ data: z.array(automationShape), nextCursor: z.string().nullable() }), "newest first"),
    ...problems(401, 404, 422),
  },
});

const get = createRoute({
  method: "get",
  path: `${base}/{automation}`,
  operationId: "getAutomation",
  summary: "Get an automation",
  tags: ["Automations"],
  request: { params: automationParams },
  responses: { 200: json(automationShape, "the automation"), ...problems(401, 404) },
});

const patch = createRoute({
  method: "patch",
  path: `${base}/{automation}`,
  operationId: "updateAutomation",
  summary: "Change an automation",
  tags: ["Automations"],
  request: { params: automationParams, ...body(automationPatch, { name: "Warm leads to sales" }) },
  responses: { 200: json(automationShape, "changed"), ...problems(400, 401, 404, 422) },
});

const remove = createRoute({
  method: "delete",
  path: `${base}/{automation}`,
  operationId: "deleteAutomation",
  summary: "Delete an automation",
  tags: ["Automations"],
  request: { params: automationParams },
  responses: { 204: { description: "deleted" }, ...problems(401, 404) },
});

function toShape(row: AutomationRow): z.infer<typeof automationShape> {
  const { id, name, trigger, segment, actions, createdAt, updatedAt } = row;
  return { id, name, trigger, segment, actions, createdAt: iso(createdAt), updatedAt: iso(updatedAt) };
}

/** The field that is told of when there is too much: nearly always it is a segment's filter. */
function partOf({ segment, actions }: Partial<AutomationFields>): string {
  return segment || actions === undefined ? "segment" : "actions";
}

function notThere(): Problem {
  return new Problem("automation-unknown", "There is no such automation.");
}

async function found(c: AppContext): Promise<AutomationRow> {
  const row = await findAutomation(c.env.DB, c.get("tenant"), c.req.param("automation") ?? "");
  if (row === null) throw notThere();
  return row;
}

/** What a body says as it is stored: endpoints by their ids. A 422 when it names what the tenant does not have. */
async function stored(
  c: AppContext,
  { actions, ...rest }: z.infer<typeof automationPatch>,
): Promise<Partial<AutomationFields>> {
  const [errors, ...checked] = await Promise.all([
    segmentErrors(c, rest.segment ?? null),
    ...(actions ?? []).map((given, i) => storedAction(c, given, `actions.${i}`)),
  ]);
  const kept = checked.flatMap((one) => {
    if ("type" in one) return [one];
    errors.push(...one);
    return [];
  });
  if (errors.length > 0) throw invalid(...errors);
  return { ...rest, ...(actions === undefined ? {} : { actions: kept }) } as Partial<AutomationFields>;
}

/** An action as it is stored, or what is wrong with it. */
async function storedAction(
  c: AppContext,
  given: z.infer<typeof action>,
  path: string,
): Promise<AutomationAction | FieldError[]> {
  const errors: FieldError[] = [];
  const endpoint = await endpointId(c, given.endpoint);
  if (endpoint === null) errors.push({ path: `${path}.endpoint`, message: "is not an endpoint of this tenant" });
  const persona = given.type === "reveal_contacts" ? (given.persona ?? null) : null;
  if (persona !== null && (await findSegment(c.env.DB, c.get("tenant"), persona)) === null) {
    errors.push({ path: `${path}.persona`, message: "is not a segment of this tenant" });
  }
  if (endpoint === null || errors.length > 0) return errors;
  if (given.type === "webhook") return { type: "webhook", endpoint };
  return { type: "reveal_contacts", endpoint, persona, limit: given.limit ?? null };
}

async function endpointId(c: AppContext, idOrUid: string): Promise<string | null> {
  return (await findEndpoint(c.env.DB, c.get("tenant"), idOrUid))?.id ?? null;
}

async function segmentErrors(c: AppContext, id: string | null): Promise<FieldError[]> {
  if (id === null) return [];
  const segment = await findSegment(c.env.DB, c.get("tenant"), id);
  if (segment === null) return [{ path: "segment", message: "is not a segment of this tenant" }];
  const [error] = clauseErrors(segment.filter);
  return error === undefined
    ? []
    : [{ path: "segment", message: `is not one over events: ${error.path} ${error.message}` }];
}

/** Automations: what is delivered beyond the subscriptions. */
export const automationRoutes = router()
  .openapi(create, async (c) => {
    const tenant = c.get("tenant");
    const now = Date.now();
    const fields = { segment: null, ...(await stored(c, c.req.valid("json"))) } as AutomationFields;
    const id = newId("aut", now);
    const created = entry(c, "automation.created", id);
    const row = await saving(insertAutomation(c.env.DB, tenant, id, fields, now, created), partOf(fields));
    invalidateSnapshot(tenant);
    locateAt(c, id);
    await tagAs(c, toShape(row));
    return c.json(toShape(row), 201);
  })
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const rows = await listAutomations(c.env.DB, c.get("tenant"), limit + 1, cursor ?? null);
    return pageOf(c, rows, limit, toShape, ({ id }) => id);
  })
  .openapi(get, async (c) => c.json(toShape(await found(c)), 200))
  .openapi(patch, async (c) => {
    const tenant = c.get("tenant");
    const change = await stored(c, c.req.valid("json"));
    const { automation: id } = c.req.valid("param");
    const updated = entry(c, "automation.updated", id, Object.keys(change));
    const update = ({ updatedAt }: AutomationRow) =>
      saving(updateAutomation(c.env.DB, tenant, id, change, Date.now(), updated, updatedAt), partOf(change));
    const row = await changing(c, () => found(c), toShape, update);
    invalidateSnapshot(tenant);
    await tagAs(c, toShape(row));
    return c.json(toShape(row), 200);
  })
  .openapi(remove, async (c) => {
    const tenant = c.get("tenant");
    const { automation: id } = c.req.valid("param");
    const deleted = entry(c, "automation.deleted", id);
    const remove = async ({ updatedAt }: AutomationRow) =>
      (await deleteAutomation(c.env.DB, tenant, id, Date.now(), deleted, updatedAt)) || null;
    await changing(c, () => found(c), toShape, remove);
    invalidateSnapshot(tenant);
    return c.body(null, 204);
  });
