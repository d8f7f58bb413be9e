import { type Schema, type SchemaDraft, Validator } from "@cfworker/json-schema";
import { Doubles } from "./doubles";
import {
  checkWith,
  DEFAULT_DRAFT,
  DRAFTS,
  draftOf,
  type JsonObject,
  MAX_SCHEMA_LENGTH,
  type SchemaError,
} from "./json-schema";
import { collect, LISTS, MAPS, type Place, SINGLE } from "./json-schema-places";

/** They depend on the path that validation took, which the validator does not follow. */
const UNSUPPORTED = ["$dynamicRef", "$recursiveRef"];

const self = { $ref: "#" };

const selves = { type: "array", items: self, minItems: 1 };

const names = { type: "array", items: { type: "string" } };

const count = { type: "integer", minimum: 0 };

const typeName = { enum: ["array", "boolean", "integer", "null", "number", "object", "string"] };

export const text = { type: "string" };

// biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
const listOr = (list: object, other: object) => ({ if: { type: "array" }, then: list, else: other });

const each = (keywords: readonly string[], schema: object) => keywords.map((keyword) => [keyword, schema]);

/** What a schema looks like: the shapes of the keywords that the validator reads. Others are annotations. */
const META: Schema = {
  type: ["object", "boolean"],
  properties: Object.fromEntries([
    ...each(SINGLE, self),
    ...each(LISTS, selves),
    ...each(MAPS, { type: "object", additionalProperties: self }),
    ["items", listOr(selves, self)],
    ["dependencies", { type: "object", additionalProperties: listOr(names, self) }],
    ["patternProperties", { type: "object", propertyNames: { format: "regex" }, additionalProperties: self }],
    ["type", listOr({ items: typeName, minItems: 1 }, typeName)],
    ["enum", { type: "array" }],
    ["required", names],
    ["dependentRequired", { type: "object", additionalProperties: names }],
    ["pattern", { type: "string", format: "regex" }],
    ["multipleOf", { type: "number", exclusiveMinimum: 0 }],
    ["uniqueItems", { type: "boolean" }],
    ...each(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], { type: "number" }),
    ...each("minLength maxLength minItems maxItems minProperties maxProperties".split(" "), count),
    ...each(["minContains", "maxContains"], count),
    ...each(["$id", "$ref", "$anchor", "$comment", "$schema", "format", "title", "description"], text),
  ]),
};

const meta = new Validator(META, DEFAULT_DRAFT);

const metaInFull = new Validator(META, DEFAULT_DRAFT, false);

/** What makes a schema unusable, `[]` when nothing does: shapes, patterns, references that lead out of it or in circles. */
export function checkSchema(schema: JsonObject): SchemaError[] {
  try {
    if (JSON.stringify(schema).length > MAX_SCHEMA_LENGTH) {
      return [{ path: "", message: `must have at most ${MAX_SCHEMA_LENGTH} characters` }];
    }
    const plain = new Doubles([schema]).of(schema) as JsonObject;
    const shape = checkWith(meta, metaInFull)(plain);
    if (shape.length > 0) return shape;
    const draft = draftOf(plain);
    if (draft === undefined) {
      return [{ path: "$schema", message: `must be absent or one of ${[...DRAFTS.keys()].join(", ")}` }];
    }
    return checkReferences(structuredClone(plain), draft);
  } catch (error) {
    if (error instanceof RangeError) return [{ path: "", message: "is nested too deeply" }];
    return [{ path: "", message: `cannot be used: ${error instanceof Error ? error.message : error}` }];
  }
}

function checkReferences(schema: JsonObject, draft: SchemaDraft): SchemaError[] {
  const { lookup } = new Validator(schema, draft) as unknown as { lookup: Record<string, unknown> };
  const places = new Map<JsonObject, Place>();
  collect(schema, [], places);
  const errors: SchemaError[] = [];
  for (const [node, place] of places) {
    for (const keyword of UNSUPPORTED) {
      if (node[keyword] === undefined) continue;
      errors.push({ path: joined(place.path, keyword), message: "is not supported: use $ref" });
    }
    if (node.$ref === undefined) continue;
    const target = lookup[node.__absolute_ref__ as string];
    if (typeof target === "boolean") continue;
    if (places.has(target as JsonObject)) place.inPlace.push(target as JsonObject);
    else errors.push({ path: joined(place.path, "$ref"), message: "must lead to a schema inside this one" });
  }
  if (errors.length > 0) return errors;
  const circle = findCircle(places);
  return circle === null
    ? []
    : [{ path: circle, message: "refers to itself without looking any further into the data" }];
}

function joined(path: string, keyword: string): string {
  return path === "" ? keyword : `${path}.${keyword}`;
}

/** The path of a schema that comes back to itself without consuming any of the value: validating would never end. */
function findCircle(places: ReadonlyMap<JsonObject, Place>): string | null {
  const done = new Set<JsonObject>();
  const open = new Set<JsonObject>();
  const visit = (node: JsonObject): string | null => {
    if (open.has(node)) return places.get(node)?.path ?? "";
    if (done.has(node)) return null;
    open.add(node);
    for (const next of places.get(node)?.inPlace ?? []) {
      const circle = visit(next);
      if (circle !== null) return circle;
    }
    open.delete(node);
    done.add(node);
    return null;
  };
  for (const node of places.keys()) {
    const circle = visit(node);
    if (circle !== null) return circle;
  }
  return null;
}
