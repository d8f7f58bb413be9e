import type { JsonObject } from "./json-schema";

/** Where a schema holds further ones, by keyword. `IN_PLACE` ones look at the same value as the schema itself. */
const IN_PLACE = ["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"];

export const SINGLE = [
  ..."not if then else contains additionalProperties unevaluatedProperties propertyNames".split(" "),
  ..."items additionalItems unevaluatedItems".split(" "),
];

export const LISTS = ["allOf", "anyOf", "oneOf", "prefixItems", "items"];

export const MAPS = ["$defs", "definitions", "properties", "patternProperties", "dependentSchemas", "dependencies"];

/** A schema inside the schema, and the ones that look at the same value as it does. */
export interface Place {
  path: string;
  inPlace: JsonObject[];
}

export function collect(schema: unknown, path: string[], places: Map<JsonObject, Place>): void {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return;
  const node = schema as JsonObject;
  const place: Place = { path: path.join("."), inPlace: [] };
  places.set(node, place);
  for (const keyword of new Set([...SINGLE, ...LISTS, ...MAPS])) {
    for (const [keys, sub] of innerSchemas(keyword, node[keyword])) {
      collect(sub, [...path, keyword, ...keys], places);
      if (IN_PLACE.includes(keyword) && places.has(sub as JsonObject)) place.inPlace.push(sub as JsonObject);
    }
  }
}

/** The schemas that a keyword holds, each with its path below the keyword. */
function innerSchemas(keyword: string, value: unknown): [path: string[], schema: unknown][] {
  if (typeof value !== "object" || value === null) return [];
  const many = MAPS.includes(keyword) || Array.isArray(value);
  return many ? Object.entries(value).map(([key, schema]) => [[key], schema]) : [[[], value]];
}

/** A schema and all that it holds, each after the one that holds it. */
export function nodesOf(schema: unknown): JsonObject[] {
  const places = new Map<JsonObject, Place>();
  collect(schema, [], places);
  return [...places.keys()];
}
