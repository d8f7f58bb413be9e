import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { type Answered, call, newEndpoint, newTenant } from "../lib/api";

const FILTER = { "data.score": { $gte: 80 }, $or: [{ "data.plan": "pro" }, { "data.plan": null }] };

function paths(answer: Answered): string[] {
  return answer.body.errors.map(({ path }: { path: string }) => path).sort();
}

async function newSegment(tenant: string, fields: object = {}): Promise<Answered["body"]> {
  const answer = await call("POST", `/v1/tenants/${tenant}/segments`, { name: "Hot", filter: FILTER, ...fields });
  if (answer.status !== 201) throw new Error(`the segment was refused: ${answer.text}`);
  return answer.body;
}

async function newAutomation(tenant: string, segment: string, name = "To sales"): Promise<Answered["body"]> {
  const { id: endpoint } = await newEndpoint(tenant, "https://hooks.example.com/in");
  const actions = [{ type: "webhook", endpoint }];
  const fields = { name, trigger: "lead.hot", segment, actions };
  return (await call("POST", `/v1/tenants/${tenant}/automations`, fields)).body;
}

describe("a segment", () => {
  it("is created, read, changed and deleted", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/segments`;
    const segment = await newSegment(tenant);
    expect(segment).toEqual({
      id: expect.stringMatching(/^seg_[0-9A-HJKMNP-TV-Z]{26}$/),
      name: "Hot",
      filter: FILTER,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: segment.createdAt,
    });
    const own = `${path}/${segment.id}`;
    expect((await call("GET", own)).body).toEqual(segment);
    const renamed = await call("PATCH", own, { name: "Warm" });
    expect(renamed.status).toBe(200);
    expect(renamed.body).toEqual({ ...segment, name: "Warm", updatedAt: renamed.body.updatedAt });
    const filter = { tenant: "x" };
    expect((await call("PATCH", own, { filter })).body).toMatchObject({ name: "Warm", filter });
    expect((await call("GET", own)).body).toMatchObject({ name: "Warm", filter });
    const deleted = await call("DELETE", own);
    expect(deleted.status).toBe(204);
    expect(deleted.text).toBe("");
    for (const method of ["GET", "DELETE"]) expect((await call(method, own)).status).toBe(404);
    expect((await call("PATCH", own, { name: "x" })).status).toBe(404);
    expect((await call("GET", path)).body).toEqual({ data: [], nextCursor: null });
  });

  it("keeps its filter as it was given", async ({ expect }) => {
    const tenant = await newTenant();
    const filter =
      '{"data.name":{"$in":["Zoë \\ud83d\\ude00",null,[1.5]]},"data.__proto__":{"__proto__":{"a":1}},"event":"x"}';
    const posted = await call("POST", `/v1/tenants/${tenant}/segments`, `{"name":"n","filter":${filter}}`);
    expect(JSON.stringify(posted.body.filter)).toBe(JSON.stringify(JSON.parse(filter)));
    const { body } = await call("GET", `/v1/tenants/${tenant}/segments/${posted.body.id}`);
    expect(JSON.stringify(body.filter)).toBe(JSON.stringify(JSON.parse(filter)));
  });

  it("may look at contacts rather than events", async ({ expect }) => {
    const tenant = await newTenant();
    const filter = { title: { $startsWith: "VP" }, "emails.0": { $exists: true } };
    expect((await newSegment(tenant, { filter })).filter).toEqual(filter);
  });

  it("is of its tenant alone", async ({ expect }) => {
    const [tenant, other] = [await newTenant(), await newTenant()];
    const { id } = await newSegment(tenant);
    const path = `/v1/tenants/${other}/segments/${id}`;
    expect((await call("GET", path)).status).toBe(404);
    expect((await call("PATCH", path, { name: "mine" })).status).toBe(404);
    expect((await call("DELETE", path)).status).toBe(404);
    expect((await call("GET", `/v1/tenants/${other}/segments`)).body.data).toEqual([]);
    expect((await call("GET", `/v1/tenants/${tenant}/segments/${id}`)).body.name).toBe("Hot");
    expect((await call("GET", `/v1/tenants/nobody/segments`)).status).toBe(404);
  });

  it("cannot be deleted while an automation uses it", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newSegment(tenant);
    const path = `/v1/tenants/${tenant}/segments/${id}`;
    const automation = await newAutomation(tenant, id, "To sales");
    const refused = await call("DELETE", path);
    expect(refused.status).toBe(409);
    expect(refused.body.detail).toContain("To sales");
    expect(refused.body.detail).toContain(automation.id);
    expect((await call("GET", path)).status).toBe(200);
    await call("PATCH", `/v1/tenants/${tenant}/automations/${automation.id}`, { segment: null });
    expect((await call("DELETE", path)).status).toBe(204);
  });

  it("stays one over events while an automation uses it", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newSegment(tenant);
    const path = `/v1/tenants/${tenant}/segments/${id}`;
    await newAutomation(tenant, id);
    const refused = await call("PATCH", path, { filter: { title: "CEO" } });
    expect(refused.status).toBe(422);
    expect(paths(refused)).toEqual(["filter.title"]);
    expect((await call("PATCH", path, { filter: { event: "lead.hot" } })).status).toBe(200);
  });
});

describe("a list of segments", () => {
  it("goes page by page, newest first, each segment once", async ({ expect }) => {
    const tenant = await newTenant();
    const ids: string[] = [];
    for (const name of ["a", "b", "c", "d", "e"]) ids.push((await newSegment(tenant, { name })).id);
    const pages: string[][] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "" : `&cursor=${cursor}`;
      const { body } = await call("GET", `/v1/tenants/${tenant}/segments?limit=2${query}`);
      pages.push(body.data.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor;
    } while (cursor !== null && pages.length < 10);
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat()).toEqual(ids.toSorted().toReversed());
    expect((await call("GET", `/v1/tenants/${tenant}/segments?limit=0`)).status).toBe(422);
    expect((await call("GET", `/v1/tenants/${tenant}/segments?cursor=ep_1`)).status).toBe(422);
  });
});

const WRONG: [change: object, path: string][] = [
  [{ name: "" }, "name"],
  [{ name: "x".repeat(201) }, "name"],
  [{ name: null }, "name"],
  [{ filter: null }, "filter"],
  [{ filter: [] }, "filter"],
  [{ filter: "x" }, "filter"],
  [{ filter: { "data.x": { $regex: "a" } } }, "filter.data.x.$regex"],
  [{ filter: { $or: [{ event: "a" }, { "data.x": { $in: "a" } }] } }, "filter.$or.1.data.x.$in"],
  [{ filter: { $and: [] } }, "filter.$and"],
  [{ filter: { $or: Array(101).fill({ event: "a" }) } }, "filter"],
  [{ colour: "red" }, "colour"],
  [{ id: "seg_1" }, "id"],
];

describe("a segment that is wrong", () => {
  it("is refused where it is wrong, and nothing is written", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/segments`;
    const segment = await newSegment(tenant);
    for (const [change, field] of WRONG) {
      const what = JSON.stringify(change).slice(0, 100);
      const posted = await call("POST", path, { name: "n", filter: {}, ...change });
      expect(posted.status, `POST ${what}`).toBe(422);
      expect(paths(posted), `POST ${what}`).toEqual([field]);
      const patched = await call("PATCH", `${path}/${segment.id}`, { name: "half", ...change });
      expect(patched.status, `PATCH ${what}`).toBe(422);
      expect(paths(patched), `PATCH ${what}`).toEqual([field]);
    }
    expect(paths(await call("POST", path, {}))).toEqual(["filter", "name"]);
    expect((await call("PATCH", `${path}/${segment.id}`, {})).status).toBe(422);
    expect((await call("GET", path)).body).toEqual({ data: [segment], nextCursor: null });
    const rows = await env.DB.prepare("SELECT count(*) AS n FROM segments WHERE tenant = ?").bind(tenant).first();
    expect(rows).toEqual({ n: 1 });
  });
});
