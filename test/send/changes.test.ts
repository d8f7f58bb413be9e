import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { Endpoint } from "../../src/index";
import { call, delivery, deliveryPath, fresh, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";

describe.concurrent("a change of an endpoint", () => {
  it("of its URL reaches the next attempt, which keeps id and body", async ({ expect }) => {
    const tenant = await newTenant();
    const [before, after] = [await newReceiver({ status: 500 }), await newReceiver()];
    const { id } = await newEndpoint(tenant, before.url, { retry: [2] });
    const [ref] = (await post(tenant)).deliveries;
    await delivery(tenant, ref, "retrying");
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${id}`, { url: after.url });
    const [second] = await after.arrived();
    const [first] = await before.seen();
    expect(second?.body).toBe(first?.body);
    expect(second?.headers).toMatchObject({ "x-webhook-id": ref.id, "x-webhook-attempt": "2" });
    const done = await delivery(tenant, ref, "succeeded");
    expect(done.attemptLog.map(({ request }: { request: { url: string } }) => request.url)).toEqual([
      before.url,
      after.url,
    ]);
    expect(await before.seen()).toHaveLength(1);
  });

  it("reaches deliveries that wait behind slow ones of their own batch, as its end and their event's erasure do", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    const next = await newReceiver();
    /** A slow endpoint with a batch under way, after `change`: what of the batch it got all the same. */
    const behind = async (change: (path: string, events: string[]) => Promise<unknown>) => {
      const slow = await newReceiver({ delayMs: 2_500 });
      const event = fresh("e");
      const { id } = await newEndpoint(tenant, slow.url, { events: [event], timeout: 8 });
      const events = Array.from({ length: 15 }, (_, i) => ({ event, data: { i } }));
      const { body } = await call("POST", `/v1/tenants/${tenant}/events/batch`, { events });
      await slow.arrived();
      await change(`/v1/tenants/${tenant}/endpoints/${id}`, body.data.map((one: { id: string }) => one.id).slice(7));
      return {
        slow,
        // What was under way by then, or was granted in the moments before.
        most: (await slow.seen()).length + 6,
        refs: body.data.flatMap((one: { deliveries: { id: string; endpoint: string }[] }) => one.deliveries),
      };
    };
    const erase = async (_: string, ids: string[]) => {
      for (const id of ids) await call("DELETE", `/v1/tenants/${tenant}/events/${id}/content`);
    };
    const [moved, disabled, deleted, erased] = await Promise.all([
      behind((path) => call("PATCH", path, { url: next.url })),
      behind((path) => call("PATCH", path, { enabled: false })),
      behind((path) => call("DELETE", path)),
      behind(erase),
    ]);
    await next.arrived(1);
    for (const ref of moved.refs) await delivery(tenant, ref, "succeeded");
    for (const { id, endpoint } of erased.refs) {
      await until("its end", async () => (await call("GET", deliveryPath(tenant, { id, endpoint }))).body.finishedAt);
    }
    for (const { slow, most } of [moved, disabled, deleted]) {
      expect((await slow.seen()).length).toBeLessThan(15);
      expect((await slow.seen()).length).toBeLessThanOrEqual(most);
    }
    // Of erased ones the first seven events were none.
    expect((await erased.slow.seen()).length).toBeLessThanOrEqual(7 + erased.most);
    expect((await moved.slow.seen()).length + (await next.seen()).length).toBe(15);
  });

  it("of its schedule reaches the next failure", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [1, 1, 1, 1] });
    const [ref] = (await post(tenant)).deliveries;
    await delivery(tenant, ref, "retrying");
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${id}`, { retry: [] });
    const failed = await delivery(tenant, ref, "failed");
    expect(failed.attempts).toBeLessThanOrEqual(3);
    expect(await receiver.seen()).toHaveLength(failed.attempts);
  });
});

describe("a change of an endpoint, by the clock", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("made elsewhere reaches the events that are accepted 5 s later", async ({ expect }) => {
    const tenant = await newTenant();
    const [before, after] = [await newReceiver(), await newReceiver()];
    const { id } = await newEndpoint(tenant, before.url);
    await post(tenant);
    await before.arrived();
    // As another isolate would: the row in D1 only, while the object's copy and this isolate's stay as they are.
    await env.DB.prepare("UPDATE endpoints SET url = ?, version = version + 1 WHERE id = ?").bind(after.url, id).run();
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 5_001);
    await post(tenant);
    await after.arrived();
    expect(await before.seen()).toHaveLength(1);
  });
});

describe("deleting an endpoint whose object is out of reach", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.for(["id", "uid"])("can be repeated, by its %s too", async (name, { expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const endpoint = await newEndpoint(tenant, receiver.url, { retry: [3600], uid: "crm" });
    const event = await post(tenant);
    await delivery(tenant, event.deliveries[0], "retrying");
    vi.spyOn(Endpoint.prototype, "close").mockRejectedValueOnce(new Error("out of reach"));
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint[name]}`;
    expect((await call("DELETE", path)).status).toBeGreaterThanOrEqual(500);
    expect((await call("DELETE", path)).status).toBe(204);
    const { body } = await call("GET", `/v1/tenants/${tenant}/events/${event.id}`);
    expect(body.deliveries[0].status).toBe("canceled");
  });
});

describe.concurrent("deleting an endpoint", () => {
  it("cancels a delivery that waits, and sends nothing more", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [2] });
    const event = await post(tenant);
    await delivery(tenant, event.deliveries[0], "retrying");
    expect((await call("DELETE", `/v1/tenants/${tenant}/endpoints/${id}`)).status).toBe(204);
    const read = await call("GET", `/v1/tenants/${tenant}/events/${event.id}`);
    expect(read.body.deliveries).toEqual([
      expect.objectContaining({ id: event.deliveries[0].id, status: "canceled", nextAttemptAt: null }),
    ]);
    // A retry of the same delay, begun later at another endpoint, has come by: this one's would have.
    const witness = await newReceiver({ status: 500 }, {});
    await newEndpoint(tenant, witness.url, { retry: [2] });
    await post(tenant);
    await witness.arrived(2);
    expect(await receiver.seen()).toHaveLength(1);
    expect((await call("GET", deliveryPath(tenant, event.deliveries[0]))).status).toBe(404);
  });

  it("cancels what was held, and keeps what was done", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const done = await post(tenant);
    await delivery(tenant, done.deliveries[0], "succeeded");
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${id}`, { enabled: false });
    const held = await post(tenant);
    await delivery(tenant, held.deliveries[0], "held");
    await call("DELETE", `/v1/tenants/${tenant}/endpoints/${id}`);
    const status = async (event: string) =>
      (await call("GET", `/v1/tenants/${tenant}/events/${event}`)).body.deliveries[0].status;
    expect(await status(held.id)).toBe("canceled");
    expect(await status(done.id)).toBe("succeeded");
  });

  it("lets an attempt that is under way end as it ends", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ delayMs: 500, status: 500 });
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [1] });
    const event = await post(tenant);
    await receiver.arrived();
    await call("DELETE", `/v1/tenants/${tenant}/endpoints/${id}`);
    const witness = await newReceiver({ delayMs: 500, status: 500 }, {});
    await newEndpoint(tenant, witness.url, { retry: [1] });
    await post(tenant);
    await witness.arrived(2);
    expect(await receiver.seen()).toHaveLength(1);
    const { body } = await call("GET", `/v1/tenants/${tenant}/events/${event.id}`);
    expect(body.deliveries[0].status).toBe("canceled");
  });
});

describe.concurrent("an event for several endpoints", () => {
  it("is one delivery each, and each fares for itself", async ({ expect }) => {
    const tenant = await newTenant();
    const [good, bad] = [await newReceiver(), await newReceiver({ status: 500 })];
    const first = await newEndpoint(tenant, good.url, { events: ["*"] });
    const second = await newEndpoint(tenant, bad.url, { events: ["lead.hot"], retry: [] });
    const none = await newReceiver();
    await newEndpoint(tenant, none.url, { events: [] });
    const { id, deliveries } = await post(tenant);
    expect(deliveries).toHaveLength(2);
    const of = (endpoint: string) => deliveries.find((ref: { endpoint: string }) => ref.endpoint === endpoint);
    await delivery(tenant, of(first.id), "succeeded");
    await delivery(tenant, of(second.id), "failed");
    const [[one], [other]] = [await good.seen(), await bad.seen()];
    expect(one?.headers["x-webhook-id"]).toBe(of(first.id).id);
    expect(other?.headers["x-webhook-id"]).toBe(of(second.id).id);
    expect(one?.body).toBe(other?.body);
    expect(one?.headers["x-webhook-signature"]).not.toBe(other?.headers["x-webhook-signature"]);
    expect(await none.seen()).toEqual([]);
    const read = await call("GET", `/v1/tenants/${tenant}/events/${id}`);
    expect(read.body.deliveries.map(({ status }: { status: string }) => status).toSorted()).toEqual([
      "failed",
      "succeeded",
    ]);
  });

  it('reaches one with ["*"] whatever its type, and one with [] never', async ({ expect }) => {
    const tenant = await newTenant();
    const [all, none] = [await newReceiver(), await newReceiver()];
    await newEndpoint(tenant, none.url, { events: [] });
    await newEndpoint(tenant, all.url, { events: ["*"] });
    for (const type of ["lead.hot", "company.identified", "x"]) await post(tenant, type);
    const types = (await all.arrived(3)).map(({ headers }) => headers["x-webhook-event"]);
    expect(types.toSorted()).toEqual(["company.identified", "lead.hot", "x"]);
    expect(await none.seen()).toEqual([]);
  });
});
