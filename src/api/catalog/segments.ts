import { z } from "@hono/zod-openapi";
import { findUserOf } from "../../config/rules/automations";
import {
  deleteSegment,
  insertSegment,
  type Segment,
  type SegmentFields,
  segmentRows,
  updateSegment,
} from "../../config/rules/segments";
import { invalidateSnapshot } from "../../config/snapshot";
import { ChangedMeanwhile } from "../../config/version";
import type { Filter } from "../../lib/filter/filter";
import { clauseErrors } from "../../lib/filter/filter-errors";
import { newId } from "../../lib/ids";
import { iso } from "../../lib/time";
import { entry } from "../access/audit";
import { locateAt } from "../changes/location";
import { changing, tagAs } from "../changes/matching";
import { saving } from "../changes/saving";
import { type AppContext, router } from "../http/context";
import { pageOf } from "../http/paging";
import { ADMIN, createRoute, READERS } from "../http/route";
import { invalid, Problem } from "../problems/problem";
import { warned, warningsOf, withWarnings } from "../problems/warnings";
import { inTenant } from "../spec/parameters";
import {
  body,
  changesOf,
  createdAt,
  described,
  filterOver,
  filterShape,
  json,
  listQuery,
  named,
  pageShape,
  problems,
  updatedAt,
} from "../spec/schemas";

const base = "/v1/tenants/{tenant}/segments";
const atSegment = inTenant.extend({ segment: z.string().describe("The segment's id.") });

// The paths may start anywhere: as a persona a segment looks at contacts. Automations check what they use it for.
const fields = described(
  { name: z.string().trim().min(1).max(200), filter: filterOver(null) },
  { name: "What people call it.", filter: "What it holds for: events, or contacts where it is a persona." },
);
const segmentInput = named("SegmentInput", z.strictObject(fields), "A segment to be created.");
const segmentPatch = changesOf("SegmentPatch", fields, "Changes of a segment. What is left out stays.");
const shape = {
  id: z.string().describe("Its id: `seg_…`."),
  name: z.string().describe("What people call it."),
  filter: filterShape.describe("What it holds for."),
  createdAt,
  updatedAt,
};
const segmentShape = named("Segment", z.object(shape), "A named filter.");
const segmentSaved = named(
  "SegmentSaved",
  z.object({ ...shape, ...warned }),
  "A segment as it was saved, with what may not be what was meant.",
);

const create = createRoute({
  method: "post",
  path: base,
  operationId: "createSegment",
  summary: "Create a segment",
  description: "A named filter, for automations: over events, or over contacts where it is a persona.",
  tags: ["Segments"],
  roles: ADMIN,
  request: {
    params: inTenant,
    ...body(segmentInput, { name: "Large companies", filter: { "data.company.employees": { $gte: 250 } } }),
  },
  responses: { 201: json(segmentSaved, "created"), ...problems(400, 401, 404, 409, 422) },
});

const list = createRoute({
  method: "get",
  path: base,
  operationId: "listSegments",
  summary: "List segments",
  description: "Newest first.",
  tags: ["Segments"],
  roles: READERS,
  request: { params: inTenant, query: listQuery(/^seg_[0-9A-Z]{26}$/) },
  responses: {
    200: json(pageShape("SegmentPage", segmentShape), "newest first"),
    ...problems(401, 404, 422),
  },
});

const get = createRoute({
  method: "get",
  path: `${base}/{segment}`,
  operationId: "getSegment",
  summary: "Get a segment",
  description: "A segment by its id.",
  tags: ["Segments"],
  roles: READERS,
  request: { params: atSegment },
  responses: { 200: json(segmentShape, "the segment"), ...problems(401, 404) },
});

const patch = createRoute({
  method: "patch",
  path: `${base}/{segment}`,
  operationId: "updateSegment",
  summary: "Change a segment",
  description: "Changes what the body names; it holds from the next event on.",
  tags: ["Segments"],
  roles: ADMIN,
  request: { params: atSegment, ...body(segmentPatch, { name: "Companies of 250 and more" }) },
  responses: { 200: json(segmentSaved, "changed"), ...problems(400, 401, 404, 409, 422) },
});

const remove = createRoute({
  method: "delete",
  path: `${base}/{segment}`,
  operationId: "deleteSegment",
  summary: "Delete a segment",
  description: "A 409 while an automation uses it.",
  tags: ["Segments"],
  roles: ADMIN,
  request: { params: atSegment },
  responses: { 204: { description: "deleted" }, ...problems(401, 404, 409) },
});

function toShape({ id, name, filter, createdAt, updatedAt }: Segment): z.infer<typeof segmentShape> {
  return { id, name, filter, createdAt: iso(createdAt), updatedAt: iso(updatedAt) };
}

function notThere(): Problem {
  return new Problem("segment-unknown", "There is no such segment.");
}

async function found(c: AppContext, id: string): Promise<Segment> {
  const row = await segmentRows.find(c.env.DB, c.get("tenant"), id);
  if (row === null) throw notThere();
  return row;
}

/**
 * Refuses a filter that no event can match where an automation applies it to events. Answers whether that no automation
 * does was decisive.
 */
async function checkUse(c: AppContext, id: string, filter: Filter | undefined): Promise<boolean> {
  const errors = filter === undefined ? [] : clauseErrors(filter);
  if (errors.length === 0) return false;
  if ((await findUserOf(c.env.DB, c.get("tenant"), id, "events")) === null) return true;
  throw invalid(...errors.map(({ path, message }) => ({ path: `filter.${path}`, message })));
}

/** Deletes a segment that still is as it was read and that no automation uses. */
async function removeSegment(c: AppContext, read: Segment): Promise<void> {
  const { tenant, id } = read;
  if (await deleteSegment(c.env.DB, read, Date.now(), entry(c, "segment.deleted", id))) return;
  const user = await findUserOf(c.env.DB, tenant, id, "any");
  if (user !== null) {
    throw new Problem("segment-in-use", `The automation ${user.name} (${user.id}) uses this segment.`);
  }
  // It is another one by now, or whatever used it does so no more.
  throw new ChangedMeanwhile();
}

/** Segments: named filters. */
export const segmentRoutes = router()
  .openapi(create, async (c) => {
    const tenant = c.get("tenant");
    const now = Date.now();
    const id = newId("seg", now);
    const created = entry(c, "segment.created", id);
    const row = await saving(insertSegment(c.env.DB, tenant, id, c.req.valid("json"), now, created));
    locateAt(c, id);
    await tagAs(c, toShape(row));
    return c.json(withWarnings(toShape(row), warningsOf(row.filter, null)), 201);
  })
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const rows = await segmentRows.list(c.env.DB, c.get("tenant"), limit + 1, cursor ?? null);
    return pageOf(c, rows, limit, toShape, ({ id }) => id);
  })
  .openapi(get, async (c) => c.json(toShape(await found(c, c.req.valid("param").segment)), 200))
  .openapi(patch, async (c) => {
    const tenant = c.get("tenant");
    const { segment: id } = c.req.valid("param");
    const change = c.req.valid("json") as Partial<SegmentFields>;
    const updated = entry(c, "segment.updated", id, Object.keys(change));
    const update = async (read: Segment) => {
      const unused = await checkUse(c, id, change.filter);
      return saving(updateSegment(c.env.DB, read, change, unused, Date.now(), updated), "filter");
    };
    const row = await changing(c, () => found(c, id), toShape, update);
    invalidateSnapshot(tenant);
    await tagAs(c, toShape(row));
    return c.json(withWarnings(toShape(row), warningsOf(row.filter, null)), 200);
  })
  .openapi(remove, async (c) => {
    const { segment: id } = c.req.valid("param");
    await changing(
      c,
      () => found(c, id),
      toShape,
      (read) => removeSegment(c, read),
    );
    return c.body(null, 204);
  });
