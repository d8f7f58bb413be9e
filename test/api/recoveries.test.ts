import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, it } from "vitest";
import { call, delivery, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import { until } from "../lib/until";
import { endpointObject } from "../send/harness";

describe("a recovery", () => {
  it("is followed under its endpoint and over all, and says when it is done", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 }, {});
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [] });
    const [ref] = (await post(tenant)).deliveries;
    await delivery(tenant, ref, "failed");
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    const since = "2026-01-01T00:00:00Z";
    expect((await call("POST", `${path}/recover?dryRun=true`, { since })).body).toEqual({ count: 1 });
    expect((await call("GET", `${path}/recoveries`)).body).toEqual({ data: [] });
    const { body } = await call("POST", `${path}/recover`, { since, status: "failed" });
    expect(body).toEqual({ count: 1, id: expect.stringMatching(/^rcv_/) });
    await delivery(tenant, ref, "succeeded");
    const done = (await call("GET", `${path}/recoveries/${body.id}`)).body;
    expect(done).toMatchObject({ id: body.id, endpoint: id, status: ["failed"], count: 1, done: 1, state: "done" });
    expect((await call("GET", `${path}/recoveries`)).body).toEqual({ data: [done] });
    expect((await call("GET", `/v1/tenants/${tenant}/recoveries`)).body).toEqual({ data: [done] });
    expect((await call("GET", `${path}/recoveries/rcv_none`)).status).toBe(404);
    expect((await call("DELETE", `${path}/recoveries/rcv_none`)).status).toBe(404);
    const stale = await call("DELETE", `${path}/recoveries/${body.id}`, undefined, { "If-Match": '"other"' });
    expect(stale.status).toBe(412);
    // Its deliveries are sent: there is nothing to put back.
    expect((await call("DELETE", `${path}/recoveries/${body.id}`)).status).toBe(204);
    expect((await call("GET", `${path}/recoveries/${body.id}`)).body.state).toBe("done");
    await call("DELETE", path);
    expect((await call("GET", `/v1/tenants/${tenant}/recoveries`)).body).toEqual({ data: [] });
  });

  it("is canceled: what it has not sent is held again", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url, { enabled: false, rateLimit: 1 });
    for (let i = 0; i < 6; i++) await post(tenant);
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    const held = async () => (await call("GET", `${path}/deliveries?status=held`)).body.data.length;
    await until("all are held", async () => (await held()) === 6);
    await call("PATCH", path, { enabled: true });
    const { body } = await call("POST", `${path}/recover`, { since: "2026-01-01T00:00:00Z" });
    expect(body.count).toBe(6);
    expect((await call("GET", `${path}/recoveries/${body.id}`)).body.state).toBe("running");
    expect((await call("DELETE", `${path}/recoveries/${body.id}`)).status).toBe(204);
    const { state, done } = (await call("GET", `${path}/recoveries/${body.id}`)).body;
    expect(state).toBe("canceled");
    const left = await held();
    expect(left).toBeGreaterThanOrEqual(3);
    expect(done + left).toBeLessThanOrEqual(6);
    await runDurableObjectAlarm(endpointObject(tenant, id));
    expect(await held()).toBe(left);
  });
});
