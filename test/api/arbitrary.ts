import fc from "fast-check";
import { resolve } from "./operations";

// biome-ignore lint/suspicious/noExplicitAny: JSON Schemas as the document has them
type Json = any;

/** Text that trips what takes text for granted. */
export const oddText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    "",
    " ",
    "\u0000",
    "\ud800",
    "__proto__",
    "constructor",
    "toString",
    "..",
    "a/b",
    "'; DROP TABLE tenants; --",
    "-1",
    "1e309",
    "NaN",
    "null",
    "true",
    "2026-02-30T25:61:00Z",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999+14:00",
    "evt_00000000000000000000000000",
    "dlv_7ZZZZZZZZZZZZZZZZZZZZZZZZZ999",
    "ep_ZZZZZZZZZZZZZZZZZZZZZZZZZZ",
    "javascript:alert(1)",
    "http://[::1",
    "\u202e\ufeff",
    "a".repeat(5_000),
  ),
);

/** Values of a type that is not asked for, or far beyond what is. */
const odd: fc.Arbitrary<unknown> = fc.oneof(
  oddText,
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 2 ** 53, -0, 1e308, [], {}, [null], [[]], { $gt: 1 }, { $ref: "#" }),
  fc.constantFrom<unknown>(
    nested(50),
    nested(2_000),
    { $not: filter(300) },
    "x".repeat(70_000),
    Array(1_000).fill("x"),
  ),
  fc.constant(Object.fromEntries([...Array(500).keys()].map((i) => [`k${i}`, i]))),
  fc.jsonValue(),
);

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

function filter(depth: number): unknown {
  let value: unknown = { "data.a": 1 };
  for (let i = 0; i < depth; i++) value = { $and: [value] };
  return value;
}

/** Values that a schema of the document allows, or nearly: `known` has what stands under some names. */
export function arbitraryOf(
  schema: Json,
  document: Json,
  known: ReadonlyMap<string, string>,
  name = "",
): fc.Arbitrary<unknown> {
  const of = (inner: Json, under = name) => arbitraryOf(inner, document, known, under);
  const { type, ...rest } = resolve(document, schema);
  const likely = known.get(name);
  if (likely !== undefined && (type === "string" || type?.includes?.("string"))) {
    return fc.oneof({ weight: 4, arbitrary: fc.constant(likely) }, oddText);
  }
  if (Array.isArray(type)) return fc.oneof(...type.map((one: string) => of({ ...rest, type: one })));
  if ("const" in rest) return fc.constant(rest.const);
  if (rest.enum) return fc.constantFrom(...rest.enum);
  const options = rest.anyOf ?? rest.oneOf;
  if (options) return fc.oneof(...options.map((one: Json) => of(one)));
  if (rest.allOf)
    return fc.tuple(...rest.allOf.map((one: Json) => of(one))).map((parts) => Object.assign({}, ...parts));
  switch (type) {
    case "object":
      return objects(rest, of);
    case "array": {
      const { minItems = 0, maxItems = 10 } = rest;
      return fc.array(rest.items ? of(rest.items) : fc.jsonValue(), {
        minLength: minItems,
        maxLength: Math.min(maxItems, 5),
      });
    }
    case "string":
      return texts(rest);
    case "integer":
      return fc.integer({ min: rest.minimum ?? -(2 ** 31), max: rest.maximum ?? 2 ** 31 });
    case "number":
      return fc.double({ noNaN: true, noDefaultInfinity: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default:
      return fc.jsonValue();
  }
}

function objects(schema: Json, of: (inner: Json, under: string) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties } = schema;
  const fields = Object.entries(properties).map(([key, inner]) => [key, of(inner, key)]);
  const record = fc.record<Record<string, unknown>>(Object.fromEntries(fields), { requiredKeys: required });
  if (additionalProperties === false || fields.length > 0) return record;
  const values = typeof additionalProperties === "object" ? of(additionalProperties, "") : fc.jsonValue();
  return fc.oneof(fc.dictionary(fc.string({ maxLength: 10 }), values, { maxKeys: 4 }), fc.constant(filter(2)));
}

function texts({ pattern, format, minLength = 0, maxLength = 100 }: Json): fc.Arbitrary<string> {
  if (format === "date-time") {
    return fc
      .date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true })
      .map((date) => date.toISOString());
  }
  if (pattern !== undefined) {
    try {
      return fc.stringMatching(new RegExp(pattern)).filter((text) => text.length <= maxLength);
    } catch {
      // fast-check knows no lookaheads.
    }
  }
  return fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, 40)) });
}

/** Such values, each with a few places changed: another type, missing, or one too many. */
export function mutated(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const change = fc.record({
    at: fc.nat(),
    how: fc.constantFrom("replace", "remove", "add"),
    value: odd,
    key: oddText,
  });
  return fc.tuple(values, fc.array(change, { minLength: 1, maxLength: 3 })).map(([value, changes]) => {
    const box = { value: structuredClone(value) };
    for (const { at, how, value: shared, key } of changes) {
      // A copy: the next change may be to it.
      const value = structuredClone(shared);
      const places = placesIn(box);
      const [holder, name] = places[at % places.length] as [Json, string];
      if (how === "replace") holder[name] = value;
      else if (how === "remove" && holder !== box && !Array.isArray(holder)) delete holder[name];
      else if (typeof holder[name] === "object" && holder[name] !== null) define(holder[name], key, value);
    }
    return box.value;
  });
}

/** Every place in a value where something stands, as its holder and the name there. */
function placesIn(holder: Json, depth = 0): [Json, string][] {
  if (typeof holder !== "object" || holder === null || depth > 4) return [];
  return Object.keys(holder)
    .slice(0, 30)
    .flatMap((name) => [[holder, name] as [Json, string], ...placesIn(holder[name], depth + 1)]);
}

/** Also `__proto__` becomes a field like any other. */
function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}
