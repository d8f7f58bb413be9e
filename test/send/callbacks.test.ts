import { evictAllDurableObjects } from "cloudflare:test";
import { createHmac } from "node:crypto";
import { describe, it } from "vitest";
import { call, fresh, newReceiver, newTenant, until } from "../lib/api";

describe("a callback that comes with an event", () => {
  it("gets this one event, unsigned, and its log stands under the event", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const path = `/v1/tenants/${tenant}/events`;
    const posted = await call(
      "POST",
      `${path}?webhook_url=${encodeURIComponent(receiver.url)}`,
      '{"event":"save_lead","data":{"2":1.0,"score":7}}',
    );
    expect(posted.status).toBe(202);
    expect(posted.body.deliveries).toHaveLength(1);
    const [request] = await until("the callback", async () => {
      const seen = await receiver.seen();
      return seen.length > 0 && seen;
    });
    expect(request?.body).toBe('{"2":1.0,"score":7}');
    expect(request?.headers).toMatchObject({
      "x-webhook-event": "save_lead",
      "x-webhook-id": posted.body.deliveries[0].id,
    });
    expect(Object.keys(request?.headers ?? {}).filter((name) => name.includes("signature"))).toEqual([]);
    const event = await until("the log", async () => {
      const { body } = await call("GET", `${path}/${posted.body.id}`);
      return body.deliveries[0].status === "succeeded" && body;
    });
    expect(event.deliveries[0]).toMatchObject({
      url: receiver.url,
      attempts: 1,
      attemptLog: [{ statusCode: 200, request: { body: request?.body } }],
    });
    await call("POST", path, { event: "save_lead", data: {} });
    expect(await receiver.seen()).toHaveLength(1);
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints`)).body.data).toEqual([]);
  });

  it("is retried after 2 s, also when its object was evicted, and signed once the tenant has a callback secret", async ({
    expect,
  }) => {
    const tenant = fresh("t");
    const secret = "callback secret of the tenant";
    const created = await call("PUT", `/v1/tenants/${tenant}`, { name: "Acme", callbackSecret: secret });
    expect(created.body.callbacksSigned).toBe(true);
    expect(created.text).not.toContain(secret);
    const receiver = await newReceiver({ status: 500 }, {});
    const posted = await call("POST", `/v1/tenants/${tenant}/events?webhook_url=${encodeURIComponent(receiver.url)}`, {
      event: "e",
      data: { a: 1 },
    });
    const event = `/v1/tenants/${tenant}/events/${posted.body.id}`;
    const waiting = await until("the first failure", async () => {
      const [delivery] = (await call("GET", event)).body.deliveries;
      return delivery.status === "retrying" && delivery;
    });
    const [{ at, durationMs }] = waiting.attemptLog;
    const delay = Date.parse(waiting.nextAttemptAt) - Date.parse(at) - durationMs;
    expect(delay).toBeGreaterThanOrEqual(2_000);
    expect(delay).toBeLessThanOrEqual(2_201);
    await evictAllDurableObjects();
    const seen = await until("the retry", async () => {
      const all = await receiver.seen();
      return all.length === 2 && all;
    });
    for (const { headers, body } of seen) {
      expect(headers["x-webhook-signature"]).toBe(createHmac("sha256", secret).update(body).digest("hex"));
    }
  });

  it("ends where an endpoint would be disabled, and is signed as its tenant says today", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 410 });
    const posted = await call("POST", `/v1/tenants/${tenant}/events?webhook_url=${encodeURIComponent(receiver.url)}`, {
      event: "e",
      data: {},
    });
    const event = `/v1/tenants/${tenant}/events/${posted.body.id}`;
    const status = async () => (await call("GET", event)).body.deliveries[0];
    const failed = await until("its end", async () => {
      const delivery = await status();
      return delivery.finishedAt !== null && delivery;
    });
    expect(failed).toMatchObject({ status: "failed", lastError: "gone", attempts: 1, nextAttemptAt: null });
    const [explained] = (await call("GET", `${event}/explain`)).body.data;
    expect(explained).toMatchObject({ outcome: "failed", remedy: expect.stringContaining("replay the event") });
    // Once again, and signed by now.
    await receiver.answer({});
    await call("PATCH", `/v1/tenants/${tenant}`, { callbackSecret: "a secret of today" });
    expect((await call("POST", `${event}/replay`)).status).toBe(202);
    const [first, second] = await receiver.arrived(2);
    expect(first?.headers).not.toHaveProperty("x-webhook-signature");
    const { body = "", headers } = second ?? {};
    expect(headers?.["x-webhook-signature"]).toBe(createHmac("sha256", "a secret of today").update(body).digest("hex"));
  });

  it("goes out beside the tenant's endpoints, and is held to the policy of URLs", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/events`;
    for (const url of ["nonsense", "ftp://example.com/", "https://me:you@example.com/", ""]) {
      const answer = await call("POST", `${path}?webhook_url=${encodeURIComponent(url)}`, { event: "e", data: {} });
      expect([answer.status, answer.body.errors?.[0]?.path], url).toEqual([422, "webhook_url"]);
    }
    const [endpoint, callback] = [await newReceiver(), await newReceiver()];
    await call("POST", `/v1/tenants/${tenant}/endpoints`, { url: endpoint.url, events: ["*"] });
    const posted = await call("POST", `${path}?webhook_url=${encodeURIComponent(callback.url)}`, {
      event: "e",
      data: {},
    });
    expect(posted.body.deliveries).toHaveLength(2);
    await until("both", async () => (await endpoint.seen()).length === 1 && (await callback.seen()).length === 1);
  });

  it("belongs to what an idempotency key stands for", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const path = `/v1/tenants/${tenant}/events`;
    const key = { "Idempotency-Key": "k" };
    const event = { event: "e", data: {} };
    const url = `${path}?webhook_url=${encodeURIComponent(receiver.url)}`;
    expect((await call("POST", url, event, key)).status).toBe(202);
    expect((await call("POST", url, event, key)).body).toMatchObject({ duplicate: true });
    expect((await call("POST", path, event, key)).status).toBe(422);
  });
});
