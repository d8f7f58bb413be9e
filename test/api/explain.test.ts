import { describe, it } from "vitest";
import { call, delivery, newEndpoint, newReceiver, newTenant } from "../lib/api";

describe("the explanation of an event", () => {
  it("says for every endpoint of the tenant what became of it and what to do", async ({ expect }) => {
    const tenant = await newTenant();
    const [fine, broken] = [await newReceiver(), await newReceiver({ status: 500 })];
    const named = { name: "CRM" };
    const got = await newEndpoint(tenant, fine.url, named);
    const filtered = await newEndpoint(tenant, fine.url, { filter: { "data.score": { $gte: 10 } } });
    const other = await newEndpoint(tenant, fine.url, { events: ["lead.cold"] });
    const held = await newEndpoint(tenant, fine.url, { enabled: false });
    const retrying = await newEndpoint(tenant, broken.url);
    const automated = await newEndpoint(tenant, fine.url, { events: [] });
    await call("POST", `/v1/tenants/${tenant}/automations`, {
      name: "A",
      trigger: "lead.hot",
      actions: [{ type: "webhook", endpoint: automated.id }],
    });
    const posted = await call("POST", `/v1/tenants/${tenant}/events?webhook_url=${encodeURIComponent(fine.url)}`, {
      event: "lead.hot",
      data: { score: 5 },
    });
    const later = await newEndpoint(tenant, fine.url);
    const deleted = posted.body.deliveries.at(-1);
    for (const ref of posted.body.deliveries) {
      if (ref.endpoint === held.id) await delivery(tenant, ref, "held");
      else if (ref.endpoint === retrying.id) await delivery(tenant, ref, "retrying");
      else if (ref.endpoint !== deleted.endpoint) await delivery(tenant, ref, "succeeded");
    }
    await fine.arrived(3);

    const { status, body } = await call("GET", `/v1/tenants/${tenant}/events/${posted.body.id}/explain`);
    expect(status).toBe(200);
    const by = new Map(body.data.map((one: { endpoint: string }) => [one.endpoint, one]));
    const deliveries = new Map(
      posted.body.deliveries.map(({ id, endpoint }: { id: string; endpoint: string }) => [endpoint, id]),
    );
    expect(by.size).toBe(8);
    expect(by.get(got.id)).toEqual({
      endpoint: got.id,
      name: "CRM",
      delivered: true,
      outcome: "delivered",
      delivery: deliveries.get(got.id),
      detail: expect.stringMatching(/^Delivered at .* the receiver answered 200\.$/),
      remedy: null,
    });
    expect(by.get(filtered.id)).toEqual({
      endpoint: filtered.id,
      name: null,
      delivered: false,
      outcome: "filtered",
      clause: { path: "data.score", operator: "$gte", expected: 10, actual: 5 },
      detail: expect.stringContaining("data.score is 5"),
      remedy: expect.any(String),
    });
    expect(by.get(other.id)).toMatchObject({ delivered: false, outcome: "not-subscribed" });
    expect(by.get(held.id)).toMatchObject({ outcome: "held", detail: expect.stringContaining("by hand") });
    expect(by.get(retrying.id)).toMatchObject({ outcome: "retrying", detail: expect.stringContaining("500") });
    expect(by.get(automated.id)).toMatchObject({ delivered: true, detail: expect.stringContaining("automation") });
    expect(by.get(later.id)).toMatchObject({ outcome: "created-later", remedy: expect.stringContaining("Replay") });
    expect(by.get(deleted.endpoint)).toMatchObject({ name: null, detail: expect.stringContaining(fine.url) });
  });

  it("says of a filter that would look at too many values that it was not evaluated: it matches nothing", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    const { url } = await newReceiver();
    const unlike = { "data.x": { $ne: 1 } };
    const negated = await newEndpoint(tenant, url, { filter: { $not: { $and: [unlike, unlike, { "data.x": 1 }] } } });
    const fine = await newEndpoint(tenant, url, { filter: unlike });
    const x = `[${"0,".repeat(400_000)}0]`;
    const posted = await call("POST", `/v1/tenants/${tenant}/events`, `{"event":"lead.hot","data":{"x":${x}}}`);
    expect(posted.body.deliveries.map(({ endpoint }: { endpoint: string }) => endpoint)).toEqual([fine.id]);
    const { body } = await call("GET", `/v1/tenants/${tenant}/events/${posted.body.id}/explain`);
    expect(body.data.find(({ endpoint }: { endpoint: string }) => endpoint === negated.id)).toMatchObject({
      outcome: "filtered",
      clause: { path: "data.x", operator: "$eq", expected: 1, reason: expect.stringContaining("1000000 values") },
      detail: expect.stringContaining("not evaluated"),
    });
  });

  it("goes on after an endpoint is deleted, and after the content is erased", async ({ expect }) => {
    const tenant = await newTenant();
    const { url } = await newReceiver();
    const gone = await newEndpoint(tenant, url, { enabled: false });
    await newEndpoint(tenant, url, { filter: { "data.a": 1 } });
    const posted = await call("POST", `/v1/tenants/${tenant}/events`, { event: "lead.hot", data: { a: 2 } });
    const path = `/v1/tenants/${tenant}/events/${posted.body.id}`;
    await call("DELETE", `/v1/tenants/${tenant}/endpoints/${gone.id}`);
    await call("DELETE", `${path}/content`);
    const { body } = await call("GET", `${path}/explain`);
    const outcomes = body.data.map(({ outcome }: { outcome: string }) => outcome);
    expect(outcomes).toEqual(["erased", "deleted"]);
  });

  it("of what is not there is a 404, also of another tenant's event", async ({ expect }) => {
    const [one, two] = [await newTenant(), await newTenant()];
    const posted = await call("POST", `/v1/tenants/${one}/events`, { event: "lead.hot", data: {} });
    expect((await call("GET", `/v1/tenants/${two}/events/${posted.body.id}/explain`)).status).toBe(404);
    expect((await call("GET", `/v1/tenants/${one}/events/evt_x/explain`)).status).toBe(404);
  });
});
