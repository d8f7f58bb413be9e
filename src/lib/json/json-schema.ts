import { type OutputUnit, type Schema, type SchemaDraft, Validator } from "@cfworker/json-schema";
import { Doubles } from "./doubles";
import { holdsExact, readJson } from "./exact";
import { reckons, withExactKeywords } from "./exact-keywords";
import { bound, Steps, TooCostly } from "./json-schema-cost";
import { nodesOf } from "./json-schema-places";

/** A place that was refused, as `company.domain`, and why. */
export interface SchemaError {
  path: string;
  message: string;
}

export type JsonObject = Record<string, unknown>;

/** The longest schema, in characters of its JSON text: every isolate that accepts events keeps the enforced ones. */
export const MAX_SCHEMA_LENGTH = 65_536;

/** Values nested no deeper than this never exhaust the stack of a schema that can be walked itself. */
const SAFE_DEPTH = 200;

/** At most this many errors are told of one value. */
const MAX_ERRORS = 50;

/** Values of more parts than this get their first error only: all of them could fill the isolate's memory. */
const MAX_PARTS = 10_000;

export const DEFAULT_DRAFT: SchemaDraft = "2020-12";

export const DRAFTS: ReadonlyMap<string, SchemaDraft> = new Map([
  ["https://json-schema.org/draft/2020-12/schema", "2020-12"],
  ["https://json-schema.org/draft/2019-09/schema", "2019-09"],
  ["http://json-schema.org/draft-07/schema", "7"],
]);

/** Something that tells what a value has against a schema: `[]` for nothing. */
export type Check = (value: unknown) => SchemaError[];

/**
 * Makes a check of a usable schema, given as JSON text. The check throws on values that recurse too deep for it, and on
 * those that would cost too much. The validator knows doubles alone: exact numbers are given to it as {@link Doubles}.
 */
export function compile(text: string): Check {
  const schema = readJson(text);
  const isExact = holdsExact(schema);
  const own = new Doubles([schema]);
  const check = checkBy(own.of(schema));
  const reckoning = reckons(schema);
  return (value) => {
    if (!isExact && !holdsExact(value)) return check(value);
    const doubles = new Doubles([schema, value]);
    const fitting = reckoning
      ? checkBy(withExactKeywords(schema, value, doubles))
      : doubles.agrees(own, schema)
        ? check
        : checkBy(doubles.of(schema));
    return fitting(doubles.of(value)).map(({ path, message }) => ({ path, message: doubles.told(message) }));
  };
}

/** A check by a schema whose numbers are doubles. */
function checkBy(schema: unknown): Check {
  const draft = draftOf(schema as JsonObject) ?? DEFAULT_DRAFT;
  const steps = new Steps();
  const validator = (quick: boolean) => {
    // Each has a copy of its own, since it marks the objects that it is given.
    const copy = structuredClone(schema) as Schema;
    bound(nodesOf(copy), steps);
    return new Validator(copy, draft, quick);
  };
  const check = checkWith(validator(true), validator(false));
  return (value) => {
    steps.begin();
    return check(value);
  };
}

export function checkWith(quick: Validator, full: Validator): Check {
  return (value) => {
    try {
      const first = quick.validate(value);
      if (first.valid) return [];
      return toErrors(isSmall(value) ? allErrors(full, value, first.errors) : first.errors);
    } catch (error) {
      // Half a surrogate pair in a member's name: the validator cannot write down where it is.
      if (error instanceof URIError)
        return [{ path: "", message: "has a member whose name is not well-formed Unicode" }];
      // A shallow value's stack overflow: the validator hands errors up as arguments, and had more than that takes.
      if (error instanceof RangeError && isShallow(value))
        return [{ path: "", message: "does not satisfy the schema" }];
      throw error;
    }
  };
}

/** All that a validator has against a value, or `known` of it when all would cost too much. */
function allErrors(full: Validator, value: unknown, known: OutputUnit[]): OutputUnit[] {
  try {
    return full.validate(value).errors;
  } catch (error) {
    if (error instanceof TooCostly) return known;
    throw error;
  }
}

function isShallow(value: unknown): boolean {
  const rest: [part: unknown, depth: number][] = [[value, 0]];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const [part, depth] = next;
    if (typeof part !== "object" || part === null) continue;
    if (depth === SAFE_DEPTH) return false;
    for (const inner of Object.values(part)) rest.push([inner, depth + 1]);
  }
  return true;
}

export function draftOf(schema: JsonObject): SchemaDraft | undefined {
  if (schema.$schema === undefined) return DEFAULT_DRAFT;
  return DRAFTS.get(String(schema.$schema).replace(/#$/, ""));
}

function isSmall(value: unknown): boolean {
  const rest = [value];
  for (let parts = 0; parts < MAX_PARTS; parts++) {
    if (rest.length === 0) return true;
    const part = rest.pop();
    if (typeof part !== "object" || part === null) continue;
    const inner = Object.values(part);
    if (inner.length > MAX_PARTS) return false;
    rest.push(...inner);
  }
  return rest.length === 0;
}

/** Keywords that say no more than the errors which follow theirs. */
const WRAPPERS = new Set([
  ..."properties patternProperties additionalProperties unevaluatedProperties propertyNames".split(" "),
  ..."items prefixItems additionalItems unevaluatedItems $ref allOf if dependentSchemas".split(" "),
]);

/** Keywords that say it better than what follows: each alternative's own complaints. */
const CHOICES = new Set(["anyOf", "oneOf", "contains"]);

function toErrors(units: OutputUnit[]): SchemaError[] {
  const errors = new Map<string, SchemaError>();
  let choice: OutputUnit | null = null;
  for (const unit of units) {
    if (errors.size === MAX_ERRORS) break;
    if (choice !== null && isUnder(unit, choice)) continue;
    choice = CHOICES.has(unit.keyword) ? unit : null;
    if (WRAPPERS.has(unit.keyword)) continue;
    const error = toError(unit);
    errors.set(JSON.stringify(error), error);
  }
  return errors.size > 0 ? [...errors.values()] : [{ path: "", message: "does not satisfy the schema" }];
}

function isUnder(unit: OutputUnit, choice: OutputUnit): boolean {
  const inside = `${unit.instanceLocation}/`.startsWith(`${choice.instanceLocation}/`);
  // Of a `false` schema the validator does not say where it stands.
  return inside && (unit.keyword === "false" || unit.keywordLocation.startsWith(`${choice.keywordLocation}/`));
}

function toError({ keyword, instanceLocation, error }: OutputUnit): SchemaError {
  const path = instanceLocation
    .split("/")
    .slice(1)
    .map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
  if (keyword === "false") return { path: path.join("."), message: "is not allowed" };
  if (keyword === "required") {
    const [, missing = ""] = /required property "(.*)"\.$/s.exec(error) ?? [];
    return { path: [...path, missing].join("."), message: "is required" };
  }
  if (keyword === "type") {
    const [, expected = ""] = /Expected "(.*)"\.$/s.exec(error) ?? [];
    return { path: path.join("."), message: `must be of type ${expected.replaceAll('", "', " or ")}` };
  }
  const message = error.replace(/^(?:Instance|String|Array) /, "").replace(/\.$/, "");
  return { path: path.join("."), message: message.length > 300 ? `${message.slice(0, 300)}…` : message };
}
