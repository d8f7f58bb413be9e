import { env } from "cloudflare:workers";
import { describe, it, onTestFinished, vi } from "vitest";
import { isFor } from "../../src/api/http/route";
import { ROLES } from "../../src/config/access/keys";
import { catalogOf } from "../../src/config/catalogs/catalogs";
import { changeEventType, findEventType } from "../../src/config/catalogs/event-types";
import { ChangedMeanwhile } from "../../src/config/version";
import { type Answered, call, fresh } from "../lib/api";

const base = "/v1/event-types";
const put = (name: string, body: unknown) => call("PUT", `${base}/${encodeURIComponent(name)}`, body);
const paths = (answer: Answered) => answer.body.errors.map(({ path }: { path: string }) => path).sort();

/** All pages of a list. */
async function pages(query: string): Promise<Answered["body"][]> {
  const found = [];
  for (let cursor = ""; ; ) {
    const { body } = await call("GET", `${base}?${query}${cursor}`);
    found.push(...body.data);
    if (body.nextCursor === null) return found;
    cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`;
  }
}

describe("an event type", () => {
  it("is created by PUT with nothing said, read, and deleted", async ({ expect }) => {
    const name = fresh("plain");
    const created = await put(name, {});
    expect(created.status).toBe(201);
    expect(created.headers.get("Content-Type")).toContain("application/json");
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(created.body).toEqual({
      name,
      title: null,
      description: null,
      schema: null,
      enforce: false,
      sample: null,
      group: null,
      highVolume: false,
      deprecated: false,
      searchable: [],
      createdAt: time,
      updatedAt: created.body.createdAt,
    });
    const read = await call("GET", `${base}/${name}`);
    expect([read.status, read.body]).toEqual([200, created.body]);
    expect((await call("DELETE", `${base}/${name}`)).status).toBe(204);
    for (const method of ["GET", "DELETE"]) expect((await call(method, `${base}/${name}`)).status).toBe(404);
    expect((await call("PATCH", `${base}/${name}`, { title: "X" })).status).toBe(404);
  });

  it("is replaced by PUT as a whole, also in the same millisecond", async ({ expect }) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const name = fresh("whole");
    const full = {
      title: "Order paid",
      description: "An order was paid.",
      schema: { type: "object", properties: { id: { type: "string" } } },
      enforce: true,
      sample: { id: "o_1" },
      group: "Orders",
      highVolume: true,
      deprecated: true,
    };
    const created = await put(name, full);
    expect(created.body).toMatchObject(full);
    const replaced = await put(name, { title: "Paid" });
    expect([created.status, replaced.status]).toEqual([201, 200]);
    expect(replaced.body).toMatchObject({ title: "Paid", schema: null, enforce: false, sample: null, group: null });
    expect(replaced.body.createdAt).toBe(created.body.createdAt);
    expect(replaced.body.updatedAt > created.body.updatedAt).toBe(true);
    // What was answered may be sent back.
    const { name: _, createdAt: __, updatedAt: ___, ...said } = replaced.body;
    expect((await put(name, said)).status).toBe(200);
  });

  it("is changed by PATCH in what is said, and null takes a thing away", async ({ expect }) => {
    const name = fresh("part");
    await put(name, { title: "A", description: "B", sample: [1.0], schema: { type: "array" }, group: "G" });
    const path = `${base}/${name}`;
    const changed = await call("PATCH", path, { title: "C", group: null, highVolume: true });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ title: "C", description: "B", group: null, highVolume: true, sample: [1] });
    expect((await call("PATCH", path, { enforce: true })).body).toMatchObject({ enforce: true, title: "C" });
    expect((await call("GET", path)).body).toMatchObject({ enforce: true, schema: { type: "array" } });
    const refused = await call("PATCH", path, { schema: null });
    expect([refused.status, paths(refused)]).toEqual([422, ["schema"]]);
    const wrong = await call("PATCH", path, { sample: { a: 1 } });
    expect([wrong.status, paths(wrong)]).toEqual([422, ["sample"]]);
    expect((await call("PATCH", path, { schema: null, enforce: false })).body.schema).toBeNull();
  });

  it("keeps what it is under a body that says nothing", async ({ expect }) => {
    const path = `/v1/event-types/${fresh("type")}`;
    const { body } = await call("PUT", path, { title: "A lead", schema: { type: "object" }, enforce: true });
    for (const [method, said, status] of [
      ["PUT", "", 400],
      ["PATCH", "", 400],
      ["PATCH", {}, 422],
    ] as const) {
      expect((await call(method, path, said)).status).toBe(status);
    }
    expect((await call("GET", path)).body).toEqual(body);
  });

  it("is not changed by who read it before somebody else changed it", async ({ expect }) => {
    const name = fresh("race");
    await put(name, { title: "A" });
    const read = await findEventType(env.DB, name);
    if (read === null) throw new Error("it was just created");
    const now = Date.now();
    const entry = { actor: "operator", action: "eventtype.updated" as const, target: read.name, tenant: null };
    expect(await changeEventType(env.DB, read, { enforce: false }, now, entry)).toMatchObject({ title: "A" });
    await expect(changeEventType(env.DB, read, { title: "B" }, now, entry)).rejects.toThrow(ChangedMeanwhile);
    expect((await call("GET", `${base}/${name}`)).body.title).toBe("A");
  });

  it.for(['{"2":"b","1":"a","10":"c"}', "[12345678901234567890,1.0,1e3,-0]", '{"a":\n  "\\u00e9\\/",\t"a":1e400 }'])(
    "keeps its sample to the byte: %s",
    async (sample, { expect }) => {
      const name = fresh("bytes");
      const spaced = `{ "title" : "T", "sample" :  ${sample} , "group":"Bytes"}`;
      expect((await put(name, spaced)).text).toContain(`"sample":${sample}`);
      expect((await call("GET", `${base}/${name}`)).text).toContain(`"sample":${sample}`);
      expect((await call("GET", `${base}?group=Bytes&limit=250`)).text).toContain(`"sample":${sample}`);
      expect((await call("PATCH", `${base}/${name}`, { title: "U" })).text).toContain(`"sample":${sample}`);
      const patched = await call("PATCH", `${base}/${name}`, '{"\\u0073ample":[ 2.0 ]}');
      expect(patched.text).toContain('"sample":[ 2.0 ]');
    },
  );

  it.for([
    [{ title: "" }, ["title"]],
    [{ title: 5, description: [], group: "" }, ["description", "group", "title"]],
    [{ enforce: "yes", highVolume: null, deprecated: 1 }, ["deprecated", "enforce", "highVolume"]],
    [{ searchable: ["a", "b", "c", "d"] }, ["searchable"]],
    [{ searchable: ["a", "a"] }, ["searchable"]],
    [{ searchable: ["a..b", ""] }, ["searchable.0", "searchable.1"]],
    [{ sample: "text" }, ["sample"]],
    [{ sample: 5 }, ["sample"]],
    [{ sample: { a: "x".repeat(65_536) } }, ["sample"]],
    [{ schema: true }, ["schema"]],
    [{ schema: [] }, ["schema"]],
    [{ schema: { type: "text" } }, ["schema.type"]],
    [{ schema: { properties: { a: { pattern: "(" } } } }, ["schema.properties.a.pattern"]],
    [{ schema: { $ref: "https://example.com/other" } }, ["schema.$ref"]],
    [{ enforce: true }, ["schema"]],
    [{ enforce: true, schema: null }, ["schema"]],
    [{ name: "x", createdAt: "2026-11-21T09:30:00Z", more: 1 }, ["createdAt", "more", "name"]],
    [{ enforce: true, schema: { properties: { a: { required: ["b"] } } }, sample: { a: {}, c: 1 } }, ["sample.a.b"]],
    [[], [""]],
  ] as [unknown, string[]][])("is refused as %j, naming %j", async ([body, fields], { expect }) => {
    const name = fresh("refused");
    const answer = await put(name, body);
    expect(answer.status).toBe(422);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(paths(answer)).toEqual(fields);
    expect((await call("GET", `${base}/${name}`)).status).toBe(404);
    await put(name, {});
    expect(paths(await call("PATCH", `${base}/${name}`, body))).toEqual(fields);
  });

  it("may have a sample that its schema does not fit, while it is not enforced", async ({ expect }) => {
    const name = fresh("loose");
    expect((await put(name, { schema: { type: "array" }, sample: {} })).status).toBe(201);
    expect(paths(await call("PATCH", `${base}/${name}`, { enforce: true }))).toEqual(["sample"]);
  });

  it.for(["order.paid", "a/b", "A:b-c_d", "_x", "x".repeat(128)])("may be called %s", async (name, { expect }) => {
    const created = await put(name, {});
    expect([created.status, created.body.name]).toEqual([201, name]);
    expect((await call("DELETE", `${base}/${encodeURIComponent(name)}`)).status).toBe(204);
  });

  it.for(["*", ".x", "a b", "é", "x".repeat(129)])("may not be called %s", async (name, { expect }) => {
    const answer = await put(name, {});
    expect([answer.status, paths(answer)]).toEqual([422, ["name"]]);
  });

  it("is written by the operator alone, and read with any key", async ({ expect }) => {
    for (const role of ROLES) {
      for (const path of [base, `${base}/:name`, `${base}/catalogs/:profile`]) {
        expect(isFor(role, `GET ${path}`), path).toBe(true);
        for (const method of ["PUT", "POST", "PATCH", "DELETE"]) expect(isFor(role, `${method} ${path}`)).toBe(false);
      }
    }
    const Authorization = "Bearer wrong";
    expect((await call("GET", base, undefined, { Authorization })).status).toBe(401);
  });
});

describe("the list of event types", () => {
  it("goes by name, page by page, whole or for one group", async ({ expect }) => {
    const group = fresh("Group");
    const names = ["b", "a.2", "a.10", "B", "_z", "a/b"].map((name) => `${name}${fresh("")}`);
    for (const name of names) await put(name, { group });
    await put(fresh("other"), { group: "Another" });
    const inOrder = names.toSorted();
    expect((await pages(`group=${group}&limit=1`)).map(({ name }) => name)).toEqual(inOrder);
    expect((await pages(`group=${group}&limit=4`)).map(({ name }) => name)).toEqual(inOrder);
    const everything = (await pages("limit=2")).map(({ name }) => name);
    expect(everything).toEqual(everything.toSorted());
    expect(everything).toEqual(expect.arrayContaining(names));
    expect(await pages(`group=${fresh("nobody")}`)).toEqual([]);
  });

  it.for(["limit=0", "limit=251", "limit=x", "cursor=%2A", "group="])("refuses %s", async (query, { expect }) => {
    const answer = await call("GET", `${base}?${query}`);
    expect([answer.status, paths(answer)]).toEqual([422, [query.split("=")[0]]]);
  });
});

describe("a vendor's catalog", () => {
  const profiles = ["clearview", "clarm", "finder", "snitcher", "visits"];

  it.for(profiles)("of %s is shown, and then installed", async (profile, { expect }) => {
    const path = `${base}/catalogs/${profile}`;
    const shown = await call("GET", path);
    expect(shown.status).toBe(200);
    const catalog = catalogOf(profile) ?? [];
    expect(shown.body.data).toEqual(
      catalog.map((type) => ({ highVolume: false, ...type, enforce: false, deprecated: false, searchable: [] })),
    );
    expect((await call("GET", `${base}/${catalog[0]?.name}`)).status).toBe(404);
    const installed = await call("POST", path);
    expect(installed.status).toBe(201);
    expect(installed.body.data).toMatchObject(shown.body.data);
    for (const type of installed.body.data) {
      expect((await call("GET", `${base}/${type.name}`)).body).toEqual(type);
    }
  });

  it("may be installed again: it takes back its own, and leaves the operator's decisions", async ({ expect }) => {
    const path = `${base}/catalogs/visits`;
    const [first] = (await call("POST", path)).body.data;
    await call("PATCH", `${base}/NEW_VISIT`, {
      title: "Ours",
      schema: {},
      sample: [],
      enforce: true,
      deprecated: true,
    });
    await call("DELETE", `${base}/NEW_VISITOR`);
    const again = await call("POST", path);
    expect(again.status).toBe(201);
    expect(again.body.data).toHaveLength(2);
    const { updatedAt, ...rest } = first;
    expect(again.body.data[0]).toMatchObject({ ...rest, enforce: true, deprecated: true });
    expect(again.body.data[0].updatedAt > updatedAt).toBe(true);
    expect((await call("GET", `${base}/NEW_VISITOR`)).status).toBe(200);
  });

  it("is installed as a whole or not at all", async ({ expect }) => {
    await call("POST", `${base}/catalogs/clarm`);
    for (const { name } of catalogOf("clarm") ?? []) await call("DELETE", `${base}/${name}`);
    await env.DB.exec(
      "CREATE TRIGGER no_goals BEFORE INSERT ON event_types WHEN new.name = 'goal_achieved' BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    onTestFinished(async () => {
      await env.DB.exec("DROP TRIGGER no_goals");
    });
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    onTestFinished(() => logged.mockRestore());
    expect((await call("POST", `${base}/catalogs/clarm`)).status).toBeGreaterThanOrEqual(500);
    expect((await call("GET", `${base}/purchase`)).status).toBe(404);
  });

  const without = ["standard", "svix", "cloudevents", "github", "stripe", "unknown", "constructor"];
  it.for(without)("is not there for %s, and the answer says where there is one", async (profile, { expect }) => {
    for (const method of ["GET", "POST"]) {
      const answer = await call(method, `${base}/catalogs/${profile}`);
      expect(answer.status).toBe(404);
      expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
      for (const name of profiles) expect(answer.body.detail).toContain(name);
    }
  });
});
