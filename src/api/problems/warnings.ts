import { z } from "@hono/zod-openapi";
import { warningsFor } from "../../config/catalogs/event-types";
import { serviceOf } from "../../config/databases";
import { type EndpointRow, effectiveSettings, endpointsAt } from "../../config/endpoints/endpoints";
import type { Env } from "../../contracts/env";
import type { Scheme } from "../../contracts/wire";
import { type Filter, matches } from "../../lib/filter/filter";
import { EVENT_FIELDS, type FilterError, filterWarnings } from "../../lib/filter/filter-errors";
import { fieldMessage } from "../spec/schemas";
import { type FieldError, invalid } from "./problem";

/** What is saved and yet mostly not what was meant. */
export const warningsShape = z
  .array(fieldMessage)
  .describe("What was saved and yet may not be what was meant, by its field. It changes nothing.");

/** The same, where there may be nothing to say. */
export const warned = { warnings: warningsShape.optional() };

/** An answer with warnings, if there are any. */
export function withWarnings<T extends object>(answer: T, warnings: FieldError[]): T & { warnings?: FieldError[] } {
  return warnings.length === 0 ? answer : { ...answer, warnings };
}

function below(field: string, errors: readonly FilterError[]): FieldError[] {
  return errors.map(({ path, message }) => ({ path: path === "" ? field : `${field}.${path}`, message }));
}

/** What the owner of a filter should know; `roots` as for `filterErrors`. */
export function warningsOf(filter: Filter | null, roots: readonly string[] | null): FieldError[] {
  return filter === null ? [] : below("filter", filterWarnings(filter, roots));
}

/** Refuses a filter that asks for another tenant than the one whose events it sees: nothing could ever match it. */
export function refuseForeign(filter: Filter | null | undefined, tenant: string, at = "filter"): void {
  if (filter === null || filter === undefined || asksFor(filter, "tenant", [tenant])) return;
  throw invalid({ path: `${at}.tenant`, message: `can never match: the tenant is ${tenant}` });
}

/** Whether some of these values of a field passes what a filter asks of the field, wherever that must hold. */
function asksFor(filter: Filter, field: "event" | "tenant", values: readonly string[]): boolean {
  const conditions = conditionsOn(filter, field);
  return values.some((value) => conditions.every((condition) => matches({ [field]: condition }, { [field]: value })));
}

function conditionsOn(filter: Filter, field: string): unknown[] {
  return Object.entries(filter).flatMap(([key, operand]) => {
    if (key === "$and") return (operand as Filter[]).flatMap((part) => conditionsOn(part, field));
    return key === field ? [operand] : [];
  });
}

/** What the owner of an automation should know of how its segment goes with its trigger. */
export function segmentWarnings(filter: Filter, trigger: string): FieldError[] {
  const warnings = below("segment", filterWarnings(filter, EVENT_FIELDS));
  if (asksFor(filter, "event", [trigger])) return warnings;
  return [...warnings, { path: "segment", message: `can never match: its events are other ones than ${trigger}` }];
}

/** Whose libraries parse the body that they verify, so that an empty one fails. */
const NEED_A_BODY: ReadonlySet<Scheme> = new Set(["standard", "svix", "github", "stripe"]);

/** What the owner of an endpoint should know of it. `config`: the database that it is in. `now` in ms. */
export async function endpointWarnings(
  env: Env,
  config: D1Database,
  row: EndpointRow,
  now: number,
): Promise<FieldError[]> {
  const { url, method, signature } = effectiveSettings(row);
  const warnings = (await warningsFor(serviceOf(env), row.events, now)).map((message) => ({ path: "events", message }));
  warnings.push(...warningsOf(row.filter, EVENT_FIELDS));
  const isOpen = row.events.includes("*") || row.events.length === 0;
  if (!isOpen && row.filter !== null && !asksFor(row.filter, "event", row.events)) {
    const message = `can never match: the endpoint subscribes to ${row.events.join(", ")}`;
    warnings.push({ path: "filter.event", message });
  }
  if (method === "GET" && NEED_A_BODY.has(signature.scheme)) {
    const message = `is without a body, and libraries for the scheme ${signature.scheme} need one to verify: use POST, or the scheme hex or token`;
    warnings.push({ path: "method", message });
  }
  if (url.includes("#")) warnings.push({ path: "url", message: "has a fragment (#), which is never sent" });
  for (const { id, uid } of await endpointsAt(config, row.tenant, row)) {
    const message = `is that of the endpoint ${uid ?? id} too: what both subscribe to arrives there twice`;
    warnings.push({ path: "url", message });
  }
  return warnings;
}
