import { knownTypes } from "../config/event-types";
import { type Check, compile, type SchemaError } from "../lib/json-schema";
import { logError } from "../lib/log";

/** Compiled schemas remembered per isolate; beyond it the oldest is forgotten. */
const MAX_CHECKS = 200;

// By the schema's text: a changed schema is another entry, so none is ever out of date.
const checks = new Map<string, Check>();

/**
 * What an event's data has against the schema that its type enforces, with paths such as `data.company.domain`; `[]`
 * when nothing, or when no schema is enforced: then `data` is not even read. A validator that throws counts as no
 * error, since an event is worth more than a check of it; it is logged. `now` in ms.
 */
export async function schemaErrors(
  d1: D1Database,
  event: string,
  data: () => unknown,
  now: number,
): Promise<SchemaError[]> {
  const schema = (await knownTypes(d1, now)).get(event)?.enforced ?? null;
  if (schema === null) return [];
  try {
    return below("data", checkOf(schema)(data()));
  } catch (error) {
    logError("event.schema.failed", error, { type: event });
    return [];
  }
}

/** The errors as the API tells them: below the field whose value was checked. */
export function below(field: string, errors: SchemaError[]): SchemaError[] {
  return errors.map(({ path, message }) => ({ path: path === "" ? field : `${field}.${path}`, message }));
}

function checkOf(schema: string): Check {
  let check = checks.get(schema);
  if (check === undefined) {
    check = compile(schema);
    checks.set(schema, check);
    if (checks.size > MAX_CHECKS) checks.delete(checks.keys().next().value as string);
  }
  return check;
}
