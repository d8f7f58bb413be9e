import { env } from "cloudflare:workers";
import { describe, it, vi } from "vitest";
import { SLOTS } from "../../src/endpoint/policy/admission";
import { deliver } from "../../src/send/deliver";
import { call, delivery, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { appendOnly, endpointObject } from "./harness";

describe.concurrent("a receiver that answers with a Retry-After", () => {
  it.for([429, 503])("after a %i is sent nothing but tests until then", async (status, { expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status, headers: { "Retry-After": "5" } }, {});
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [10] });
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    const first = (await post(tenant)).deliveries[0];
    await delivery(tenant, first, "retrying");
    const { quietUntil } = (await call("GET", `${path}/health`)).body;
    const posted = await post(tenant, "lead.cold");
    const [second] = posted.deliveries;
    const waiting = await until("it to wait", async () => {
      const { body } = await call("GET", `${path}/deliveries/${second.id}`);
      return body.waitReason !== null && body;
    });
    expect(waiting).toMatchObject({ status: "pending", waitReason: "asked", attempts: 0, nextAttemptAt: quietUntil });
    const { body: explained } = await call("GET", `/v1/tenants/${tenant}/events/${posted.id}/explain`);
    expect(explained.data[0]).toMatchObject({ outcome: "waiting", detail: expect.stringContaining("Retry-After") });
    expect((await call("POST", `${path}/test`, { event: "lead.tested", data: {} })).body.attempt).toMatchObject({
      statusCode: 200,
    });
    expect((await call("GET", `${path}/health`)).body).toMatchObject({ quietUntil });

    const requests = await receiver.arrived(3);
    expect(requests.map(({ headers }) => headers["x-webhook-event"])).toEqual(["lead.hot", "lead.tested", "lead.cold"]);
    expect(requests[2]?.at).toBeGreaterThanOrEqual(Date.parse(quietUntil));
    await delivery(tenant, second, "succeeded");
    expect((await call("GET", `${path}/health`)).body.quietUntil).toBeNull();
  });

  it("is sent what waits as soon as it is another one", async ({ expect }) => {
    const tenant = await newTenant();
    const [busy, other] = [await newReceiver({ status: 429, headers: { "Retry-After": "3000" } }), await newReceiver()];
    const { id } = await newEndpoint(tenant, busy.url, { retry: [10_000] });
    await delivery(tenant, (await post(tenant)).deliveries[0], "retrying");
    const [waits] = (await post(tenant, "lead.cold")).deliveries;
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    await until("it to wait", async () => {
      return (await call("GET", `${path}/deliveries/${waits.id}`)).body.waitReason === "asked";
    });
    await call("PATCH", path, { url: other.url });
    await delivery(tenant, waits, "succeeded");
    expect(await busy.seen()).toHaveLength(1);
  });

  it("is not sent the rest of what lies ready for it", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 429, headers: { "Retry-After": "3000" } }, {});
    const { id: endpoint } = await newEndpoint(tenant, receiver.url);
    const appended = await Promise.all(Array.from({ length: 2 * SLOTS + 1 }, () => appendOnly(tenant, [endpoint])));
    const settled = vi.fn();
    const text = { timestamp: 0, payloadId: "p", data: "{}" };
    const items = appended.flatMap(({ refs }) => refs.map(({ id, type }) => ({ id, type, text })));
    await deliver([{ tenant, endpoint, version: 1, items, settled }], "normal", env);
    expect(settled.mock.calls).toEqual([[true]]);
    expect((await receiver.seen()).length).toBeLessThan(SLOTS);
    const { records } = await endpointObject(tenant, endpoint).look(items.map(({ id }) => id));
    const asked = records.filter((record) => record?.waitReason === "asked");
    expect(asked.length).toBeGreaterThan(SLOTS);
    expect(asked.every((record) => record?.attempts === 0)).toBe(true);
  });
});
