import { describe, it } from "vitest";
import { call, fresh, newTenant } from "../lib/api";
import { newWorld } from "./world";

describe("a list", () => {
  it("is created, read, changed and deleted", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/lists`;
    const created = await call("POST", path, { name: "Watch list/1", items: ["b.com", "a.com", "b.com"] });
    expect(created.status).toBe(201);
    const { createdAt } = created.body;
    const list = { name: "Watch list/1", size: 2, items: ["a.com", "b.com"], createdAt, updatedAt: createdAt };
    expect(created.body).toEqual(list);
    const own = `${path}/${encodeURIComponent("Watch list/1")}`;
    expect((await call("GET", own)).body).toEqual(list);
    expect((await call("POST", path, { name: "Watch list/1" })).status).toBe(409);
    expect((await call("GET", own)).body.items).toEqual(["a.com", "b.com"]);
    const empty = await call("POST", path, { name: "empty" });
    expect(empty.body.items).toEqual([]);
    const { items: _, ...head } = list;
    const { body } = await call("GET", path);
    expect(body).toEqual({ data: [expect.objectContaining({ name: "empty", size: 0 }), head], nextCursor: null });
    const first = await call("GET", `${path}?limit=1`);
    expect((await call("GET", `${path}?limit=1&cursor=${first.body.nextCursor}`)).body.data).toEqual([head]);
    expect((await call("PATCH", own, { items: ["c.com"] })).body.items).toEqual(["c.com"]);
    expect((await call("PATCH", own, { name: "empty", items: ["d.com"] })).status).toBe(409);
    expect((await call("GET", `${path}/empty`)).body.items).toEqual([]);
    expect((await call("GET", own)).body.items).toEqual(["c.com"]);
    expect((await call("PATCH", own, { name: "w" })).body).toMatchObject({ name: "w", items: ["c.com"] });
    expect((await call("GET", own)).status).toBe(404);
    expect((await call("DELETE", `${path}/w`)).status).toBe(204);
    for (const method of ["GET", "DELETE"]) expect((await call(method, `${path}/w`)).status).toBe(404);
    expect((await call("PATCH", `${path}/w`, { items: [] })).status).toBe(404);
    expect((await call("POST", path, { name: "w" })).body.items).toEqual([]);
  });

  it("has items that are put on it and taken off it", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/lists`;
    await call("POST", path, { name: "l" });
    const item = "https://a.com/ä b?c#d%2F";
    const own = `${path}/l/items/${encodeURIComponent(item)}`;
    const put = await call("PUT", own);
    expect([put.status, put.body]).toEqual([201, { list: "l", item }]);
    expect((await call("PUT", own)).status).toBe(200);
    expect((await call("GET", `${path}/l`)).body.items).toEqual([item]);
    expect((await call("DELETE", own)).status).toBe(204);
    expect((await call("DELETE", own)).status).toBe(404);
    expect((await call("GET", `${path}/l`)).body.items).toEqual([]);
    for (const method of ["PUT", "DELETE"]) expect((await call(method, `${path}/none/items/a`)).status).toBe(404);
  });

  it("takes no item whose percent-encoding is broken", async ({ expect }) => {
    const tenant = await newTenant();
    await call("POST", `/v1/tenants/${tenant}/lists`, { name: "watch" });
    const answer = await call("PUT", `/v1/tenants/${tenant}/lists/watch/items/%E0%A4`);
    expect(answer.status).toBe(400);
    expect(answer.body.detail).toContain("percent-encoded");
  });

  it("has 10,000 items at most, of 1 to 1,000 characters, and a tenant 100 lists", { timeout: 60_000 }, async ({
    expect,
  }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/lists`;
    const items = Array.from({ length: 10_000 }, (_, i) => `${i}.com`);
    expect((await call("POST", path, { name: "l", items: [...items, "more"] })).status).toBe(422);
    expect((await call("POST", path, { name: "l", items })).body.size).toBe(10_000);
    expect((await call("PUT", `${path}/l/items/more`)).status).toBe(409);
    expect((await call("PUT", `${path}/l/items/7.com`)).status).toBe(200);
    for (const wrong of [[""], ["x".repeat(1_001)], [5], "a", [null], ["\ud800"]]) {
      expect((await call("POST", path, { name: fresh("l"), items: wrong })).status).toBe(422);
    }
    for (const name of ["", " ", "x".repeat(201), 5]) expect((await call("POST", path, { name })).status).toBe(422);
    for (let i = 1; i < 100; i++) await call("POST", path, { name: `l${i}` });
    expect((await call("POST", path, { name: "one more" })).status).toBe(409);
  });

  it("fires for its tenant alone, whoever has one of the same name", async ({ expect }) => {
    const tenants = [await newTenant(), await newTenant()];
    const events: unknown[] = [];
    for (const [i, tenant] of tenants.entries()) {
      const path = `/v1/tenants/${tenant}`;
      await call("POST", `${path}/lists`, { name: "watched", items: [i === 0 ? "acme.com" : "other.com"] });
      await call("POST", `${path}/signals`, { name: "S", emit: "hit", entity: "domain", when: { inList: "watched" } });
      for (const domain of ["acme.com", "other.com"]) {
        const { body } = await call("POST", `${path}/observations`, { domain });
        events.push(body.events.length);
      }
    }
    expect(events).toEqual([1, 0, 0, 1]);
  });

  it("is its tenant's", async ({ expect }) => {
    const [own, other] = [await newWorld(), await newWorld()];
    const path = `/v1/tenants/${own.tenant}/lists`;
    expect((await call("PATCH", `${path}/${own.list}`, { name: other.list })).status).toBe(200);
    await call("DELETE", `${path}/${other.list}`);
    expect((await call("GET", `/v1/tenants/${other.tenant}/lists/${other.list}`)).body.items).toEqual(["acme.com"]);
  });
});
