import type { JsonObject } from "../../lib/json/json-schema";

/** An event type as a vendor's catalog describes it. */
export interface CatalogType {
  name: string;
  title: string;
  description: string;
  group: string;
  /** Comes in such numbers that a subscriber should be warned. */
  highVolume?: boolean;
  /** Describes `data`; not enforced. */
  schema: JsonObject;
  /** A complete sample `data`. */
  sample: object;
}

/** Shorthands for the JSON Schemas of the catalogs. */
const field = (type: string) => (description: string) => ({ type, description });
export const text = field("string");
export const number = field("number");
export const integer = field("integer");
export const time = (description: string) => ({ type: "string", format: "date-time", description });
export const link = (description: string) => ({ type: "string", format: "uri", description });

/** The same field, which may be null. */
export function nullable(schema: { type: string } & JsonObject): JsonObject {
  return { ...schema, type: [schema.type, "null"] };
}

/** A list of such items. */
export function list(items: JsonObject, description: string): JsonObject {
  return { type: "array", items, description };
}

/** An object; fields whose name ends in `?` may be absent. */
export function object(fields: Record<string, JsonObject>, description?: string): JsonObject {
  const named = Object.entries(fields).map(([name, schema]) => [name.replace(/\?$/, ""), schema]);
  const required = Object.keys(fields).filter((name) => !name.endsWith("?"));
  return {
    type: "object",
    ...(description === undefined ? {} : { description }),
    properties: Object.fromEntries(named),
    ...(required.length === 0 ? {} : { required }),
  };
}
