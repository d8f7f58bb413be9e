/**
 * What the document says more than once: it then stands under `components`, and is referred to. Schemas are named by
 * `named`, since the generator's own references do not fit: it forgets that one may be null, and closes objects that are
 * extended.
 * @module
 */
import type { Schema } from "./examples";

/** A schema as `named` marks it. */
interface Marked extends Schema {
  title: string;
  "x-about": string;
  description?: string;
  default?: unknown;
}

/** As much of the document as has parts to share. */
interface Whole {
  paths?: Record<string, object>;
  webhooks?: Record<string, object>;
}

interface Parameter {
  name: string;
  in: string;
}

interface Sharing {
  parameters?: (Parameter | Referring)[];
  responses?: Record<string, { content?: object } | Referring>;
}

interface Referring {
  $ref: string;
}

/** A document with references in place of what it says more than once, and what they refer to. */
export function sharing<T extends Whole>(document: T): { shared: T; components: object } {
  const schemas: Record<string, Schema> = {};
  const shared = sharedIn(document, schemas) as T;
  const operations = [shared.paths, shared.webhooks].flatMap((items) =>
    Object.values(items ?? {}).flatMap((item) => Object.values(item) as Sharing[]),
  );
  const components = {
    schemas: Object.fromEntries(Object.entries(schemas).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    parameters: sharedParameters(operations),
    responses: sharedProblems(operations),
  };
  return { shared, components };
}

/** Has each parameter that several operations take said once. */
function sharedParameters(operations: readonly Sharing[]): Record<string, object> {
  const all = operations.flatMap(({ parameters = [] }) => parameters.map((one) => JSON.stringify(one)));
  const often = [...new Set(all.filter((text, i) => all.indexOf(text) !== i))];
  const names = new Map<string, string>();
  for (const text of often) {
    const { name, in: place } = JSON.parse(text) as Parameter;
    const wanted = pascal(`${name}-${place}`);
    const taken = [...names.values()];
    names.set(text, taken.includes(wanted) ? `${wanted}${taken.length}` : wanted);
  }
  for (const operation of operations) {
    if (operation.parameters === undefined) continue;
    operation.parameters = operation.parameters.map((one) => {
      const name = names.get(JSON.stringify(one));
      return name === undefined ? one : { $ref: `#/components/parameters/${name}` };
    });
  }
  return Object.fromEntries([...names].map(([text, name]) => [name, JSON.parse(text) as object]));
}

function pascal(words: string): string {
  return words
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}

/** Has each error answer said once, under its status. */
function sharedProblems(operations: readonly Sharing[]): Record<string, object> {
  const shared: Record<string, object> = {};
  for (const { responses = {} } of operations) {
    for (const [status, response] of Object.entries(responses)) {
      if (!("content" in response) || !("application/problem+json" in (response.content ?? {}))) continue;
      shared[`Problem${status}`] = response;
      responses[status] = { $ref: `#/components/responses/Problem${status}` };
    }
  }
  return shared;
}

/** What stands in place of a named schema. */
type Reference = Schema & { description?: string; default?: unknown };

/**
 * A part of the document with references in place of its named schemas, which are put into `shared`. Pure but for that.
 * Throws when two schemas that are not the same have one name.
 */
function sharedIn(part: unknown, shared: Record<string, Schema>): unknown {
  if (Array.isArray(part)) return part.map((one) => sharedIn(one, shared));
  if (typeof part !== "object" || part === null) return part;
  const inner = Object.fromEntries(Object.entries(part).map(([name, value]) => [name, sharedIn(value, shared)]));
  return isMarked(inner) ? referenceTo(inner, shared) : inner;
}

function isMarked(value: object): value is Marked {
  return "x-about" in value && typeof value["x-about"] === "string";
}

function referenceTo(marked: Marked, shared: Record<string, Schema>): Reference {
  const { title, "x-about": about, description, default: preset, ...rest } = marked;
  const { schema, isNullable } = withoutNull(rest);
  const said = { ...schema, description: about };
  const known = shared[title];
  if (known !== undefined && JSON.stringify(known) !== JSON.stringify(said)) {
    throw new Error(`two schemas are called ${title}: ${JSON.stringify(known)} and ${JSON.stringify(said)}`);
  }
  shared[title] = said;
  const $ref = `#/components/schemas/${title}`;
  return {
    ...(isNullable ? { anyOf: [{ $ref }, { type: "null" }] } : { $ref }),
    ...(description === undefined ? {} : { description }),
    ...(preset === undefined ? {} : { default: preset }),
  };
}

/** A schema that does not allow null, and whether it did. */
function withoutNull(schema: Schema): { schema: Schema; isNullable: boolean } {
  const { type, enum: values, oneOf } = schema;
  if (oneOf?.some((one) => one.type === "null")) {
    const [only, ...more] = oneOf.filter((one) => one.type !== "null");
    const { oneOf: _, ...rest } = schema;
    return {
      schema: more.length === 0 ? { ...rest, ...only } : { ...rest, oneOf: [only as Schema, ...more] },
      isNullable: true,
    };
  }
  if (!Array.isArray(type) || !type.includes("null")) return { schema, isNullable: false };
  const [first, ...others] = type.filter((one) => one !== "null");
  const other = {
    ...schema,
    type: others.length === 0 ? first : [first as string, ...others],
    ...(values === undefined ? {} : { enum: values.filter((value) => value !== null) }),
  } as Schema;
  return { schema: other, isNullable: true };
}
