import { below, checkOf } from "../accept/schemas";
import type { Firing, Refused } from "../contracts/entity";

/** What the schema of a rule's events has against data; `[]`: nothing. */
export type Judge = (rule: Firing, data: object) => Refused[];

/** Judges by schemas, as JSON text by event type. */
export function judgeBy(schemas: ReadonlyMap<string, string>): Judge {
  return ({ id: rule, emit }, data) => {
    const schema = schemas.get(emit);
    if (schema === undefined) return [];
    try {
      return below("data", checkOf(schema)(data)).map(({ path, message }) => ({ rule, path, message }));
    } catch {
      // A check that fails counts as no error, as when an event is accepted; there it is logged.
      return [];
    }
  };
}
