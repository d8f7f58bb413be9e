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
import { saving } from "../changes/saving";
import { router } from "../http/context";
import { resource } from "../http/resource";
import { ADMIN } from "../http/roles";
import { createRoute } from "../http/route";
import { invalid, Problem } from "../problems/problem";
import { refuseForeign, warningsOf, withWarnings } from "../problems/warnings";
import { inTenant } from "../spec/parameters";
import { body, json, named, problems } from "../spec/schemas";
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
const installed = named(
  "InstalledSignals",
  z.object({ data: z.array(signalShape).describe("The vendor's signals as they now are.") }),
  "A vendor's signals.",
);

const signal = resource({
  path: base,
  param: "signal",
  at: inTenant.extend({ signal: z.string().describe("The signal's id.") }),
  name: "Signal",
  tag: "Signals",
  prefix: "sig",
  unknown: "signal-unknown",
  matched: true,
  shape: signalShape,
  rows: signalRows,
  show: toSignal,
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

const saved = (row: SignalRow) => withWarnings(toSignal(row), warningsOf(row.filter, OBSERVATION_FIELDS));

/** Signals: rules that turn observations into events. */
export const signalRoutes = router()
  .openapi(
    ...signal.create(
      {
        description:
          "A rule that turns observations into events: it says of which entity, when it fires, and what it emits.",
        takes: body(signalInput, {
          name: "Lead turned hot",
          emit: "lead.hot",
          entity: "company.domain",
          filter: { "data.company.country": { $in: ["DK", "NO", "SE"] } },
          when: { crosses: { path: "company.leadScore", threshold: 70 } },
          attach: { previousScore: "previous", newScore: "current" },
        }),
        answers: signalSaved,
      },
      async (c, said) => {
        const tenant = c.get("tenant");
        const now = Date.now();
        const { id, ...fields } = toRule(newId("sig", now), said);
        refuseForeign(fields.filter, tenant);
        const created = entry(c, "signal.created", id);
        const row = await saving(insertSignal(c.get("config"), tenant, id, fields, now, created), partOf(fields));
        return { row, name: id, answer: () => saved(row) };
      },
    ),
  )
  .openapi(...signal.list())
  .openapi(...signal.get())
  .openapi(
    ...signal.update(
      {
        description: "Changes what the body names; it holds from the next observation on.",
        takes: body(signalPatch, { when: { crosses: { path: "company.leadScore", threshold: 80 } } }),
        answers: signalSaved,
        answered: "changed: it holds from the next observation on",
      },
      async (c, read, said) => {
        const change = said as Partial<SignalFields>;
        refuseForeign(change.filter, read.tenant);
        const errors = attachErrors({ ...read, ...change });
        if (errors.length > 0) throw invalid(...errors);
        const updated = entry(c, "signal.updated", read.id, Object.keys(change));
        return saving(updateSignal(c.get("config"), read, change, Date.now(), updated), partOf(change));
      },
      saved,
    ),
  )
  .openapi(
    ...signal.removeAsRead(
      { description: "With what it remembered of entities.", answered: "deleted, with what it remembered" },
      (c, read) => signalRows.removeAsRead(c.get("config"), read, Date.now(), entry(c, "signal.deleted", read.id)),
    ),
  )
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
    const { rows, created } = await saving(
      installSignals(c.get("config"), tenant, profile, rules, Date.now(), audited),
    );
    invalidateSnapshot(tenant);
    return c.json({ data: rows.map(toSignal) }, created > 0 ? 201 : 200);
  });
