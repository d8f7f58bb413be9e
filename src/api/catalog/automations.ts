import { z } from "@hono/zod-openapi";
import { findEndpoint } from "../../config/endpoints/endpoints";
import {
  type AutomationFields,
  type AutomationRow,
  automationRows,
  insertAutomation,
  updateAutomation,
} from "../../config/rules/automations";
import { type Segment, segmentRows } from "../../config/rules/segments";
import { invalidateSnapshot } from "../../config/snapshot";
import type { AutomationAction } from "../../config/tables/rules";
import { repeated } from "../../config/version";
import { clauseErrors } from "../../lib/filter/filter-errors";
import { newId } from "../../lib/ids";
import { entry } from "../access/audit";
import { locateAt } from "../changes/location";
import { changing, tagAs } from "../changes/matching";
import { saving } from "../changes/saving";
import { type AppContext, router } from "../http/context";
import { pageOf } from "../http/paging";
import { ADMIN, createRoute, READERS } from "../http/route";
import { type FieldError, invalid, Problem } from "../problems/problem";
import { segmentWarnings, withWarnings } from "../problems/warnings";
import { inTenant } from "../spec/parameters";
import { body, json, listQuery, pageShape, problems } from "../spec/schemas";
import { automationInput, automationPatch, automationSaved, automationShape, toShape } from "./automation-shape";

const base = "/v1/tenants/{tenant}/automations";
const atAutomation = inTenant.extend({ automation: z.string().describe("The automation's id.") });

const create = createRoute({
  method: "post",
  path: base,
  operationId: "createAutomation",
  summary: "Create an automation",
  description:
    "Delivers an event to an endpoint whatever that subscribes to, or reveals contacts from it, when a segment matches.",
  tags: ["Automations"],
  roles: ADMIN,
  request: {
    params: inTenant,
    ...body(automationInput, {
      name: "Hot leads to sales",
      trigger: "lead.hot",
      actions: [{ type: "webhook", endpoint: "crm" }],
    }),
  },
  responses: { 201: json(automationSaved, "created"), ...problems(400, 401, 404, 409, 422) },
});

const list = createRoute({
  method: "get",
  path: base,
  operationId: "listAutomations",
  summary: "List automations",
  description: "Newest first.",
  tags: ["Automations"],
  roles: READERS,
  request: { params: inTenant, query: listQuery(/^aut_[0-9A-Z]{26}$/) },
  responses: {
    200: json(pageShape("AutomationPage", automationShape), "newest first"),
    ...problems(401, 404, 422),
  },
});

const get = createRoute({
  method: "get",
  path: `${base}/{automation}`,
  operationId: "getAutomation",
  summary: "Get an automation",
  description: "An automation by its id.",
  tags: ["Automations"],
  roles: READERS,
  request: { params: atAutomation },
  responses: { 200: json(automationShape, "the automation"), ...problems(401, 404) },
});

const patch = createRoute({
  method: "patch",
  path: `${base}/{automation}`,
  operationId: "updateAutomation",
  summary: "Change an automation",
  description: "Changes what the body names; it holds from the next event on.",
  tags: ["Automations"],
  roles: ADMIN,
  request: { params: atAutomation, ...body(automationPatch, { name: "Warm leads to sales" }) },
  responses: { 200: json(automationSaved, "changed"), ...problems(400, 401, 404, 409, 422) },
});

const remove = createRoute({
  method: "delete",
  path: `${base}/{automation}`,
  operationId: "deleteAutomation",
  summary: "Delete an automation",
  description: "What it has caused stays.",
  tags: ["Automations"],
  roles: ADMIN,
  request: { params: atAutomation },
  responses: { 204: { description: "deleted" }, ...problems(401, 404) },
});

/** The field that is told of when there is too much: nearly always it is a segment's filter. */
function partOf({ segment, actions }: Partial<AutomationFields>): string {
  return segment || actions === undefined ? "segment" : "actions";
}

function notThere(): Problem {
  return new Problem("automation-unknown", "There is no such automation.");
}

/** What a body says as it is stored: endpoints by their ids; with the segments that it names. */
interface Stored {
  fields: Partial<AutomationFields>;
  segments: Segment[];
}

/** Reads what a body names. A 422 when the tenant does not have it, or it is of no use there. */
async function stored(c: AppContext, { actions, ...rest }: z.infer<typeof automationPatch>): Promise<Stored> {
  const errors: FieldError[] = [];
  const segments: Segment[] = [];
  const kept: AutomationAction[] = [];
  if (typeof rest.segment === "string") {
    const segment = await segmentAt(c, rest.segment, "segment", errors);
    const [error] = segment === null ? [] : clauseErrors(segment.filter);
    if (error) errors.push({ path: "segment", message: `is not one over events: ${error.path} ${error.message}` });
    if (segment !== null) segments.push(segment);
  }
  for (const [i, given] of (actions ?? []).entries()) {
    const endpoint = await endpointId(c, given.endpoint);
    if (endpoint === null) {
      errors.push({ path: `actions.${i}.endpoint`, message: "is not an endpoint of this tenant" });
    }
    const persona = given.type === "reveal_contacts" ? (given.persona ?? null) : null;
    const contacts = persona === null ? null : await segmentAt(c, persona, `actions.${i}.persona`, errors);
    if (contacts !== null) segments.push(contacts);
    if (endpoint === null) continue;
    if (given.type === "webhook") kept.push({ type: "webhook", endpoint });
    else kept.push({ type: "reveal_contacts", endpoint, persona, limit: given.limit ?? null });
  }
  if (errors.length > 0) throw invalid(...errors);
  const fields = { ...rest, ...(actions === undefined ? {} : { actions: kept }) } as Partial<AutomationFields>;
  return { fields, segments };
}

async function endpointId(c: AppContext, idOrUid: string): Promise<string | null> {
  return (await findEndpoint(c.env.DB, c.get("tenant"), idOrUid))?.id ?? null;
}

async function segmentAt(c: AppContext, id: string, path: string, errors: FieldError[]): Promise<Segment | null> {
  const segment = await segmentRows.find(c.env.DB, c.get("tenant"), id);
  if (segment === null) errors.push({ path, message: "is not a segment of this tenant" });
  return segment;
}

async function found(c: AppContext, id: string): Promise<AutomationRow> {
  const row = await automationRows.find(c.env.DB, c.get("tenant"), id);
  if (row === null) throw notThere();
  return row;
}

/** What the owner should know of the segment that an automation names. */
async function warningsFor(c: AppContext, { segment, trigger }: AutomationRow): Promise<FieldError[]> {
  const found = segment === null ? null : await segmentRows.find(c.env.DB, c.get("tenant"), segment);
  return found === null ? [] : segmentWarnings(found.filter, trigger);
}

/** Automations: what is delivered beyond the subscriptions. */
export const automationRoutes = router()
  .openapi(create, async (c) => {
    const tenant = c.get("tenant");
    const now = Date.now();
    const id = newId("aut", now);
    const created = entry(c, "automation.created", id);
    const row = await repeated(async () => {
      const { fields, segments } = await stored(c, c.req.valid("json"));
      const whole = { segment: null, ...fields } as AutomationFields;
      return saving(insertAutomation(c.env.DB, tenant, id, whole, segments, now, created), partOf(whole));
    });
    invalidateSnapshot(tenant);
    locateAt(c, id);
    await tagAs(c, toShape(row));
    return c.json(withWarnings(toShape(row), await warningsFor(c, row)), 201);
  })
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const rows = await automationRows.list(c.env.DB, c.get("tenant"), limit + 1, cursor ?? null);
    return pageOf(c, rows, limit, toShape, ({ id }) => id);
  })
  .openapi(get, async (c) => c.json(toShape(await found(c, c.req.valid("param").automation)), 200))
  .openapi(patch, async (c) => {
    const tenant = c.get("tenant");
    const said = c.req.valid("json");
    const { automation: id } = c.req.valid("param");
    const updated = entry(c, "automation.updated", id, Object.keys(said));
    const update = async (read: AutomationRow) => {
      const { fields, segments } = await stored(c, said);
      return saving(updateAutomation(c.env.DB, read, fields, segments, Date.now(), updated), partOf(fields));
    };
    const row = await changing(c, () => found(c, id), toShape, update);
    invalidateSnapshot(tenant);
    await tagAs(c, toShape(row));
    return c.json(withWarnings(toShape(row), await warningsFor(c, row)), 200);
  })
  .openapi(remove, async (c) => {
    const tenant = c.get("tenant");
    const { automation: id } = c.req.valid("param");
    const deleted = entry(c, "automation.deleted", id);
    const remove = (read: AutomationRow) => automationRows.removeAsRead(c.env.DB, read, Date.now(), deleted);
    await changing(c, () => found(c, id), toShape, remove);
    invalidateSnapshot(tenant);
    return c.body(null, 204);
  });
