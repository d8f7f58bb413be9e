/**
 * What is said of a field that is refused: in our words, whatever library found it out. A schema's own message comes
 * first; these are for all that a schema says by its form.
 * @module
 */
import { z } from "@hono/zod-openapi";
import { type FieldError, invalid, type Problem } from "./problem";

/** Said of a value that fits none of several forms, unless one of them was clearly meant: {@link fieldErrors}. */
const NO_FORM = "has none of the forms that it may have";

/** What a value should be, by the name that zod has for it. */
const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
  null: "null",
  undefined: "left out",
};

/** What limits count, by the name that zod has for it. Numbers have no unit. */
const UNITS: Readonly<Record<string, [one: string, many: string]>> = {
  string: ["character", "characters"],
  array: ["entry", "entries"],
  set: ["entry", "entries"],
  map: ["entry", "entries"],
};

const FORMATS: Readonly<Record<string, string>> = {
  url: "is not a URL",
  email: "is not an email address",
  datetime: "must be a time such as 2026-11-21T09:30:00Z",
};

type RawIssue = Parameters<z.core.$ZodErrorMap>[0];

/** The message of an issue that has none of its own. Pure. */
export function wordingOf(issue: RawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined) return "is missing";
      return `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case "too_big":
      return limitText("most", issue.origin, issue.maximum, issue.inclusive ?? true);
    case "too_small":
      if (issue.origin === "string" && Number(issue.minimum) === 1) return "must not be empty";
      return limitText("least", issue.origin, issue.minimum, issue.inclusive ?? true);
    case "invalid_value":
      return `must be ${issue.values.length === 1 ? "" : "one of "}${issue.values.map(String).join(", ")}`;
    case "invalid_format":
      return FORMATS[issue.format] ?? "is not written as it must be";
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    case "unrecognized_keys":
      return "is not a known field";
    case "invalid_union":
      return NO_FORM;
    case "invalid_key":
      return "has a name that it may not have";
    case "invalid_element":
      return "has an entry that it may not have";
    default:
      return "is not valid";
  }
}

function limitText(side: "most" | "least", origin: string, limit: number | bigint, inclusive: boolean): string {
  const unit = UNITS[origin];
  if (unit !== undefined) {
    const [one, many] = unit;
    return `${side === "most" ? "may" : "must"} have at ${side} ${limit} ${Number(limit) === 1 ? one : many}`;
  }
  if (inclusive) return `must be at ${side} ${limit}`;
  return `must be ${side === "most" ? "below" : "above"} ${limit}`;
}

z.config({ customError: wordingOf });

/** A 422 from what zod refused, one entry per field; unknown fields are named each. */
export function invalidFrom(error: z.core.$ZodError): Problem {
  return invalid(...error.issues.flatMap((issue) => fieldErrors(issue, [])));
}

function fieldErrors(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): FieldError[] {
  const at = [...above, ...issue.path];
  const path = at.map(String);
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ path: [...path, key].join("."), message: "is not a known field" }));
  }
  if (issue.code === "invalid_key") return issue.issues.flatMap((inner) => fieldErrors({ ...inner, path: [] }, at));
  if (issue.code === "invalid_union" && issue.message === NO_FORM) return unionErrors(issue, at);
  return [{ path: path.join("."), message: issue.message }];
}

/** What is wrong with a value of several forms: what is wrong within the one that was meant, or all that it may be. */
function unionErrors(issue: z.core.$ZodIssueInvalidUnion, at: readonly PropertyKey[]): FieldError[] {
  const meant = issue.errors.find((branch) => branch.every(({ path }) => path.length > 0));
  if (meant !== undefined) return meant.flatMap((inner) => fieldErrors(inner, at));
  const all = issue.errors.flat().flatMap((inner) => fieldErrors({ ...inner, path: [] }, []));
  const messages = [...new Set(all.map(({ message }) => message))];
  return [{ path: at.map(String).join("."), message: messages.join(", or ") || NO_FORM }];
}
