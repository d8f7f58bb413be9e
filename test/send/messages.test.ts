import {
  createExecutionContext,
  createMessageBatch,
  getQueueResult,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { Endpoint, EventLog } from "../../src/index";
import { DAY, dayOf, dayStart } from "../../src/lib/time";
import { call, delivery, deliveryPath, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { appendOnly, consumeWhole, endpointObject, logObject, messageFor, nothingIsDue } from "./harness";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function travel(ms: number): void {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(now + ms);
}

async function deadLetters(): Promise<{ count: number; lastAt: string | null }> {
  return (await call("GET", "/health")).body.deadLetters;
}

/** Hands the consumer one message, as the queue would, and answers what it did with it. */
async function consumeOne(body: unknown, attempts = 1): Promise<"acked" | "back"> {
  const batch = createMessageBatch("deliveries", [{ id: "m", timestamp: new Date(), attempts, body }]);
  const context = createExecutionContext();
  await consumeWhole(batch, env);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, context);
  if (explicitAcks.includes("m") && retryMessages.length === 0) return "acked";
  if (retryMessages.some(({ msgId }) => msgId === "m") && explicitAcks.length === 0) return "back";
  throw new Error("the message was neither acked nor sent back");
}

describe("a message that nobody can read", () => {
  it("ends in the count of dead letters, once, and keeps nothing waiting", async ({ expect }) => {
    const before = await deadLetters();
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url);
    const { id } = (await post(tenant)).deliveries[0];
    const garbage = [
      { garbage: true },
      "text",
      null,
      { tenant, endpoint: "ep_x", version: 1, deliveries: [] },
      { tenant, endpoint: "ep_x", version: 1, deliveries: [{ id: "dlv_none", type: "x" }] },
      { tenant, endpoint: "ep_x", version: 1, deliveries: [{ id, type: "x", text: { data: 5 } }] },
    ];
    await env.DELIVERIES.sendBatch(garbage.map((body) => ({ body: body as never })));
    await env.DELIVERIES_SLOW.send({ garbage: true } as never);
    const counted = await until("the count", async () => {
      const now = await deadLetters();
      return now.count >= before.count + garbage.length + 1 && now;
    });
    expect(counted.count).toBe(before.count + garbage.length + 1);
    expect(Date.parse(counted.lastAt ?? "")).toBeGreaterThan(Date.now() - 60_000);
    await post(tenant);
    await receiver.arrived(2);
    expect((await deadLetters()).count).toBe(counted.count);
  });

  it("goes back to the queue while the dead letters are out of reach", async ({ expect }) => {
    vi.spyOn(env.DELIVERIES_DEAD, "send").mockRejectedValue(new Error("Queues is out"));
    expect(await consumeOne({ garbage: true })).toBe("back");
  });

  it("is not one for an endpoint that is not there: nothing is owed, nothing is counted", async ({ expect }) => {
    const tenant = await newTenant();
    const [ref] = (await appendOnly(tenant, ["ep_none"])).refs;
    expect(await consumeOne(messageFor(tenant, "ep_none", ref!))).toBe("acked");
  });
});

describe("a message that comes twice", () => {
  it("sends nothing when its delivery is done", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url);
    const [ref] = (await post(tenant)).deliveries;
    const before = await delivery(tenant, ref, "succeeded");
    const message = messageFor(tenant, id, { id: ref.id, type: "lead.hot" });
    expect(await consumeOne(message)).toBe("acked");
    expect(await consumeOne({ ...message, deliveries: [message.deliveries[0], message.deliveries[0]] })).toBe("acked");
    expect((await call("GET", deliveryPath(tenant, ref))).body).toEqual(before);
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("sends nothing when its delivery has failed for good", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [] });
    const [ref] = (await post(tenant)).deliveries;
    const before = await delivery(tenant, ref, "failed");
    expect(await consumeOne(messageFor(tenant, id, { id: ref.id, type: "lead.hot" }))).toBe("acked");
    expect((await call("GET", deliveryPath(tenant, ref))).body).toEqual(before);
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("sends nothing while its delivery waits for its retry, nor moves it", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [3600] });
    const [ref] = (await post(tenant)).deliveries;
    const before = await delivery(tenant, ref, "retrying");
    expect(await consumeOne(messageFor(tenant, id, { id: ref.id, type: "lead.hot" }))).toBe("acked");
    expect((await call("GET", deliveryPath(tenant, ref))).body).toEqual(before);
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("sends nothing while its delivery is under way", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ delayMs: 700 });
    const { id } = await newEndpoint(tenant, receiver.url);
    const [ref] = (await post(tenant)).deliveries;
    await receiver.arrived();
    const message = messageFor(tenant, id, { id: ref.id, type: "lead.hot" });
    expect(await Promise.all([consumeOne(message), consumeOne(message)])).toEqual(["acked", "acked"]);
    expect(await delivery(tenant, ref, "succeeded")).toMatchObject({ attempts: 1 });
    await nothingIsDue(expect, tenant, id);
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("sends nothing when the same delivery stands in two messages of a batch", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url);
    const [ref] = (await appendOnly(tenant, [id])).refs;
    const body = messageFor(tenant, id, ref!);
    await env.DELIVERIES.sendBatch([{ body }, { body }]);
    expect(await delivery(tenant, ref!, "succeeded")).toMatchObject({ attempts: 1 });
    expect(await receiver.seen()).toHaveLength(1);
  });
});

describe("an Endpoint object that is out of reach", () => {
  it("turns nothing into failed, and delivers once it is back", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url);
    const admit = vi.spyOn(Endpoint.prototype, "admit").mockRejectedValueOnce(new Error("out of reach"));
    const [ref] = (await post(tenant)).deliveries;
    await until("the refusal", async () => admit.mock.calls.length >= 1);
    expect((await call("GET", deliveryPath(tenant, ref))).body).toMatchObject({ status: "pending", attempts: 0 });
    expect(await delivery(tenant, ref, "succeeded")).toMatchObject({ attempts: 1, lastError: null });
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("gets its messages back however often it takes, later each time", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const [ref] = (await appendOnly(tenant, [id])).refs;
    const admit = vi.spyOn(Endpoint.prototype, "admit").mockRejectedValue(new Error("out of reach"));
    const delays: number[] = [];
    for (const attempts of [1, 2, 3, 10, 11]) {
      const body = messageFor(tenant, id, ref!);
      const batch = createMessageBatch("deliveries", [{ id: "m", timestamp: new Date(), attempts, body }]);
      // The runner's own account of a batch leaves the delay out.
      const retry = vi.spyOn(Object.getPrototypeOf(batch.messages[0]), "retry");
      await consumeWhole(batch, env);
      const { retryMessages } = await getQueueResult(batch, createExecutionContext());
      expect(retryMessages.map(({ msgId }) => msgId)).toEqual(["m"]);
      delays.push((retry.mock.lastCall?.[0] as QueueRetryOptions | undefined)?.delaySeconds ?? 0);
    }
    // Each twice as long, up to ten minutes.
    expect(delays).toEqual([5, 10, 20, 600, 600]);
    admit.mockRestore();
    expect(await consumeOne(messageFor(tenant, id, ref!))).toBe("acked");
    await delivery(tenant, ref!, "succeeded");
  });

  it("keeps no other endpoint of the batch from its events", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const [broken, sound] = [
      await newEndpoint(tenant, (await newReceiver()).url),
      await newEndpoint(tenant, receiver.url),
    ];
    const { refs } = await appendOnly(tenant, [broken.id, sound.id]);
    const admit = Endpoint.prototype.admit;
    vi.spyOn(Endpoint.prototype, "admit").mockImplementation(async function (this: Endpoint, request) {
      if (request.deliveries.some(({ id }) => id === refs[0]?.id)) throw new Error("out of reach");
      return admit.call(this, request);
    });
    const bodies = [messageFor(tenant, broken.id, refs[0]!), messageFor(tenant, sound.id, refs[1]!)];
    const messages = bodies.map((body, i) => ({ id: `m${i}`, timestamp: new Date(), attempts: 1, body }));
    const batch = createMessageBatch("deliveries", messages);
    await consumeWhole(batch, env);
    const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
    expect(explicitAcks).toEqual(["m1"]);
    expect(retryMessages.map(({ msgId }) => msgId)).toEqual(["m0"]);
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("brings a message for two endpoints back, and the other gets its event once", async ({ expect }) => {
    const tenant = await newTenant();
    const receivers = [await newReceiver(), await newReceiver()];
    const endpoints: string[] = [];
    for (const { url } of receivers) endpoints.push((await newEndpoint(tenant, url)).id);
    // Whichever of them is settled first.
    for (const broken of [0, 1]) {
      const { refs } = await appendOnly(tenant, endpoints);
      const admit = Endpoint.prototype.admit;
      const spy = vi.spyOn(Endpoint.prototype, "admit").mockImplementation(async function (this: Endpoint, request) {
        if (request.deliveries.some(({ id }) => id === refs[broken]?.id)) throw new Error("out of reach");
        return admit.call(this, request);
      });
      const shares = refs.map(({ id, type, endpoint }) => ({ endpoint, version: 1, deliveries: [{ id, type }] }));
      expect(await consumeOne({ tenant, shares })).toBe("back");
      spy.mockRestore();
      for (const [i, receiver] of receivers.entries()) {
        expect(await receiver.seen()).toHaveLength(broken + (i === broken ? 0 : 1));
      }
      expect(await consumeOne({ tenant, shares }, 2)).toBe("acked");
      for (const receiver of receivers) expect(await receiver.seen()).toHaveLength(broken + 1);
    }
  });

  it("is asked again when an outcome cannot be written down, and the outcome counts once", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url);
    const record = vi.spyOn(Endpoint.prototype, "record").mockRejectedValueOnce(new Error("out of reach"));
    const [ref] = (await post(tenant)).deliveries;
    expect(await delivery(tenant, ref, "succeeded")).toMatchObject({ attempts: 1 });
    expect(record.mock.calls.length).toBe(2);
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("sends again when it never learned the outcome, and only after the lease", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url);
    const [ref] = (await appendOnly(tenant, [id])).refs;
    const message = messageFor(tenant, id, ref!);
    const record = vi.spyOn(Endpoint.prototype, "record").mockRejectedValue(new Error("out of reach"));
    expect(await consumeOne(message)).toBe("back");
    record.mockRestore();
    expect(await receiver.seen()).toHaveLength(1);
    // The message is back: somebody may still be sending, so the delivery waits for the lease's end.
    expect(await consumeOne(message, 2)).toBe("acked");
    expect(await receiver.seen()).toHaveLength(1);
    expect((await call("GET", deliveryPath(tenant, ref!))).body.status).toBe("pending");
    travel(61_000);
    await runDurableObjectAlarm(endpointObject(tenant, id));
    expect(await delivery(tenant, ref!, "succeeded")).toMatchObject({ attempts: 1 });
    expect(await receiver.seen()).toHaveLength(2);
  });
});

describe("an EventLog that is out of reach", () => {
  it("uses up no attempt of a delivery whose text it holds", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [] });
    const [ref] = (await appendOnly(tenant, [id])).refs;
    vi.spyOn(EventLog.prototype, "read").mockRejectedValueOnce(new Error("out of reach"));
    expect(await consumeOne(messageFor(tenant, id, ref!))).toBe("back");
    expect(await receiver.seen()).toEqual([]);
    expect(await consumeOne(messageFor(tenant, id, ref!), 2)).toBe("acked");
    travel(61_000);
    await runDurableObjectAlarm(endpointObject(tenant, id));
    expect(await delivery(tenant, ref!, "succeeded")).toMatchObject({ attempts: 1 });
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("accepts nothing: the caller is told to try again", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url);
    const error = Object.assign(new Error("Durable Object is overloaded"), { overloaded: true });
    vi.spyOn(EventLog.prototype, "append").mockRejectedValueOnce(error);
    const refused = await call("POST", `/v1/tenants/${tenant}/events`, { event: "lead.lost", data: {} });
    expect(refused.status).toBeGreaterThanOrEqual(500);
    expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
    expect(refused.text).not.toContain("overloaded");
    await post(tenant, "lead.next");
    expect((await receiver.arrived()).map(({ headers }) => headers["x-webhook-event"])).toEqual(["lead.next"]);
  });
});

describe("an event whose messages never left", () => {
  it("is handed to its endpoints by its log's alarm and delivered", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url);
    const log = logObject(tenant);
    const event = await appendOnly(tenant, [id], '{"2":1.0,"1":2}');
    const [ref] = event.refs;
    expect((await call("GET", deliveryPath(tenant, ref!))).body.status).toBe("pending");
    travel(301_000);
    await runDurableObjectAlarm(log);
    const adopted = (await call("GET", deliveryPath(tenant, ref!))).body;
    expect(adopted).toMatchObject({ status: "pending", attempts: 0 });
    expect(Date.parse(adopted.nextAttemptAt)).toBeGreaterThan(Date.now());
    expect(await receiver.seen()).toEqual([]);
    travel(Date.parse(adopted.nextAttemptAt) - Date.now());
    await runDurableObjectAlarm(endpointObject(tenant, id));
    expect(await delivery(tenant, ref!, "succeeded")).toMatchObject({ attempts: 1 });
    const [request] = await receiver.seen();
    expect(request?.body).toContain('"data":{"2":1.0,"1":2}');
    // Its log has nothing left to hand over, and a second run of the alarm sends nothing.
    await runDurableObjectAlarm(log);
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("is not handed over while its message may be on its way: only what is older", async ({ expect }) => {
    // At noon of tomorrow: no midnight comes in between, and no alarm rings by itself.
    travel(dayStart(dayOf(Date.now())) + 1.5 * DAY - Date.now());
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const log = logObject(tenant);
    const [old] = (await appendOnly(tenant, [id])).refs;
    // Half of RECONCILE_AFTER_SECONDS must have passed.
    travel(140_000);
    const [young] = (await appendOnly(tenant, [id])).refs;
    const adopt = vi.spyOn(Endpoint.prototype, "adopt");
    const handedOver = () => adopt.mock.calls.flatMap(([refs]) => refs.map((ref) => ref.id));
    await runDurableObjectAlarm(log);
    expect(handedOver()).toEqual([]);
    travel(161_000);
    const [newest] = (await appendOnly(tenant, [id])).refs;
    await runDurableObjectAlarm(log);
    expect(handedOver()).toEqual([old?.id, young?.id]);
    travel(140_000);
    await runDurableObjectAlarm(log);
    expect(handedOver()).toHaveLength(2);
    travel(11_000);
    await runDurableObjectAlarm(log);
    expect(handedOver()).toEqual([old?.id, young?.id, newest?.id]);
  });

  it("is canceled when its endpoint was deleted meanwhile", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url);
    const log = logObject(tenant);
    const event = await appendOnly(tenant, [id]);
    await call("DELETE", `/v1/tenants/${tenant}/endpoints/${id}`);
    travel(301_000);
    await runDurableObjectAlarm(log);
    const { body } = await call("GET", `/v1/tenants/${tenant}/events/${event.id}`);
    expect(body.deliveries).toEqual([expect.objectContaining({ status: "canceled" })]);
    // What is left is the end of retention.
    const next = await runInDurableObject(log as unknown as DurableObjectStub, (_, state) => state.storage.getAlarm());
    expect(next).toBeGreaterThan(Date.now() + DAY);
    expect(await receiver.seen()).toEqual([]);
  });

  it("is adopted from the dead letters as well, with a delay", async ({ expect }) => {
    const before = await deadLetters();
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url);
    const [ref] = (await appendOnly(tenant, [id])).refs;
    await env.DELIVERIES_DEAD.send(messageFor(tenant, id, ref!));
    const adopted = await until("the adoption", async () => {
      const { body } = await call("GET", deliveryPath(tenant, ref!));
      return body.nextAttemptAt !== null && body;
    });
    expect(adopted).toMatchObject({ status: "pending", attempts: 0 });
    expect(Date.parse(adopted.nextAttemptAt) - Date.now()).toBeGreaterThan(30_000);
    travel(Date.parse(adopted.nextAttemptAt) - Date.now());
    await runDurableObjectAlarm(endpointObject(tenant, id));
    await delivery(tenant, ref!, "succeeded");
    expect(await deadLetters()).toEqual(before);
  });
});
