import { z } from "@hono/zod-openapi";
import type { Filter } from "../../lib/filter/filter";
import { filterErrors, MAX_FILTER_BYTES } from "../../lib/filter/filter-errors";
import { isContainer } from "../../lib/json/exact";
import { PROBLEMS, type ProblemCode, typeOf } from "../problems/problem-codes";

/**
 * Has the document say a schema once, under a name of its own, and refer to it wherever it stands: shared-parts.ts. Where
 * it stands for something in particular, `describe` says so.
 */
export function named<T extends z.ZodType>(name: string, schema: T, about: string): T {
  return schema.openapi({ title: name, "x-about": about });
}

/** The fields of a shape with what the document says of each. */
export function described<S extends z.ZodRawShape>(shape: S, about: Record<keyof S, string>): S {
  const fields = Object.entries(shape).map(([name, field]) => [name, (field as z.ZodType).describe(about[name] ?? "")]);
  return Object.fromEntries(fields) as S;
}

/** `?limit=&cursor=` of a list; the cursor is the last id of the page before. */
export function listQuery(cursor: RegExp) {
  return z.strictObject({
    limit: z
      .string()
      .regex(/^(?:[1-9]\d?|1\d\d|2[0-4]\d|250)$/, "must be a number from 1 to 250")
      .default("50")
      .transform(Number)
      .openapi({
        type: "integer",
        minimum: 1,
        maximum: 250,
        default: 50,
        description: "How many entries a page has at most.",
      }),
    cursor: z
      .string()
      .regex(cursor, "must be the nextCursor of the page before")
      .describe("The `nextCursor` of the page before.")
      .optional(),
  });
}

/** A page of a list, under a name of its own. */
export function pageShape<T extends z.ZodType>(name: string, entry: T) {
  const nextCursor = z.string().nullable().describe("The `cursor` of the next page; `null`: this is the last one.");
  return named(
    name,
    z.object({ data: z.array(entry).describe("What is on this page."), nextCursor }),
    "A page of a list.",
  );
}

/** Some of a thing's fields to be changed: at least one. */
export function changesOf<S extends z.ZodRawShape>(name: string, shape: S, about: string) {
  const some = z.strictObject(shape).partial();
  const changes = some.refine((patch) => Object.keys(patch).length > 0, {
    error: "names nothing to change",
    when: ({ issues }) => issues.length === 0,
  });
  return named(name, changes.openapi({ minProperties: 1 }), about);
}

/** Text of at most `max` characters that can be stored as it is: half a surrogate pair cannot. */
export function plainText(max: number) {
  return z
    .string()
    .max(max)
    .refine((text) => text.isWellFormed(), "must be well-formed Unicode");
}

/** `true` or `false` in a query. */
export const flag = named("Flag", z.enum(["true", "false"], { error: "must be true or false" }), "`true` or `false`.");

/** An event type's name: it travels in a header, so it is plain. */
export const eventType = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}$/, "must be 1-128 letters, digits or . _ : / -")
  .describe("An event type's name, such as `lead.hot`.");

/** What is looked for. */
export const searchText = plainText(255).trim().min(1, "must say what to look for");

/** A path to a value in data. */
export const valuePath = plainText(200).regex(
  /^(?:\\[.\\]|\\(?![.\\])|[^.\\])+(?:\.(?:\\[.\\]|\\(?![.\\])|[^.\\])+)*$/,
  "must be a path such as company.domain, with \\. for a dot in a key",
);

/** An event's data. Handlers take its text from the body, which zod would not keep to the byte. */
export const dataField = named(
  "EventData",
  z
    .custom<object>(isContainer, "must be a JSON object or array")
    .openapi({ type: ["object", "array"], items: {}, additionalProperties: true }),
  "What an event carries: any JSON object or array.",
);

/** The first ms that ISO 8601 writes with more than four digits of year. */
const YEAR_10000 = Date.UTC(10_000, 0);

/** A time as it is given: ISO 8601 with an offset or Z; becomes ms. */
export const time = z.iso
  .datetime({ offset: true, error: "must be a time such as 2026-11-21T09:30:00Z" })
  .transform((text) => Date.parse(text))
  .refine((ms) => ms >= 0 && ms < YEAR_10000, "must lie between 1970 and 9999")
  .openapi({ type: "string", format: "date-time" });

const FILTER =
  `MongoDB-style conditions on fields, at most ${MAX_FILTER_BYTES} bytes of JSON: $eq $ne $gt $gte $lt $lte $in $nin $exists ` +
  "$startsWith $endsWith, $contains (a part of a text, or an element of a list), $elemMatch (one element that fulfils " +
  "several), $not $and $or. A path goes through objects by dots; a dot in a key is written `\\.`, as in " +
  "`data.labels.app\\.kubernetes\\.io/name`. Numbers are compared as they are written. An event's `timestamp` is compared " +
  "as an instant, with times of ISO 8601. What could never match is refused.";

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
  const filter = z
    .custom<Filter>()
    .superRefine((filter, c) => {
      for (const { path, message } of filterErrors(filter, roots)) {
        c.addIssue({ code: "custom", message, path: path === "" ? [] : [path] });
      }
    })
    .openapi({ type: "object", additionalProperties: true });
  return named("Filter", filter, FILTER);
}

/** Such a filter, or none. */
export function filterOrNull(roots: readonly string[] | null) {
  // A schema that says itself what type it is must also say that it may be null: the generator does not look further.
  return filterOver(roots)
    .nullable()
    .openapi({ type: ["object", "null"] });
}

/** A filter as it is answered. */
export const filterShape = named(
  "Filter",
  z.record(z.string(), z.unknown()).openapi({ additionalProperties: true }),
  FILTER,
);

/** A time as it is answered. */
export const isoTime = z.iso.datetime();
export const createdAt = isoTime.describe("When it was made.");
export const updatedAt = isoTime.describe("When it was last changed.");

/** Something to be said of a field. */
export const fieldMessage = named(
  "FieldMessage",
  z.object({
    path: z.string().describe("The field, as `events.0`; empty: the whole."),
    message: z.string().describe("What is to be said of it, in words."),
  }),
  "What is to be said of a field.",
);

const problem = named(
  "Problem",
  z.object({
    type: z.string().describe("Where its cause is explained, relative to the service."),
    code: z.string().openapi({ enum: Object.keys(PROBLEMS), description: "The stable name of its cause." }),
    title: z.string().describe("Its cause, in a few words."),
    status: z.number().int().describe("The status of the answer."),
    detail: z.string().describe("What is wrong this time, in words that may change."),
    requestId: z.string().optional().describe("As in the answer's `X-Request-Id`, and in the service's log."),
    errors: z.array(fieldMessage).optional().describe("Each field that was refused."),
  }),
  "Why a request was refused (RFC 9457).",
);

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

const PROBLEM = "#/components/schemas/Problem";

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
export function problemResponse(status: number, schema: object = { $ref: PROBLEM }) {
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
