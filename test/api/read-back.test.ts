import { describe, it } from "vitest";
import { same } from "../../src/api/changes/read-back";
import { readJson } from "../../src/lib/json/exact";
import { call } from "../lib/api";
import { operationsOf, theDocument } from "./operations";
import { newWorld, pathIn, type World } from "./world";

const operations = operationsOf(await theDocument());
const writes = operations.filter(({ method, path }) => {
  const read = operations.some((other) => other.path === path && other.method === "GET");
  return read && ["PUT", "PATCH"].includes(method);
});

/** What is changed in what was read, by operation. */
const CHANGES: Record<string, object> = {
  putTenant: { name: "Another" },
  updateTenant: { name: "Another" },
  updateEndpoint: { name: "Another" },
  updateSegment: { name: "Another" },
  updateAutomation: { name: "Another" },
  updateSignal: { name: "Another" },
  updateList: { items: ["another.example"] },
  putEventType: { title: "Another" },
  updateEventType: { title: "Another" },
};

async function readIn(world: World, path: string): Promise<{ at: string; body: Record<string, unknown> }> {
  const at = pathIn(world, { path } as (typeof operations)[number]);
  return { at, body: (await call("GET", at)).body };
}

/** What a thing is but for when it was changed. */
const but = ({ updatedAt: _, warnings: __, size: ___, ...rest }: Record<string, unknown>) => rest;

describe("what was read", () => {
  it("is written by these operations", ({ expect }) => {
    expect(writes.map(({ id }) => id).toSorted()).toEqual(Object.keys(CHANGES).toSorted());
  });

  it.for(writes.map((operation) => [operation.id, operation] as const))(
    "%s: is taken back as it is, and with a change in it",
    async ([id, { method, path }], { expect }) => {
      const world = await newWorld();
      const { at, body } = await readIn(world, path);
      const same = await call(method, at, body);
      expect(same.status, same.text).toBe(200);
      expect(but((await readIn(world, path)).body)).toEqual(but(body));
      const changed = await call(method, at, { ...(await readIn(world, path)).body, ...CHANGES[id] });
      expect(changed.status, changed.text).toBe(200);
      expect(but((await readIn(world, path)).body)).toEqual({ ...but(body), ...CHANGES[id] });
    },
  );

  it.for(writes.map((operation) => [operation.id, operation] as const))(
    "%s: is refused with a read-only field changed, or one that is unknown",
    async ([, { method, path, body: described }], { expect }) => {
      const world = await newWorld();
      const { at, body } = await readIn(world, path);
      const taken = Object.keys(described?.schema.properties ?? {});
      const readOnly = Object.keys(body).filter((name) => !taken.includes(name));
      expect(readOnly).toContain("updatedAt");
      for (const name of readOnly) {
        const { status, body: problem } = await call(method, at, { ...body, [name]: "other" });
        expect([status, problem.errors], name).toEqual([
          422,
          [{ path: name, message: "is read-only: leave it out, or as it is" }],
        ]);
      }
      const odd = await call(method, at, { ...body, odd: 1 });
      expect([odd.status, odd.body.errors]).toEqual([422, [{ path: "odd", message: "is not a known field" }]]);
      expect((await readIn(world, path)).body).toEqual(body);
    },
  );

  it("knows numbers that no double holds from their neighbours, and however they are written", async ({ expect }) => {
    const world = await newWorld();
    const at = `/v1/tenants/${world.tenant}/segments/${world.segment}`;
    const filterIn = (text: string) => /"filter":(\{.*?\}\})/.exec(text)?.[1];
    const filterOf = (digits: string) => `{"data.n":{"$eq":${digits}}}`;
    expect((await call("PATCH", at, `{"filter":${filterOf("9007199254740993")}}`)).status).toBe(200);
    const read = (await call("GET", at)).text;
    expect(filterIn(read)).toBe(filterOf("9007199254740993"));
    const back = await call("PATCH", at, read.replace("9007199254740993", "9007199254740995"));
    expect(back.status, back.text).toBe(200);
    expect(filterIn((await call("GET", at)).text)).toBe(filterOf("9007199254740995"));
    expect(same(readJson("[9007199254740993.0]"), readJson("[9007199254740993]"))).toBe(true);
    expect(same(readJson("[9007199254740993]"), readJson("[9007199254740992]"))).toBe(false);
  });

  it("leaves to an endpoint's profile what was left to it", async ({ expect }) => {
    const world = await newWorld();
    const at = `/v1/tenants/${world.tenant}/endpoints/${world.endpoint}`;
    const { body } = await call("GET", at);
    expect((await call("PATCH", at, { ...body, name: "Renamed" })).status).toBe(200);
    const { body: other } = await call("PATCH", at, { profile: "clarm" });
    expect([other.format, other.retry]).toEqual(["event", [2, 4, 8]]);
  });
});
