import { below } from "../events/event-schemas";
import type { Firing, Refused } from "../lib/entity";
import { type Check, compile } from "../lib/json-schema";

/** What the schema of a rule's events has against data; `[]`: nothing. */
export type Judge = (rule: Firing, data: object) => Refused[];

/** Judges by schemas, as JSON text by event type; each is compiled when it is first needed. Pure. */
export function judgeBy(schemas: ReadonlyMap<string, string>): Judge {
  const checks = new Map<string, Check>();
  return ({ id: rule, emit }, data) => {
    const schema = schemas.get(emit);
    if (schema === undefined) return [];
    try {
      const check = checks.get(emit) ?? compile(schema);
      checks.set(emit, check);
      return below("data", check(data)).map(({ path, message }) => ({ rule, path, message }));
    } catch {
      // A check that fails counts as no error, as when an event is accepted; there it is logged.
      return [];
    }
  };
}
