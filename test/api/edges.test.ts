/** Every limit that the document tells of a field in a body: at it a value is taken, one beyond it is refused by its name. */
import { describe, it } from "vitest";
import { type Answered, call } from "../lib/api";
import { type Operation, operationsOf, resolve, theDocument } from "./operations";
import { newWorld, pathIn } from "./world";

// biome-ignore lint/suspicious/noExplicitAny: JSON Schemas as the document has them
type Json = any;

const document = await theDocument();
const operations = operationsOf(document).filter(({ body }) => body !== null);

/** A field's limit: what it is called, and values at it and beyond it. */
interface Edge {
  field: string;
  limit: string;
  at: unknown;
  beyond: unknown;
}

function textOf(field: string, length: number): string {
  const head = field === "url" ? "https://hooks.example.com/" : field === "path" ? "/" : "";
  return head + "x".repeat(length - head.length);
}

/** So many items like the first of the example; texts are each another. */
function itemsOf([first]: Json[], count: number): Json[] {
  return Array.from({ length: count }, (_, i) => (typeof first === "string" ? `${first}${i}` : first));
}

function edgesOf({ body }: Operation): Edge[] {
  const { properties = {} } = resolve(document, body?.schema);
  return Object.entries<Json>(properties).flatMap(([field, unresolved]) => {
    const { maxLength, pattern, format, maxItems, minItems, minimum, maximum } = resolve(document, unresolved);
    const edge = (limit: string, at: unknown, beyond: unknown) => ({ field, limit, at, beyond });
    const example = body?.example?.[field] ?? [];
    return [
      // What a pattern allows is its own matter.
      ...(maxLength === undefined || (pattern ?? format) !== undefined
        ? []
        : [edge("maxLength", textOf(field, maxLength), textOf(field, maxLength + 1))]),
      ...(maxItems === undefined || example.length === 0
        ? []
        : [edge("maxItems", itemsOf(example, maxItems), itemsOf(example, maxItems + 1))]),
      ...(minItems === undefined || minItems === 0 || example.length === 0
        ? []
        : [edge("minItems", itemsOf(example, minItems), itemsOf(example, minItems - 1))]),
      ...(minimum === undefined ? [] : [edge("minimum", minimum, minimum - 1)]),
      ...(maximum === undefined ? [] : [edge("maximum", maximum, maximum + 1)]),
    ];
  });
}

/** Whether an answer refuses the field, or something in it. */
function refuses({ status, body }: Answered, field: string): boolean {
  const errors: { path: string }[] = body?.errors ?? [];
  return status === 422 && errors.some(({ path }) => path === field || path.startsWith(`${field}.`));
}

const EDGES = operations.flatMap((operation) => edgesOf(operation).map((edge) => ({ ...edge, operation })));

describe("a field of a body", () => {
  it("has limits that the document tells", ({ expect }) => {
    expect(new Set(EDGES.map(({ limit }) => limit))).toEqual(
      new Set(["maxLength", "maxItems", "minItems", "minimum", "maximum"]),
    );
    expect(EDGES.length).toBeGreaterThan(40);
  });

  it.for(EDGES.map((edge) => [`${edge.operation.id} ${edge.field} ${edge.limit}`, edge] as const))(
    "is taken at its limit, and refused one beyond it: %s",
    async ([, { operation, field, at, beyond }], { expect }) => {
      const world = await newWorld();
      // As the example of an automation has it.
      await call("PATCH", `/v1/tenants/${world.tenant}/endpoints/${world.endpoint}`, { uid: "crm" });
      const send = (value: unknown) =>
        call(operation.method, pathIn(world, operation), { ...operation.body?.example, [field]: value });
      const refused = await send(beyond);
      expect([refused.status, refuses(refused, field)]).toEqual([422, true]);
      const taken = await send(at);
      expect([
        refuses(taken, field),
        taken.status < 500 && ![400, 413].includes(taken.status) ? "" : taken.text,
      ]).toEqual([false, ""]);
    },
  );
});
