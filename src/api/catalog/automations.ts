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
import type { AutomationAction } from "../../config/tables/rules";
import { repeated } from "../../config/version";
import { clauseErrors } from "../../lib/filter/filter-errors";
import { newId } from "../../lib/ids";
import { entry } from "../access/audit";
import { saving } from "../changes/saving";
import { type AppContext, router } from "../http/context";
import { resource } from "../http/resource";
import { type FieldError, invalid } from "../problems/problem";
import { segmentWarnings, withWarnings } from "../problems/warnings";
import { inTenant } from "../spec/parameters";
import { body } from "../spec/schemas";
import { automationInput, automationPatch, automationSaved, automationShape, toShape } from "./automation-shape";

/** The field that is told of when there is too much: nearly always it is a segment's filter. */
function partOf({ segment, actions }: Partial<AutomationFields>): string {
  return segment || actions === undefined ? "segment" : "actions";
}

const automation = resource({
  path: "/v1/tenants/{tenant}/automations",
  param: "automation",
  at: inTenant.extend({ automation: z.string().describe("The automation's id.") }),
  name: "Automation",
  tag: "Automations",
  prefix: "aut",
  unknown: "automation-unknown",
  matched: true,
  shape: automationShape,
  rows: automationRows,
  show: toShape,
});

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
  return (await findEndpoint(c.get("config"), c.get("tenant"), idOrUid))?.id ?? null;
}

async function segmentAt(c: AppContext, id: string, path: string, errors: FieldError[]): Promise<Segment | null> {
  const segment = await segmentRows.find(c.get("config"), c.get("tenant"), id);
  if (segment === null) errors.push({ path, message: "is not a segment of this tenant" });
  return segment;
}

/** An automation as it was saved, with what its owner should know of the segment that it names. */
async function saved(row: AutomationRow, c: AppContext) {
  const found = row.segment === null ? null : await segmentRows.find(c.get("config"), c.get("tenant"), row.segment);
  return withWarnings(toShape(row), found === null ? [] : segmentWarnings(found.filter, row.trigger));
}

/** Automations: what is delivered beyond the subscriptions. */
export const automationRoutes = router()
  .openapi(
    ...automation.create(
      {
        description:
          "Delivers an event to an endpoint whatever that subscribes to, or reveals contacts from it, when a segment matches.",
        takes: body(automationInput, {
          name: "Hot leads to sales",
          trigger: "lead.hot",
          actions: [{ type: "webhook", endpoint: "crm" }],
        }),
        answers: automationSaved,
      },
      async (c, said) => {
        const now = Date.now();
        const id = newId("aut", now);
        const created = entry(c, "automation.created", id);
        const row = await repeated(async () => {
          const { fields, segments } = await stored(c, said);
          const whole = { segment: null, ...fields } as AutomationFields;
          const insert = insertAutomation(c.get("config"), c.get("tenant"), id, whole, segments, now, created);
          return saving(insert, partOf(whole));
        });
        return { row, name: id, answer: () => saved(row, c) };
      },
    ),
  )
  .openapi(...automation.list())
  .openapi(...automation.get())
  .openapi(
    ...automation.update(
      {
        description: "Changes what the body names; it holds from the next event on.",
        takes: body(automationPatch, { name: "Warm leads to sales" }),
        answers: automationSaved,
      },
      async (c, read, said) => {
        const updated = entry(c, "automation.updated", read.id, Object.keys(said));
        const { fields, segments } = await stored(c, said);
        return saving(updateAutomation(c.get("config"), read, fields, segments, Date.now(), updated), partOf(fields));
      },
      saved,
    ),
  )
  .openapi(
    ...automation.removeAsRead({ description: "What it has caused stays." }, (c, read) =>
      automationRows.removeAsRead(c.get("config"), read, Date.now(), entry(c, "automation.deleted", read.id)),
    ),
  );
