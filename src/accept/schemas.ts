import { enforcedSchema } from "../config/catalogs/event-types";
import { Cache } from "../lib/cache";
import { type Check, compile, type SchemaError } from "../lib/json/json-schema";
import { logError } from "../lib/log";

/** Compiled schemas that an isolate remembers, in bytes: each takes about so many for a character of its text. */
const BYTES_PER_CHARACTER = 50;
// By the schema's text: a changed schema is another entry, so none is ever out of date.
const checks = new Cache<Check>(32_000_000);

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
  const schema = await enforcedSchema(d1, event, now);
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

/** The check of a usable schema, given as JSON text: compiled once, as long as it is remembered. */
export function checkOf(schema: string): Check {
  const known = checks.get(schema);
  if (known !== undefined) return known;
  const check = compile(schema);
  checks.set(schema, check, BYTES_PER_CHARACTER * schema.length);
  return check;
}
