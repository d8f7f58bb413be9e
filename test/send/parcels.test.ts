import { env } from "cloudflare:workers";
import { describe, it, vi } from "vitest";
import { SLOTS } from "../../src/endpoint/policy/admission";
import { deliver } from "../../src/send/deliver";
import { ECHO_URL, type Echo, reach } from "../../src/send/echo";
import { call, delivery, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { appendOnly, endpointObject } from "./harness";

describe("a share", () => {
  it("of more than an endpoint's slots is sent whole, a portion at a time, without anything having to wait", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id: endpoint } = await newEndpoint(tenant, receiver.url);
    const appended = await Promise.all(Array.from({ length: 2 * SLOTS + 1 }, () => appendOnly(tenant, [endpoint])));
    const refs = appended.flatMap((event) => event.refs);
    const settled = vi.fn();
    const text = { timestamp: 0, payloadId: "p", data: "{}" };
    const items = refs.map(({ id, type }) => ({ id, type, text }));
    await deliver([{ tenant, endpoint, version: 1, items, settled }], "normal", env);
    expect(settled.mock.calls).toEqual([[true]]);
    expect(await receiver.seen()).toHaveLength(items.length);
    for (const { id } of items) {
      const { attempts, attemptLog } = await delivery(tenant, { id, endpoint }, "succeeded");
      expect([attempts, attemptLog[0].trigger]).toEqual([1, "scheduled"]);
    }
  });

  it("whose endpoint begins to fail is sent no further, and what is left waits in the endpoint", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const { id: endpoint } = await newEndpoint(tenant, receiver.url);
    const appended = await Promise.all(Array.from({ length: 2 * SLOTS + 1 }, () => appendOnly(tenant, [endpoint])));
    const settled = vi.fn();
    const text = { timestamp: 0, payloadId: "p", data: "{}" };
    const items = appended.flatMap(({ refs }) => refs.map(({ id, type }) => ({ id, type, text })));
    await deliver([{ tenant, endpoint, version: 1, items, settled }], "normal", env);
    expect(settled.mock.calls).toEqual([[true]]);
    expect((await receiver.seen()).length).toBeLessThan(SLOTS);
    const { records } = await endpointObject(tenant, endpoint).look(items.map(({ id }) => id));
    expect(records.filter((record) => record === null)).toEqual([]);
  });
});

describe("the echo", () => {
  it("answers a delivery with what it was sent, and leaves every other address to fetch", async ({ expect }) => {
    const fetched = vi.spyOn(globalThis, "fetch");
    const headers = { "X-Webhook-Signature": "abc" };
    const echoed = await reach(ECHO_URL, { method: "POST", headers, body: "body" });
    expect((await echoed.json()) as Echo).toEqual({ method: "POST", headers, body: "body" });
    expect(fetched).not.toHaveBeenCalled();
    fetched.mockImplementation(async () => new Response("elsewhere"));
    for (const url of ["https://echo.invalid.example/", "https://example.com/?https://echo.invalid/"]) {
      expect(await (await reach(url, { headers })).text()).toBe("elsewhere");
    }
    fetched.mockRestore();
  });

  it("is an address that an endpoint may have on a deployment", async ({ expect }) => {
    const { ALLOW_INSECURE_ENDPOINTS: insecure } = env;
    Object.assign(env, { ALLOW_INSECURE_ENDPOINTS: "" });
    const created = await call("POST", `/v1/tenants/${await newTenant()}/endpoints`, { url: ECHO_URL, events: ["*"] });
    Object.assign(env, { ALLOW_INSECURE_ENDPOINTS: insecure });
    expect(created.status).toBe(201);
  });
});
