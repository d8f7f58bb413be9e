import { describe, it } from "vitest";
import { withKey, words } from "../dashboard/visitor";
import { type Answered, call, newReceiver, newTenant } from "../lib/api";

const paths = ({ body }: Answered) => (body.warnings ?? []).map(({ path }: { path: string }) => path);

describe("what is saved and may not be what was meant", () => {
  it("is told of an endpoint, when it is made and when it is changed", async ({ expect }) => {
    const tenant = await newTenant();
    const { url } = await newReceiver();
    const path = `/v1/tenants/${tenant}/endpoints`;
    const calm = { url, events: ["a.b"], uid: "first", filter: { "data.x": { $gt: 1 } } };
    expect((await call("POST", path, calm)).body.warnings).toEqual([]);
    const cases: [fields: object, warned: string[], says: string][] = [
      [{ url: `${url}#part` }, ["url", "url"], "fragment"],
      [{ url }, ["url"], "endpoint first too"],
      [{ url: url.replace("http://", "HTTP://") }, ["url"], "arrives there twice"],
      [{ method: "GET", signature: { scheme: "standard" } }, ["method"], "without a body"],
      [{ method: "GET", signature: { scheme: "stripe" } }, ["method"], "without a body"],
      [{ method: "GET", signature: { scheme: "hex" } }, [], ""],
      [{ filter: { data: { status: "paid" } } }, ["filter.data"], "exact equality; for a part write data.status"],
      [{ filter: { $or: [{ event: 5 }, { "data.a": 1 }] } }, ["filter.$or.0.event"], "can never match"],
      [{ filter: { event: "a.c" } }, ["filter.event"], "subscribes to a.b"],
      [{ filter: { event: "a.c" }, events: ["*"] }, [], ""],
    ];
    for (const [i, [fields, warned, says]] of cases.entries()) {
      const own = { url: `${url}/${i}`, events: ["a.b"], ...fields };
      const made = await call("POST", path, own);
      expect([made.status, fields, paths(made)]).toEqual([201, fields, warned]);
      expect(JSON.stringify(made.body.warnings)).toContain(says);
      expect(paths(await call("PATCH", `${path}/${made.body.id}`, { name: "n" }))).toEqual(warned);
      expect((await call("GET", `${path}/${made.body.id}`)).body.warnings).toBeUndefined();
      await call("DELETE", `${path}/${made.body.id}`);
    }
  });

  it("is told of segments, signals and automations", async ({ expect }) => {
    const tenant = await newTenant();
    const base = `/v1/tenants/${tenant}`;
    const filter = { data: { status: "paid" } };
    const segment = await call("POST", `${base}/segments`, { name: "s", filter });
    const signal = { name: "n", emit: "e", entity: "k", when: { every: true } };
    const rule = await call("POST", `${base}/signals`, { ...signal, filter });
    expect([paths(segment), paths(rule)]).toEqual([["filter.data"], ["filter.data"]]);
    const changed = await call("PATCH", `${base}/signals/${rule.body.id}`, { filter: null });
    expect([changed.status, paths(changed)]).toEqual([200, []]);
    const other = await call("PATCH", `${base}/segments/${segment.body.id}`, { filter: { event: "b" } });
    expect([other.status, other.body.warnings]).toEqual([200, undefined]);
    const { url } = await newReceiver();
    const { id: endpoint } = (await call("POST", `${base}/endpoints`, { url, events: [] })).body;
    const automation = { name: "a", trigger: "a", segment: segment.body.id, actions: [{ type: "webhook", endpoint }] };
    const made = await call("POST", `${base}/automations`, automation);
    expect([made.status, paths(made)]).toEqual([201, ["segment"]]);
    const mended = await call("PATCH", `${base}/automations/${made.body.id}`, { trigger: "b" });
    expect([mended.status, paths(mended)]).toEqual([200, []]);
  });

  it("is refused where nothing could ever match", async ({ expect }) => {
    const tenant = await newTenant();
    const base = `/v1/tenants/${tenant}`;
    const { url } = await newReceiver();
    for (const filter of [{ tenant: "somebody-else" }, { "data.x": { $in: [] } }, { timestamp: "soon" }]) {
      const answers = [
        await call("POST", `${base}/endpoints`, { url, events: ["*"], filter }),
        await call("POST", `${base}/signals`, { name: "n", emit: "e", entity: "k", when: { every: true }, filter }),
      ];
      expect(answers.map(({ status }) => status)).toEqual([422, 422]);
      for (const { body } of answers) expect(body.errors[0].path).toMatch(/^filter\./);
    }
    const own = await call("POST", `${base}/endpoints`, { url, events: ["*"], filter: { tenant, $and: [{ tenant }] } });
    expect([own.status, own.body.warnings]).toEqual([201, []]);
  });

  it("is shown once on the page that follows", async ({ expect }) => {
    const tenant = await newTenant();
    const { visitor } = await withKey(tenant, "admin");
    const here = `/dashboard/tenants/${tenant}/segments`;
    const filter = '{"data": {"status": "paid", "id": 9007199254740993}}';
    const sent = await visitor.submit(here, here, { name: "Paid", filter });
    expect(sent.status).toBe(303);
    const page = words((await visitor.get(sent.headers.get("Location") ?? "")).html);
    expect(page).toContain("is exact equality; for a part write data.status");
    expect(page).toContain("9007199254740993");
    expect(words((await visitor.get(here)).html)).not.toContain("exact equality");
    const { body } = await call("GET", `/v1/tenants/${tenant}/segments`);
    const at = `${here}/${body.data[0].id}`;
    expect(words((await visitor.get(at)).html)).toContain('"id": 9007199254740993');
  });
});
