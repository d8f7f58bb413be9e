import { z } from "@hono/zod-openapi";
import { SIGNAL_CATALOG_NAMES, signalCatalogOf } from "../../config/rules/signal-catalogs";
import {
  insertSignal,
  installSignals,
  type SignalFields,
  type SignalRow,
  signalRows,
  updateSignal,
} from "../../config/rules/signals";
import { invalidateSnapshot } from "../../config/snapshot";
import { newId } from "../../lib/ids";
import { entry } from "../access/audit";
import { locateAt } from "../changes/location";
import { changing, tagAs } from "../changes/matching";
import { saving } from "../changes/saving";
import { type AppContext, router } from "../http/context";
import { pageOf } from "../http/paging";
import { ADMIN, createRoute, READERS } from "../http/route";
import { invalid, Problem } from "../problems/problem";
import { refuseForeign, warningsOf, withWarnings } from "../problems/warnings";
import { inTenant } from "../spec/parameters";
import { body, json, listQuery, named, pageShape, problems } from "../spec/schemas";
import {
  attachErrors,
  catalogName,
  OBSERVATION_FIELDS,
  signalInput,
  signalPatch,
  signalSaved,
  signalShape,
  toRule,
  toSignal,
} from "./signal-shape";

const base = "/v1/tenants/{tenant}/signals";
const atSignal = inTenant.extend({ signal: z.string().describe("The signal's id.") });
const installed = named(
  "InstalledSignals",
  z.object({ data: z.array(signalShape).describe("The vendor's signals as they now are.") }),
  "A vendor's signals.",
);

const create = createRoute({
  method: "post",
  path: base,
  operationId: "createSignal",
  summary: "Create a signal",
  description: "A rule that turns observations into events: it says of which entity, when it fires, and what it emits.",
  tags: ["Signals"],
  roles: ADMIN,
  request: {
    params: inTenant,
    ...body(signalInput, {
      name: "Lead turned hot",
      emit: "lead.hot",
      entity: "company.domain",
      filter: { "data.company.country": { $in: ["DK", "NO", "SE"] } },
      when: { crosses: { path: "company.leadScore", threshold: 70 } },
      attach: { previousScore: "previous", newScore: "current" },
    }),
  },
  responses: { 201: json(signalSaved, "created"), ...problems(400, 401, 404, 409, 422) },
});

const list = createRoute({
  method: "get",
  path: base,
  operationId: "listSignals",
  summary: "List signals",
  description: "Newest first.",
  tags: ["Signals"],
  roles: READERS,
  request: { params: inTenant, query: listQuery(/^sig_[0-9A-Z]{26}$/) },
  responses: {
    200: json(pageShape("SignalPage", signalShape), "newest first"),
    ...problems(401, 404, 422),
  },
});

const get = createRoute({
  method: "get",
  path: `${base}/{signal}`,
  operationId: "getSignal",
  summary: "Get a signal",
  description: "A signal by its id.",
  tags: ["Signals"],
  roles: READERS,
  request: { params: atSignal },
  responses: { 200: json(signalShape, "the signal"), ...problems(401, 404) },
});

const patch = createRoute({
  method: "patch",
  path: `${base}/{signal}`,
  operationId: "updateSignal",
  summary: "Change a signal",
  description: "Changes what the body names; it holds from the next observation on.",
  tags: ["Signals"],
  roles: ADMIN,
  request: {
    params: atSignal,
    ...body(signalPatch, { when: { crosses: { path: "company.leadScore", threshold: 80 } } }),
  },
  responses: {
    200: json(signalSaved, "changed: it holds from the next observation on"),
    ...problems(400, 401, 404, 409, 422),
  },
});

const remove = createRoute({
  method: "delete",
  path: `${base}/{signal}`,
  operationId: "deleteSignal",
  summary: "Delete a signal",
  description: "With what it remembered of entities.",
  tags: ["Signals"],
  roles: ADMIN,
  request: { params: atSignal },
  responses: { 204: { description: "deleted, with what it remembered" }, ...problems(401, 404) },
});

const install = createRoute({
  method: "post",
  path: `${base}/catalogs/{profile}`,
  operationId: "installSignals",
  summary: "Install a vendor's signals",
  description:
    "Installs the rules that a vendor's events come from. Those that are there already stay as the tenant has made them.",
  tags: ["Signals"],
  roles: ADMIN,
  request: {
    params: inTenant.extend({
      profile: catalogName.describe("The vendor's name."),
    }),
  },
  responses: {
    200: json(installed, "all of them were there; what the tenant changed stays"),
    201: json(installed, "the vendor's signals, of which at least one is new"),
    ...problems(401, 404, 409, 422),
  },
});

/** The field that is told of when there is too much: nearly always it is the filter. */
function partOf({ filter }: Partial<SignalFields>): string {
  return filter ? "filter" : "";
}

function notThere(): Problem {
  return new Problem("signal-unknown", "There is no such signal.");
}

async function found(c: AppContext, id: string): Promise<SignalRow> {
  const row = await signalRows.find(c.env.DB, c.get("tenant"), id);
  if (row === null) throw notThere();
  return row;
}

/** Signals: rules that turn observations into events. */
export const signalRoutes = router()
  .openapi(create, async (c) => {
    const tenant = c.get("tenant");
    const now = Date.now();
    const { id, ...fields } = toRule(newId("sig", now), c.req.valid("json"));
    refuseForeign(fields.filter, tenant);
    const created = entry(c, "signal.created", id);
    const row = await saving(insertSignal(c.env.DB, tenant, id, fields, now, created), partOf(fields));
    invalidateSnapshot(tenant);
    locateAt(c, id);
    await tagAs(c, toSignal(row));
    return c.json(withWarnings(toSignal(row), warningsOf(row.filter, OBSERVATION_FIELDS)), 201);
  })
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid("query");
    const rows = await signalRows.list(c.env.DB, c.get("tenant"), limit + 1, cursor ?? null);
    return pageOf(c, rows, limit, toSignal, ({ id }) => id);
  })
  .openapi(get, async (c) => c.json(toSignal(await found(c, c.req.valid("param").signal)), 200))
  .openapi(patch, async (c) => {
    const tenant = c.get("tenant");
    const change = c.req.valid("json") as Partial<SignalFields>;
    refuseForeign(change.filter, tenant);
    const { signal: id } = c.req.valid("param");
    const updated = entry(c, "signal.updated", id, Object.keys(change));
    const update = (read: SignalRow) => {
      const errors = attachErrors({ ...read, ...change });
      if (errors.length > 0) throw invalid(...errors);
      return saving(updateSignal(c.env.DB, read, change, Date.now(), updated), partOf(change));
    };
    const row = await changing(c, () => found(c, id), toSignal, update);
    invalidateSnapshot(tenant);
    await tagAs(c, toSignal(row));
    return c.json(withWarnings(toSignal(row), warningsOf(row.filter, OBSERVATION_FIELDS)), 200);
  })
  .openapi(remove, async (c) => {
    const tenant = c.get("tenant");
    const { signal: id } = c.req.valid("param");
    const deleted = entry(c, "signal.deleted", id);
    const remove = (read: SignalRow) => signalRows.removeAsRead(c.env.DB, read, Date.now(), deleted);
    await changing(c, () => found(c, id), toSignal, remove);
    invalidateSnapshot(tenant);
    return c.body(null, 204);
  })
  .openapi(install, async (c) => {
    const tenant = c.get("tenant");
    const { profile } = c.req.valid("param");
    const rules = signalCatalogOf(profile);
    if (rules === null) {
      throw new Problem(
        "catalog-unknown",
        `There are no signals of that name. There are ${SIGNAL_CATALOG_NAMES.join(", ")}.`,
      );
    }
    const audited = entry(c, "signals.installed", profile);
    const { rows, created } = await saving(installSignals(c.env.DB, tenant, profile, rules, Date.now(), audited));
    invalidateSnapshot(tenant);
    return c.json({ data: rows.map(toSignal) }, created > 0 ? 201 : 200);
  });
