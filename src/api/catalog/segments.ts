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
import { ChangedMeanwhile } from "../../config/version";
import type { Filter } from "../../lib/filter/filter";
import { clauseErrors } from "../../lib/filter/filter-errors";
import { newId } from "../../lib/ids";
import { iso } from "../../lib/time";
import { entry } from "../access/audit";
import { saving } from "../changes/saving";
import { type AppContext, router } from "../http/context";
import { resource } from "../http/resource";
import { invalid, Problem } from "../problems/problem";
import { warned, warningsOf, withWarnings } from "../problems/warnings";
import { inTenant } from "../spec/parameters";
import { body, changesOf, createdAt, described, filterOver, filterShape, named, updatedAt } from "../spec/schemas";

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

function toShape({ id, name, filter, createdAt, updatedAt }: Segment): z.infer<typeof segmentShape> {
  return { id, name, filter, createdAt: iso(createdAt), updatedAt: iso(updatedAt) };
}

const segment = resource({
  path: "/v1/tenants/{tenant}/segments",
  param: "segment",
  at: inTenant.extend({ segment: z.string().describe("The segment's id.") }),
  name: "Segment",
  tag: "Segments",
  prefix: "seg",
  unknown: "segment-unknown",
  matched: true,
  shape: segmentShape,
  rows: segmentRows,
  show: toShape,
});

/**
 * Refuses a filter that no event can match where an automation applies it to events. Answers whether that no automation
 * does was decisive.
 */
async function checkUse(c: AppContext, id: string, filter: Filter | undefined): Promise<boolean> {
  const errors = filter === undefined ? [] : clauseErrors(filter);
  if (errors.length === 0) return false;
  if ((await findUserOf(c.get("config"), c.get("tenant"), id, "events")) === null) return true;
  throw invalid(...errors.map(({ path, message }) => ({ path: `filter.${path}`, message })));
}

/** Deletes a segment that still is as it was read and that no automation uses. */
async function removeSegment(c: AppContext, read: Segment): Promise<void> {
  const { tenant, id } = read;
  if (await deleteSegment(c.get("config"), read, Date.now(), entry(c, "segment.deleted", id))) return;
  const user = await findUserOf(c.get("config"), tenant, id, "any");
  if (user !== null) {
    throw new Problem("segment-in-use", `The automation ${user.name} (${user.id}) uses this segment.`);
  }
  // It is another one by now, or whatever used it does so no more.
  throw new ChangedMeanwhile();
}

const saved = (row: Segment) => withWarnings(toShape(row), warningsOf(row.filter, null));

/** Segments: named filters. */
export const segmentRoutes = router()
  .openapi(
    ...segment.create(
      {
        description: "A named filter, for automations: over events, or over contacts where it is a persona.",
        takes: body(segmentInput, { name: "Large companies", filter: { "data.company.employees": { $gte: 250 } } }),
        answers: segmentSaved,
      },
      async (c, said) => {
        const now = Date.now();
        const id = newId("seg", now);
        const created = entry(c, "segment.created", id);
        const row = await saving(insertSegment(c.get("config"), c.get("tenant"), id, said, now, created));
        return { row, name: id, answer: () => saved(row) };
      },
    ),
  )
  .openapi(...segment.list())
  .openapi(...segment.get())
  .openapi(
    ...segment.update(
      {
        description: "Changes what the body names; it holds from the next event on.",
        takes: body(segmentPatch, { name: "Companies of 250 and more" }),
        answers: segmentSaved,
      },
      async (c, read, said) => {
        const change = said as Partial<SegmentFields>;
        const updated = entry(c, "segment.updated", read.id, Object.keys(change));
        const unused = await checkUse(c, read.id, change.filter);
        return saving(updateSegment(c.get("config"), read, change, unused, Date.now(), updated), "filter");
      },
      saved,
    ),
  )
  .openapi(
    ...segment.removeAsRead(
      { description: "A 409 while an automation uses it.", errors: [401, 404, 409] },
      removeSegment,
    ),
  );
