import { describe, it } from "vitest";
import { call, newReceiver } from "../lib/api";
import { operationsOf, theDocument } from "./operations";
import { newWorld, pathIn, type World } from "./world";

const operations = operationsOf(await theDocument());
const changes = operations.filter(({ method, path }) => {
  const read = operations.some((other) => other.path === path && other.method === "GET");
  return read && ["PUT", "PATCH", "DELETE"].includes(method);
});

/** Two bodies for each operation that changes something. */
const BODIES: Record<string, [object, object]> = {
  updateEndpoint: [{ name: "one" }, { name: "two" }],
  updateSegment: [{ name: "one" }, { name: "two" }],
  updateAutomation: [{ name: "one" }, { name: "two" }],
  updateSignal: [{ name: "one" }, { name: "two" }],
  updateList: [{ items: ["one"] }, { items: ["two"] }],
  putTenant: [{ name: "one" }, { name: "two" }],
  updateTenant: [{ name: "one" }, { name: "two" }],
  putEventType: [{ title: "one" }, { title: "two" }],
  updateEventType: [{ title: "one" }, { title: "two" }],
};
const DELETIONS = [
  "deleteEndpoint",
  "deleteSegment",
  "deleteAutomation",
  "deleteSignal",
  "deleteList",
  "deletePortalLink",
  "deleteTenant",
  "deleteEventType",
];

const at = (world: World, id: string) =>
  pathIn(world, operations.find((one) => one.id === id) as (typeof operations)[number]);
const methodOf = (id: string) => operations.find((one) => one.id === id)?.method ?? "";

describe("a change that names what it has read", () => {
  it("is one of these operations, each of which says so", ({ expect }) => {
    expect(changes.map(({ id }) => id).toSorted()).toEqual(
      [...Object.keys(BODIES), ...DELETIONS, "cancelRecovery"].toSorted(),
    );
    for (const { id, parameters, responses } of changes) {
      expect(
        parameters.map(({ name }) => name),
        id,
      ).toContain("If-Match");
      expect(Object.keys(responses), id).toContain("412");
    }
  });

  it.for(Object.entries(BODIES))(
    "%s: is made on that only, and answers what it is now",
    async ([id, [one, two]], { expect }) => {
      const world = await newWorld();
      const path = at(world, id);
      const method = methodOf(id);
      const first = (await call("GET", path)).headers.get("ETag") ?? "";
      expect(first).toMatch(/^"[\w-]{22}"$/);
      expect((await call("GET", path)).headers.get("ETag")).toBe(first);
      const made = await call(method, path, one, { "If-Match": first });
      expect(made.status, made.text).toBe(200);
      const second = (await call("GET", path)).headers.get("ETag");
      expect(made.headers.get("ETag")).toBe(second);
      expect(second).not.toBe(first);
      const before = (await call("GET", path)).text;
      const stale = await call(method, path, two, { "If-Match": first });
      expect([stale.status, stale.body.code, stale.headers.get("ETag")]).toEqual([412, "precondition-failed", second]);
      expect((await call("GET", path)).text).toBe(before);
      expect((await call(method, path, two, { "If-Match": `"x", W/${second}` })).status).toBe(200);
      expect((await call(method, path, one, { "If-Match": "*" })).status).toBe(200);
    },
  );

  it.for(Object.entries(BODIES))("%s: is made once of ten at once", async ([id, [one]], { expect }) => {
    const world = await newWorld();
    const path = at(world, id);
    const tag = (await call("GET", path)).headers.get("ETag") ?? "";
    const key = Object.keys(one)[0] as string;
    const bodies = Array.from({ length: 10 }, (_, i) => ({ [key]: key === "items" ? [`n${i}`] : `n${i}` }));
    const answers = await Promise.all(bodies.map((body) => call(methodOf(id), path, body, { "If-Match": tag })));
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([200, ...Array(9).fill(412)]);
    const won = answers.findIndex(({ status }) => status === 200);
    expect((await call("GET", path)).body[key]).toEqual(bodies[won]?.[key]);
  });

  it("is held against what it lies in where nothing is read at its path", async ({ expect }) => {
    const world = await newWorld();
    for (const [id, thing] of [
      ["putListItem", "getList"],
      ["deleteListItem", "getList"],
      ["eraseEventContent", "getEvent"],
      ["deleteKey", "getTenant"],
    ] as const) {
      const [path, around] = [at(world, id), at(world, thing)];
      const before = (await call("GET", around)).text;
      const stale = await call(methodOf(id), path, undefined, { "If-Match": '"of-another-time"' });
      expect([id, stale.status, stale.body.code]).toEqual([id, 412, "precondition-failed"]);
      expect((await call("GET", around)).text).toBe(before);
      const tag = (await call("GET", around)).headers.get("ETag") ?? "";
      const made = await call(methodOf(id), path, undefined, { "If-Match": tag });
      expect([200, 201, 204], made.text).toContain(made.status);
    }
  });

  it.for(DELETIONS)("%s: deletes that only", async (id, { expect }) => {
    const world = await newWorld();
    // What is used is not deleted, whatever it is.
    const path = at(world, id);
    const stale = await call("DELETE", path, undefined, { "If-Match": '"of-another-time"' });
    expect([stale.status, stale.body.code]).toEqual([412, "precondition-failed"]);
    const tag = (await call("GET", path)).headers.get("ETag") ?? "";
    expect((await call("DELETE", path, undefined, { "If-Match": tag })).status).toBe(204);
    const status = (await call("DELETE", path, undefined, { "If-Match": tag })).status;
    expect([404, 412]).toContain(status);
  });

  it("creates nothing that was not there", async ({ expect }) => {
    for (const path of ["/v1/tenants/not-there-yet", "/v1/event-types/not.there.yet"]) {
      const answer = await call("PUT", path, path.includes("tenants") ? { name: "a" } : {}, { "If-Match": "*" });
      expect([answer.status, answer.body.code], path).toEqual([412, "precondition-failed"]);
      expect((await call("GET", path)).status).toBe(404);
    }
  });
});

describe("what is read", () => {
  it("has a tag, and is not sent again to whoever has it", async ({ expect }) => {
    const world = await newWorld();
    for (const { id, path, method, parameters } of operations) {
      if (method !== "GET" || !path.startsWith("/v1/tenants") || path.endsWith("/stats") || path.endsWith("/search"))
        continue;
      expect(
        parameters.filter(({ required, in: where }) => required && where === "query"),
        id,
      ).toEqual([]);
      const first = await call("GET", pathIn(world, { path } as (typeof operations)[number]));
      expect(first.status, id).toBe(200);
      const tag = first.headers.get("ETag") ?? "";
      expect(tag, id).toMatch(/^"[\w-]{22}"$/);
    }
    const segment = at(world, "getSegment");
    const tag = (await call("GET", segment)).headers.get("ETag") ?? "";
    const again = await call("GET", segment, undefined, { "If-None-Match": tag });
    expect([again.status, again.text, again.headers.get("ETag")]).toEqual([304, "", tag]);
  });
});

describe("a PATCH of an endpoint", () => {
  it("merges headers and metadata: what is not named stays, and null takes away", async ({ expect }) => {
    const world = await newWorld();
    const { url } = await newReceiver();
    const fields = { url, events: [], headers: { "X-A": "1", "X-B": "2" }, metadata: { a: "1", b: "2" } };
    const { body } = await call("POST", `/v1/tenants/${world.tenant}/endpoints`, fields);
    const path = `/v1/tenants/${world.tenant}/endpoints/${body.id}`;
    const table: [object, object, object][] = [
      [{ metadata: { c: "3" } }, { a: "1", b: "2", c: "3" }, { "X-A": "***", "X-B": "***" }],
      [{ metadata: { a: null, none: null } }, { b: "2", c: "3" }, { "X-A": "***", "X-B": "***" }],
      [{ headers: { "x-a": null, "X-C": "3" } }, { b: "2", c: "3" }, { "X-B": "***", "X-C": "***" }],
      [{ headers: { "x-b": "4" } }, { b: "2", c: "3" }, { "X-C": "***", "x-b": "***" }],
      [
        { headers: {}, metadata: {} },
        { b: "2", c: "3" },
        { "X-C": "***", "x-b": "***" },
      ],
      [{ headers: null, metadata: null }, {}, {}],
    ];
    for (const [patch, metadata, headers] of table) {
      const answer = await call("PATCH", path, patch);
      expect([answer.status, answer.body.metadata, answer.body.headers], JSON.stringify(patch)).toEqual([
        200,
        metadata,
        headers,
      ]);
    }
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`k${i}`, "v"]));
    const more = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`m${i}`, "v"]));
    expect((await call("PATCH", path, { metadata: many })).status).toBe(200);
    const tooMany = await call("PATCH", path, { metadata: more });
    expect([tooMany.status, tooMany.body.errors[0].path]).toEqual([422, "metadata"]);
  });

  it("loses nothing of ten that merge at once", async ({ expect }) => {
    const world = await newWorld();
    const path = at(world, "updateEndpoint");
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => call("PATCH", path, { metadata: { [`k${i}`]: "v" } })),
    );
    const made = answers.flatMap(({ status }, i) => (status === 200 ? [`k${i}`] : []));
    for (const { status, body } of answers)
      if (status !== 200) expect([status, body.code]).toEqual([409, "changed-meanwhile"]);
    expect(made.length).toBeGreaterThan(0);
    expect(Object.keys((await call("GET", path)).body.metadata).toSorted()).toEqual(made.toSorted());
  });
});
