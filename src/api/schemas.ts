import { z } from "@hono/zod-openapi";
import { isContainer } from "../lib/exact";
import type { Filter } from "../lib/filter";
import { EVENT_FIELDS, filterErrors, MAX_FILTER_BYTES } from "../lib/filter-errors";
import { PROBLEMS, type ProblemCode, typeOf } from "./problem-codes";

/** `?limit=&cursor=` of a list; the cursor is the last id of the page before. */
export function listQuery(cursor: RegExp) {
  return z.strictObject({
    limit: z
      .string()
      .regex(/^(?:[1-9]\d?|1\d\d|2[0-4]\d|250)$/, "must be a number from 1 to 250")
      .default("50")
      .transform(Number)
      .openapi({ type: "integer", minimum: 1, maximum: 250, default: 50 }),
    cursor: z.string().regex(cursor, "must be the nextCursor of the page before").optional(),
  });
}

/** Text of at most `max` characters that can be stored as it is: half a surrogate pair cannot. */
export function plainText(max: number) {
  return z
    .string()
    .max(max)
    .refine((text) => text.isWellFormed(), "must be well-formed Unicode");
}

/** An event type's name: it travels in a header, so it is plain. */
export const eventType = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}$/, "must be 1-128 letters, digits or . _ : / -");

/** An event's data. Handlers take its text from the body, which zod would not keep to the byte. */
export const dataField = z
  .custom<object>(isContainer, "must be a JSON object or array")
  .openapi({ type: ["object", "array"] });

/** The first ms that ISO 8601 writes with more than four digits of year. */
const YEAR_10000 = Date.UTC(10_000, 0);

/** A time as it is given: ISO 8601 with an offset or Z; becomes ms. */
export const time = z.iso
  .datetime({ offset: true, error: "must be a time such as 2026-11-21T09:30:00Z" })
  .transform((text) => Date.parse(text))
  .refine((ms) => ms >= 0 && ms < YEAR_10000, "must lie between 1970 and 9999");

/**
 * The schema of an object that names a span of time, which refuses one that ends before it begins. Every `since` with an
 * `until` goes through here; an empty span is no mistake.
 */
export function inOrder<T extends z.ZodType<{ since?: number | undefined; until?: number | undefined }>>(span: T): T {
  return span.superRefine(({ since, until }, c) => {
    if (since === undefined || until === undefined || since <= until) return;
    c.addIssue({ code: "custom", path: ["since"], message: "must not be after until" });
  });
}

/** A filter whose paths start with one of these fields; `null`: with any. */
export function filterOver(roots: readonly string[] | null) {
  return z
    .custom<Filter>()
    .superRefine((filter, c) => {
      for (const { path, message } of filterErrors(filter, roots)) {
        c.addIssue({ code: "custom", message, path: path === "" ? [] : [path] });
      }
    })
    .openapi({
      type: "object",
      additionalProperties: true,
      description:
        `MongoDB-style conditions on fields, at most ${MAX_FILTER_BYTES} bytes of JSON: $eq $ne $gt $gte $lt $lte $in $nin $exists ` +
        "$startsWith $endsWith, $contains (a part of a text, or an element of a list), $elemMatch (one element that fulfils " +
        "several), $not $and $or. A path goes through objects by dots; a dot in a key is written `\\.`, as in " +
        "`data.labels.app\\.kubernetes\\.io/name`. Numbers are compared as they are written. An event's `timestamp` is compared " +
        "as an instant, with times of ISO 8601. What could never match is refused.",
    });
}

/** A filter over events. */
export const filterField = filterOver(EVENT_FIELDS);

/** A filter over anything: its paths may start with any field. */
export const anyFilterField = filterOver(null);

/** A time as it is answered. */
export const isoTime = z.iso.datetime();

export const problem = z
  .object({
    /** Where its cause is explained. */
    type: z.string(),
    /** The cause's stable name. */
    code: z.string().openapi({ enum: Object.keys(PROBLEMS) }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    /** As in `X-Request-Id`, and in the service's log. */
    requestId: z.string().optional(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .openapi("Problem");

/** JSON content of a response or request. */
export function json<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { "application/json": { schema } } };
}

/** The JSON body that a request must have. */
export function body<T extends z.ZodType>(schema: T, example?: z.input<T>) {
  return { body: { required: true, ...jsonBody(schema, example) } };
}

/** A JSON body that may be left out. */
export function optionalBody<T extends z.ZodType>(schema: T, example?: z.input<T>) {
  return { body: { required: false, ...jsonBody(schema, example) } };
}

function jsonBody<T extends z.ZodType>(schema: T, example: z.input<T> | undefined) {
  return { content: { "application/json": { schema, ...(example === undefined ? {} : { example }) } } };
}

/** Error answers of a route, by status. */
export function problems(...statuses: number[]) {
  return Object.fromEntries(statuses.map((status) => [status, problemResponse(status, problem)]));
}

/** What the error answers of a status are called in the document. */
const TITLES: Readonly<Record<number, string>> = {
  400: "Malformed request",
  401: "Not authenticated",
  403: "Not allowed",
  404: "Not found",
  405: "Method not allowed",
  409: "Conflict",
  412: "Not what it was",
  413: "Too large",
  415: "Not JSON",
  422: "Invalid request",
  429: "Too many requests",
  500: "Internal error",
  503: "Temporarily unavailable",
};

/** An error answer of that status; without a schema it names the one that the routes' bring along. */
export function problemResponse(status: number, schema: object = { $ref: "#/components/schemas/Problem" }) {
  const description = TITLES[status] ?? "Error";
  const [code, { title }] = exampleCause(status);
  const example = {
    type: typeOf(code),
    code,
    title,
    status,
    detail: "What is wrong, in a sentence.",
    requestId: "req_01KAJ3Q8Z500W7X8Y9Z0A1B2C3",
    ...(status === 422 ? { errors: [{ path: "events.0", message: "What is wrong with this field." }] } : {}),
  };
  return { description, content: { "application/problem+json": { schema, example } } };
}

/** The first cause of a status. Throws where no cause has it. */
function exampleCause(status: number): [ProblemCode, (typeof PROBLEMS)[ProblemCode]] {
  const causes = Object.entries(PROBLEMS) as [ProblemCode, (typeof PROBLEMS)[ProblemCode]][];
  const found = causes.find(([, cause]) => cause.status === status);
  if (found === undefined) throw new Error(`no problem has the status ${status}`);
  return found;
}
