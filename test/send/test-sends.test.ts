import { describe, it } from "vitest";
import { call, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";

describe("a test send", () => {
  it("goes to an endpoint that does not subscribe to it, with the type's sample, and answers its attempt", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 201, body: "thanks" });
    const endpoint = await newEndpoint(tenant, receiver.url, { events: ["lead.hot"] });
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.id}`;
    const { status, body } = await call("POST", `${path}/test`, { event: "company.identified" });
    expect(status).toBe(200);
    expect(body.delivery).toMatchObject({
      test: true,
      status: "succeeded",
      event: "company.identified",
      endpoint: endpoint.id,
    });
    expect(body.attempt).toMatchObject({
      number: 1,
      trigger: "test",
      statusCode: 201,
      error: null,
      response: { body: "thanks" },
    });
    const [request] = await receiver.seen();
    expect(JSON.parse(request?.body ?? "").data.company).toHaveProperty("name");
    expect(body.attempt.request.body).toBe(request?.body);
    const list = (await call("GET", `${path}/deliveries`)).body.data;
    expect(list).toMatchObject([{ id: body.delivery.id, test: true }]);
  });

  it("takes data of one's own, kept to the byte, and says when a type has no sample", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const endpoint = await newEndpoint(tenant, receiver.url, { profile: "finder" });
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.id}/test`;
    await call("POST", path, '{"event":"made.up","data":{"2":1.0,"1": 12345678901234567890}}');
    expect((await receiver.seen())[0]?.body).toBe('{"2":1.0,"1": 12345678901234567890}');
    const none = await call("POST", path, { event: "made.up" });
    expect([none.status, none.body.errors[0].path]).toEqual([422, "data"]);
    expect((await call("POST", path, { event: "made.up", data: 1 })).status).toBe(422);
    expect((await call("POST", path, { data: {} })).body.errors[0].path).toBe("event");
  });

  it("counts for nothing when it fails, and may go to an endpoint that is switched off", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 410 });
    const endpoint = await newEndpoint(tenant, receiver.url, { enabled: false });
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.id}`;
    const { body } = await call("POST", `${path}/test`, { event: "lead.hot" });
    expect(body.attempt).toMatchObject({ statusCode: 410, error: "gone" });
    expect(body.delivery.status).toBe("failed");
    expect((await call("GET", `${path}/health`)).body).toMatchObject({
      state: "disabled",
      consecutiveFailures: 0,
      failingSince: null,
    });
    await call("PATCH", path, { enabled: true });
    await call("POST", `${path}/test`, { event: "lead.hot" });
    expect((await call("GET", path)).body).toMatchObject({ enabled: true, disabledReason: null });
    expect((await call("GET", `${path}/health`)).body).toMatchObject({ state: "healthy", consecutiveFailures: 0 });
  });

  it("does not close a failure window when it succeeds, and is not kept waiting by it", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 }, { status: 500 }, { status: 500 }, {});
    const endpoint = await newEndpoint(tenant, receiver.url, { retry: [] });
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.id}`;
    for (let i = 1; i <= 3; i++) {
      await post(tenant);
      await until(`failure ${i}`, async () => (await call("GET", `${path}/health`)).body.consecutiveFailures === i);
    }
    const { body } = await call("POST", `${path}/test`, { event: "lead.hot" });
    expect(body.delivery.status).toBe("succeeded");
    expect((await call("GET", `${path}/health`)).body).toMatchObject({ state: "failing", consecutiveFailures: 3 });
  });

  it("waits for a slow receiver up to the endpoint's timeout", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ misbehave: "hang" });
    const endpoint = await newEndpoint(tenant, receiver.url, { timeout: 1, retry: [] });
    const { body } = await call("POST", `/v1/tenants/${tenant}/endpoints/${endpoint.id}/test`, { event: "lead.hot" });
    expect(body.attempt).toMatchObject({ error: "timeout", statusCode: null });
    expect(body.delivery.status).toBe("failed");
  });
});
