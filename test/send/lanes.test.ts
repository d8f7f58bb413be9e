import { createMessageBatch, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import worker from "../../src/index";
import { call, delivery, deliveryPath, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { appendOnly, consumeWhole, endpointObject, failures, messageFor } from "./harness";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Moves the clock ahead, so that alarms that are set from now on do not fire by themselves. */
function holdAlarms(): void {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + 3_600_000);
}

/** The queue that brought a batch, whichever of its kind it is. */
const kindOf = ([{ queue }]: [{ queue: string }, ...unknown[]]) => queue.replace(/-\d+$/, "");

describe("an endpoint that has begun to fail", () => {
  it("gets new events by its alarm after three failed attempts", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 }, { status: 500 }, { status: 500 }, {});
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [3600] });
    for (let i = 1; i <= 3; i++) {
      await post(tenant);
      await failures(tenant, id, i);
    }
    holdAlarms();
    const [ref] = (await post(tenant, "lead.slow")).deliveries;
    const path = deliveryPath(tenant, ref);
    const waiting = await until("the wait", async () => {
      const { body } = await call("GET", path);
      return body.waitReason !== null && body;
    });
    expect(waiting).toMatchObject({ status: "pending", waitReason: "slow", attempts: 0 });
    expect(waiting.nextAttemptAt).not.toBeNull();
    expect(await receiver.seen()).toHaveLength(3);

    const batches = vi.spyOn(worker, "queue");
    await runDurableObjectAlarm(endpointObject(tenant, id));
    const done = await delivery(tenant, ref, "succeeded");
    expect(done).toMatchObject({ attempts: 1, waitReason: null });
    expect(done.attemptLog[0].trigger).toBe("scheduled");
    // One by itself the alarm has sent: it is in nobody's way.
    const queues = batches.mock.calls.filter(([batch]) => JSON.stringify(batch.messages).includes(ref.id));
    expect(queues).toEqual([]);
  });

  it("gets new events by the slow lane after one timeout", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ misbehave: "hang" }, {});
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [3600], timeout: 1 });
    const [first] = (await post(tenant)).deliveries;
    await delivery(tenant, first, "retrying");
    const batches = vi.spyOn(worker, "queue");
    const [ref] = (await post(tenant)).deliveries;
    await delivery(tenant, ref, "succeeded");
    const sent = batches.mock.calls.filter(([batch]) => JSON.stringify(batch.messages).includes(ref.id));
    expect(sent.map(kindOf)).toEqual(["deliveries-slow"]);

    // The success has ended it: the next event goes straight through.
    batches.mockClear();
    const [next] = (await post(tenant)).deliveries;
    await delivery(tenant, next, "succeeded");
    const straight = batches.mock.calls.filter(([batch]) => JSON.stringify(batch.messages).includes(next.id));
    expect(straight).toEqual([]);
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints/${id}/health`)).body.state).toBe("healthy");
  });

  it("is told as failing, and as healthy after a success", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 }, {});
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [3600], disableAfter: 700 });
    const path = `/v1/tenants/${tenant}/endpoints/${id}/health`;
    const [first] = (await post(tenant)).deliveries;
    const { attemptLog } = await delivery(tenant, first, "retrying");
    const failing = (await call("GET", path)).body;
    expect(failing).toMatchObject({ state: "failing", failingSince: attemptLog[0].at, consecutiveFailures: 1 });
    expect(failing.window).toEqual([true, false, false, false, false, false, false]);
    expect(Date.parse(failing.disablesAt) - Date.parse(failing.failingSince)).toBe(700_000);
    const [next] = (await post(tenant)).deliveries;
    await delivery(tenant, next, "succeeded");
    expect((await call("GET", path)).body).toMatchObject({
      state: "healthy",
      failingSince: null,
      disablesAt: null,
      window: Array(7).fill(false),
      consecutiveFailures: 0,
    });
  });

  it("is disabled by the failed attempt that completes its window", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [], disableAfter: 700 });
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    const start = Date.now();
    vi.useFakeTimers({ toFake: ["Date"] });
    // The first opens the window, the second marks its second part, the third falls on its end.
    for (const [seconds, state] of [
      [0, "failing"],
      [150, "failing"],
      [701, "disabled"],
    ] as const) {
      vi.setSystemTime(start + seconds * 1_000);
      const [ref] = (await post(tenant)).deliveries;
      await delivery(tenant, ref, "failed");
      expect((await call("GET", `${path}/health`)).body.state, `${seconds} s`).toBe(state);
    }
    const off = await until("the copy", async () => {
      const { body } = await call("GET", path);
      return !body.enabled && body;
    });
    expect(off).toMatchObject({ disabledReason: "failing", disabledAt: new Date(start + 701_000).toISOString() });
    const [held] = (await post(tenant)).deliveries;
    await delivery(tenant, held, "held");
    expect(await receiver.seen()).toHaveLength(3);

    expect((await call("PATCH", path, { enabled: true })).body).toMatchObject({ enabled: true, disabledReason: null });
    expect((await call("GET", `${path}/health`)).body).toMatchObject({ state: "healthy", consecutiveFailures: 0 });
  });
});

describe("an endpoint whose last ten attempts failed", () => {
  it("is sent nothing while its breaker is open, and health, delivery and explanation say so", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [3600] });
    for (let i = 1; i <= 10; i++) {
      await post(tenant);
      await failures(tenant, id, i);
    }
    const { breaker } = (await call("GET", `/v1/tenants/${tenant}/endpoints/${id}/health`)).body;
    expect(breaker).toEqual({ state: "open", until: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect(Date.parse(breaker.until) - Date.now()).toBeLessThanOrEqual(30_000);
    const event = await post(tenant);
    const waiting = await until("the wait", async () => {
      const { body } = await call("GET", deliveryPath(tenant, event.deliveries[0]));
      return body.waitReason !== null && body;
    });
    expect(waiting).toMatchObject({
      status: "pending",
      waitReason: "breaker",
      attempts: 0,
      nextAttemptAt: breaker.until,
    });
    const { data } = (await call("GET", `/v1/tenants/${tenant}/events/${event.id}/explain`)).body;
    expect(data).toMatchObject([{ outcome: "waiting", detail: expect.stringContaining(breaker.until) }]);
    expect(await receiver.seen()).toHaveLength(10);

    // A test goes out all the same, and does not count.
    expect((await call("POST", `/v1/tenants/${tenant}/endpoints/${id}/test`, { event: "x", data: {} })).status).toBe(
      200,
    );
    expect(await receiver.seen()).toHaveLength(11);

    // Enabling the endpoint anew closes it.
    for (const enabled of [false, true]) await call("PATCH", `/v1/tenants/${tenant}/endpoints/${id}`, { enabled });
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints/${id}/health`)).body).toMatchObject({
      state: "healthy",
      consecutiveFailures: 0,
      breaker: { state: "closed", until: null },
    });
  });
});

describe("a receiver that hangs", () => {
  it("keeps nobody else in its batch waiting", async ({ expect }) => {
    const tenant = await newTenant();
    const [hanging, quick] = [await newReceiver({ misbehave: "hang" }), await newReceiver()];
    const slow = await newEndpoint(tenant, hanging.url, { timeout: 2, retry: [3600] });
    const fast = await newEndpoint(tenant, quick.url);
    const messages = [];
    for (let i = 0; i < 8; i++) {
      const [ref] = (await appendOnly(tenant, [slow.id])).refs;
      if (ref) messages.push(messageFor(tenant, slow.id, ref));
    }
    const [ref] = (await appendOnly(tenant, [fast.id])).refs;
    if (ref === undefined) throw new Error("no delivery");
    // The one for the quick receiver stands last.
    const bodies = [...messages, messageFor(tenant, fast.id, ref)];
    const batch = bodies.map((body, i) => ({ id: `m${i}`, timestamp: new Date(), attempts: 1, body }));
    const batches = vi.spyOn(worker, "queue");
    const consumed = consumeWhole(createMessageBatch("deliveries", batch), env);
    await delivery(tenant, ref, "succeeded");
    // Recorded while the others still hang: none of them has come to an end.
    const { body } = await call("GET", `/v1/tenants/${tenant}/endpoints/${slow.id}/deliveries`);
    expect(body.data.filter(({ attempts }: { attempts: number }) => attempts > 0)).toEqual([]);
    await consumed;
    // Once the first were seen to hang, what was left of the batch was put back: it comes by the slow lane.
    await failures(tenant, slow.id, 8);
    expect(await hanging.seen()).toHaveLength(8);
    expect(new Set(batches.mock.calls.map(kindOf))).toEqual(new Set(["deliveries-slow"]));
  });
});
