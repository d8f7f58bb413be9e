import { env } from "cloudflare:workers";
import { describe, it, onTestFinished, vi } from "vitest";
import { schemaErrors } from "../../src/accept/schemas";
import { compile, type JsonObject } from "../../src/lib/json/json-schema";
import { checkSchema } from "../../src/lib/json/json-schema-check";
import { call, fresh, newEndpoint, newReceiver, newTenant, post } from "../lib/api";

const schema = {
  type: "object",
  properties: {
    company: {
      type: "object",
      properties: { domain: { type: "string", minLength: 3 }, size: { type: "integer" } },
      required: ["domain"],
      additionalProperties: false,
    },
    tags: { type: "array", items: { type: "string" } },
  },
  required: ["company"],
};

/** A type that enforces the schema. */
async function enforced(fields: object = {}): Promise<string> {
  const name = fresh("typed");
  const answer = await call("PUT", `/v1/event-types/${name}`, { schema, enforce: true, ...fields });
  if (answer.status !== 201) throw new Error(answer.text);
  return name;
}

function errorsOf(event: string, data: unknown) {
  return schemaErrors(env.DB, event, () => data, Date.now());
}

describe("an enforced schema", () => {
  it("refuses an event, naming each place, and nothing is written or sent", async ({ expect }) => {
    const [event, tenant, receiver] = [await enforced(), await newTenant(), await newReceiver()];
    await newEndpoint(tenant, receiver.url);
    const data = { company: { domain: "x", size: 1.5, "a/b~c d": 1 }, tags: ["a", 5] };
    const key = { "Idempotency-Key": "once" };
    const refused = await call("POST", `/v1/tenants/${tenant}/events`, { event, data }, key);
    expect(refused.status).toBe(422);
    expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
    expect(refused.body.errors).toEqual([
      { path: "data.company.domain", message: expect.stringContaining("too short") },
      { path: "data.company.size", message: "must be of type integer" },
      { path: "data.company.a/b~c d", message: "is not allowed" },
      { path: "data.tags.1", message: "must be of type string" },
    ]);
    // The key is still unused: had anything been written, another body under it would be refused.
    const good = { event, data: { company: { domain: "acme.com" } } };
    const accepted = await call("POST", `/v1/tenants/${tenant}/events`, good, key);
    expect(accepted.status).toBe(202);
    expect(accepted.body.deliveries).toHaveLength(1);
    expect(await receiver.arrived()).toHaveLength(1);
  });

  it.for([
    [{}, ["data.company"]],
    [[], ["data"]],
    [{ company: {} }, ["data.company.domain"]],
    [{ company: null }, ["data.company"]],
    [{ company: { domain: "acme.com" }, more: true }, []],
  ] as [object, string[]][])("tells of %j where it fails: %j", async ([data, paths], { expect }) => {
    expect((await errorsOf(await enforced(), data)).map(({ path }) => path)).toEqual(paths);
  });

  it("holds for no other event, and not before it is enforced", async ({ expect }) => {
    const tenant = await newTenant();
    await enforced();
    const described = await enforced({ enforce: false });
    for (const event of ["lead.hot", described]) {
      expect(await post(tenant, event, { company: 5 })).toMatchObject({ event });
    }
  });

  it("does not even read the data of types that enforce none", async ({ expect }) => {
    const read = vi.fn(() => ({}));
    const now = Date.now();
    await schemaErrors(env.DB, await enforced({ enforce: false }), read, now);
    await schemaErrors(env.DB, "unheard.of", read, now);
    expect(read).not.toHaveBeenCalled();
    await schemaErrors(env.DB, await enforced(), read, now);
    expect(read).toHaveBeenCalledOnce();
  });

  it("shows each change at once in the same isolate", async ({ expect }) => {
    const tenant = await newTenant();
    const event = await enforced();
    const path = `/v1/event-types/${event}`;
    const send = async () => (await call("POST", `/v1/tenants/${tenant}/events`, { event, data: { a: 1 } })).status;
    expect(await send()).toBe(422);
    await call("PATCH", path, { enforce: false });
    expect(await send()).toBe(202);
    await call("PATCH", path, { enforce: true });
    expect(await send()).toBe(422);
    await call("PATCH", path, { schema: { required: ["a"] } });
    expect(await send()).toBe(202);
    await call("PUT", path, { schema: { required: ["b"] }, enforce: true });
    expect(await send()).toBe(422);
    await call("DELETE", path);
    expect(await send()).toBe(202);
  });

  it("that was changed elsewhere is known within 5 seconds, without a read per event", async ({ expect }) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const event = await enforced();
    expect(await errorsOf(event, {})).toHaveLength(1);
    await env.DB.prepare("UPDATE event_types SET enforce = 0 WHERE name = ?").bind(event).run();
    vi.advanceTimersByTime(4_999);
    expect(await errorsOf(event, {})).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(await errorsOf(event, {})).toEqual([]);
  });

  it("never throws: data too deep for it passes, and is logged", async ({ expect }) => {
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => logged.mockRestore());
    const event = await enforced({ schema: { additionalProperties: { $ref: "#" } } });
    let data: object = {};
    for (let i = 0; i < 100_000; i++) data = { a: data };
    expect(await errorsOf(event, data)).toEqual([]);
    expect(logged.mock.calls.flat().join()).toContain("event.schema.failed");
  });

  it("refuses huge data with its first error, and small data with up to fifty", async ({ expect }) => {
    const event = await enforced({ schema: { items: { type: "string" }, additionalProperties: { type: "string" } } });
    expect(await errorsOf(event, Array(400_000).fill(1))).toEqual([
      { path: "data.0", message: "must be of type string" },
    ]);
    const wide = Object.fromEntries(Array.from({ length: 150_000 }, (_, i) => [`k${i}`, i]));
    expect((await errorsOf(event, wide))[0]).toEqual({ path: "data.k0", message: "must be of type string" });
    expect(await errorsOf(event, Array(1_000).fill(1))).toHaveLength(50);
    // More errors than the validator can carry upwards.
    const nested = await enforced({ schema: { properties: { a: { additionalProperties: { type: "string" } } } } });
    expect((await errorsOf(nested, { a: wide })).map(({ path }) => path)).toEqual(["data"]);
  });

  const list = (length: number, item: (i: number) => unknown = (i) => i) => Array.from({ length }, (_, i) => item(i));
  const doubling = Object.fromEntries(
    list(30, (i) => [`n${i}`, { allOf: list(2, () => ({ $ref: `#/$defs/n${Number(i) + 1}` })) }]) as [string, object][],
  );
  it.for([
    ["items that are to be unique", { uniqueItems: true }, list(400_000)],
    ["lists that are to be unique", { uniqueItems: true }, list(5_000, (i) => [i])],
    ["a long enumeration", { items: { enum: list(5_000, (i) => -Number(i)) } }, list(300_000, () => -4_999)],
    ["an enumeration of objects", { items: { enum: [{ a: list(3_000) }] } }, list(4_000, () => ({ a: list(3_000) }))],
    ["a pattern on a long text", { items: { pattern: "\\s+$" } }, [" ".repeat(500_000).concat("x")]],
    [
      "patterns for many names",
      { patternProperties: { "^x": {} } },
      Object.fromEntries(list(5_000, (i) => [i, i]) as []),
    ],
    ["references that double", { $ref: "#/$defs/n0", $defs: { ...doubling, n30: {} } }, {}],
  ] as [string, JsonObject, object][])(
    "costs so much at most: of %s it lets pass what would be more",
    async ([, schema, data], { expect }) => {
      const logged = vi.spyOn(console, "error").mockImplementation(() => {});
      onTestFinished(() => logged.mockRestore());
      expect(await errorsOf(await enforced({ schema }), data)).toEqual([]);
      expect(logged.mock.calls.flat().join()).toContain("event.schema.failed");
    },
  );

  it.for([
    [{ uniqueItems: true }, list(2_000), []],
    [{ uniqueItems: true }, [...list(1_999), 0], ["data"]],
    [{ uniqueItems: true, maxItems: 1 }, [{ a: 1 }, { a: 1 }], ["data", "data"]],
    // All errors would cost too much: the first one is told.
    [{ items: { enum: list(5_000) } }, list(5_000, () => -1), ["data.0"]],
    [{ items: { enum: list(100) } }, list(60_000, (i) => Number(i) % 100), []],
    [{ items: { enum: list(100) } }, [...list(100), 100], ["data.100"]],
    [{ items: { pattern: "^a+$" } }, ["a".repeat(4_000), "b"], ["data.1"]],
    [{ properties: { a: { uniqueItems: true } }, allOf: [{ required: ["b"] }] }, { a: [1, 1] }, ["data.b", "data.a"]],
    [{ patternProperties: { "^x": false } }, { xy: 1, y: 2 }, ["data.xy"]],
  ] as [JsonObject, object, string[]][])(
    "within that means what it says: %j",
    async ([schema, data, paths], { expect }) => {
      const found = await errorsOf(await enforced({ schema }), data);
      expect(found.map(({ path }) => path)).toEqual(paths);
    },
  );

  it("refuses names that are not well-formed, which it could not point at", async ({ expect }) => {
    const event = await enforced({ schema: { additionalProperties: { type: "string" } } });
    expect(await errorsOf(event, { "\ud800": 1 })).toEqual([
      { path: "data", message: expect.stringContaining("Unicode") },
    ]);
  });
});

describe("what is told of a value", () => {
  const told = (schema: JsonObject, value: unknown) => compile(JSON.stringify(schema))(value);

  it("is what the alternatives come to, not each one's complaints", ({ expect }) => {
    const schema = {
      properties: {
        a: { anyOf: [{ type: "string" }, false] },
        b: { type: "number" },
        c: { oneOf: [{ type: "null" }] },
      },
    };
    expect(told(schema, { a: 1, b: "x", c: 2 }).map(({ path }) => path)).toEqual(["a", "b", "c"]);
  });

  it("follows references, and conditions", ({ expect }) => {
    const schema = {
      $defs: { id: { type: "string", pattern: "^x" } },
      properties: { id: { $ref: "#/$defs/id" } },
      if: { required: ["paid"] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { required: ["amount"] },
    };
    expect(told(schema, { id: "y", paid: true })).toEqual([
      { path: "amount", message: "is required" },
      { path: "id", message: "does not match pattern" },
    ]);
  });
});

describe("a schema", () => {
  it.for([
    {},
    { $schema: "https://json-schema.org/draft/2020-12/schema", type: ["string", "null"] },
    {
      $schema: "http://json-schema.org/draft-07/schema#",
      definitions: { a: true },
      items: [{ $ref: "#/definitions/a" }],
    },
    { $id: "https://example.com/order", $defs: { a: { $anchor: "a" } }, properties: { b: { $ref: "#a" } } },
    { properties: { child: { $ref: "#" } } },
    { properties: { id: { type: "string" }, $ref: { type: "string" }, enum: { const: 1 } } },
    { dependencies: { a: ["b"], c: { required: ["d"] } }, "x-owner": "us", examples: [{ a: 1 }] },
  ] as JsonObject[])("may be %j", (schema, { expect }) => {
    expect(checkSchema(schema)).toEqual([]);
  });

  it.for([
    [{ type: "text" }, "type"],
    [{ type: [] }, "type"],
    [{ properties: [] }, "properties"],
    [{ properties: { a: { minimum: "1" } } }, "properties.a.minimum"],
    [{ properties: { a: 5 } }, "properties.a"],
    [{ items: { anyOf: [{ required: "a" }] } }, "items.anyOf.0.required"],
    [{ pattern: "(" }, "pattern"],
    [{ patternProperties: { "(": {} } }, "patternProperties.("],
    [{ $schema: "http://json-schema.org/draft-04/schema#" }, "$schema"],
    [{ $ref: "https://example.com/schema" }, "$ref"],
    [{ properties: { a: { $ref: "#/$defs/a" } } }, "properties.a.$ref"],
    [{ properties: { a: { $ref: "other.json" } } }, "properties.a.$ref"],
    [{ items: { $dynamicRef: "#a" } }, "items.$dynamicRef"],
    [{ items: { $recursiveRef: "#" } }, "items.$recursiveRef"],
    [{ $ref: "#" }, ""],
    [{ $defs: { a: { allOf: [{ $ref: "#/$defs/b" }] }, b: { not: { $ref: "#/$defs/a" } } } }, "$defs.a"],
    [{ $id: "https://[", type: "object" }, ""],
  ] as [JsonObject, string][])("may not be %j, which is told at %j", ([schema, path], { expect }) => {
    expect(checkSchema(schema).map((error) => error.path)).toEqual([path]);
  });

  it("may not be longer than 65536 characters", ({ expect }) => {
    const ofLength = (length: number) => ({ title: "x".repeat(length - '{"title":""}'.length) });
    expect(checkSchema(ofLength(65_536))).toEqual([]);
    expect(checkSchema(ofLength(65_537))).toEqual([{ path: "", message: expect.stringContaining("65536") }]);
  });

  it("may not be so deep that nobody can walk it", ({ expect }) => {
    let schema: JsonObject = {};
    for (let i = 0; i < 6_000; i++) schema = { not: schema };
    expect(checkSchema(schema)).toEqual([{ path: "", message: "is nested too deeply" }]);
  });
});
