import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { app } from "../../src/api/app";
import type { EventLogContract } from "../../src/contracts/event-log";
import worker, { Endpoint, EventLog, Retries } from "../../src/index";
import { Sql } from "../../src/lib/sql";
import { type Answered, call, delivery, newEndpoint, newReceiver, newTenant, post, requestTo, until } from "../lib/api";
import { appendOnly } from "./harness";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** How many messages bring something of a tenant from now on. */
function messagesOf(tenant: string): () => number {
  const batches = vi.spyOn(worker, "queue");
  const isOf = ({ body }: Message) => JSON.stringify(body).includes(`"${tenant}"`);
  return () => batches.mock.calls.reduce((sum, [{ messages }]) => sum + messages.filter(isOf).length, 0);
}

async function tenantWith(endpoints = 1, fields: object = {}) {
  const tenant = await newTenant();
  const receiver = await newReceiver();
  for (let i = 0; i < endpoints; i++) await newEndpoint(tenant, receiver.url, fields);
  return { tenant, receiver };
}

/** That all deliveries of an event, or of several, succeed. */
async function succeed(tenant: string, ...events: { deliveries: { id: string; endpoint: string }[] }[]) {
  for (const { deliveries } of events) for (const ref of deliveries) await delivery(tenant, ref, "succeeded");
}

describe("an event that comes alone", () => {
  it("is delivered to six endpoints without a message, each told once", async ({ expect }) => {
    const { tenant, receiver } = await tenantWith(6);
    const messages = messagesOf(tenant);
    const record = vi.spyOn(Endpoint.prototype, "record");
    for (let i = 0; i < 3; i++) await succeed(tenant, await post(tenant));
    expect(await receiver.seen()).toHaveLength(18);
    expect(record).toHaveBeenCalledTimes(18);
    expect(messages()).toBe(0);
  });

  it("so is one that brings its own address", async ({ expect }) => {
    const { tenant, receiver } = await tenantWith(0);
    const messages = messagesOf(tenant);
    const path = `/v1/tenants/${tenant}/events?webhook_url=${encodeURIComponent(receiver.url)}`;
    expect((await call("POST", path, { event: "lead.hot", data: {} })).status).toBe(202);
    await receiver.arrived(1);
    expect(messages()).toBe(0);
  });

  it("goes by the queue to seven endpoints, or to one that may take longer than there is time", async ({ expect }) => {
    for (const { tenant } of [await tenantWith(7), await tenantWith(1, { timeout: 26 })]) {
      const messages = messagesOf(tenant);
      await succeed(tenant, await post(tenant));
      expect(messages()).toBeGreaterThan(0);
    }
  });

  it("is delivered to a receiver that hangs, and its row owns it before the attempt ends", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ misbehave: "hang" });
    const { id } = await newEndpoint(tenant, receiver.url, { timeout: 3, retry: [3600] });
    const messages = messagesOf(tenant);
    const [ref] = (await post(tenant)).deliveries;
    const object = env.ENDPOINT.getByName(`${tenant}/${id}`);
    const { records } = await until("the row", async () => {
      const looked = await object.look([ref.id]);
      return looked.records[0] !== null && looked;
    });
    expect(records[0]).toMatchObject({ status: "pending", attempts: 0 });
    expect(await delivery(tenant, ref, "retrying")).toMatchObject({ attempts: 1, lastError: "timeout" });
    expect(messages()).toBe(0);
  });

  it("is delivered though its caller hangs up before the log has answered", async ({ expect }) => {
    const { tenant, receiver } = await tenantWith();
    const written = Promise.withResolvers<void>();
    const answers = Promise.withResolvers<void>();
    const late = (log: EventLogContract) => ({
      async append(...parameters: Parameters<EventLogContract["append"]>) {
        const result = await log.append(...parameters);
        written.resolve();
        await answers.promise;
        return result;
      },
    });
    const namespace = { getByName: (name: string) => late(env.EVENT_LOG.getByName(name) as never) };
    const rests: Promise<unknown>[] = [];
    const context = { waitUntil: (rest: Promise<unknown>) => rests.push(rest) } as unknown as ExecutionContext;
    const bearer = { Authorization: `Bearer ${env.OPERATOR_KEY}` };
    const request = requestTo("POST", `/v1/tenants/${tenant}/events`, { event: "lead.hot", data: {} }, bearer);
    void app.fetch(request, { ...env, EVENT_LOG: namespace } as never, context);
    await written.promise;
    // From here on only what the platform was asked to wait for goes on.
    expect(rests).toHaveLength(1);
    answers.resolve();
    for (let rest = rests.shift(); rest !== undefined; rest = rests.shift()) await rest;
    expect(await receiver.seen()).toHaveLength(1);
  });
});

describe("by the queue, as ever,", () => {
  it("go events that come together, but for the first", async ({ expect }) => {
    const { tenant } = await tenantWith();
    const messages = messagesOf(tenant);
    const append = vi.spyOn(EventLog.prototype, "append");
    await succeed(tenant, ...(await Promise.all(Array.from({ length: 20 }, () => post(tenant)))));
    const results = await Promise.all(append.mock.results.map(({ value }) => value));
    const direct = results.filter((result) => "direct" in result).length;
    expect(direct).toBeGreaterThan(0);
    expect(direct).toBeLessThan(20);
    expect(messages()).toBeGreaterThan(0);
  });

  it("go batches and replays", async ({ expect }) => {
    const { tenant, receiver } = await tenantWith();
    const messages = messagesOf(tenant);
    const { body } = await call("POST", `/v1/tenants/${tenant}/events/batch`, {
      events: [{ event: "lead.hot", data: {} }],
    });
    await succeed(tenant, ...body.data);
    expect(messages()).toBe(1);
    const { id } = await appendOnly(tenant, []);
    await call("POST", `/v1/tenants/${tenant}/events/${id}/replay`);
    await receiver.arrived(2);
    expect(messages()).toBe(2);
  });

  it("goes what an endpoint could not be asked about, a few seconds later", async ({ expect }) => {
    const { tenant } = await tenantWith();
    const messages = messagesOf(tenant);
    vi.spyOn(Endpoint.prototype, "admit").mockRejectedValueOnce(new Error("out of reach"));
    await succeed(tenant, await post(tenant));
    expect(messages()).toBe(1);
  });
});

describe("what is due again", () => {
  /** An endpoint with some deliveries whose first attempts have failed, and which are due now. */
  async function dueAgain(deliveries: number, fields: object = {}, delayMs = 0) {
    const { tenant, receiver } = await tenantWith(0);
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [3600, 3600], ...fields });
    await receiver.answer({ status: 500, delayMs });
    const { body } = await call("POST", `/v1/tenants/${tenant}/events/batch`, {
      events: Array.from({ length: deliveries }, () => ({ event: "lead.due", data: {} })),
    });
    const refs: { id: string; endpoint: string }[] = body.data.flatMap(
      ({ deliveries }: Answered["body"]) => deliveries,
    );
    for (const ref of refs) await delivery(tenant, ref, "retrying");
    return { tenant, receiver, id, refs };
  }

  /** The alarm goes off when all is due. */
  async function ring(tenant: string, endpoint: string) {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 4_000_000);
    await runDurableObjectAlarm(env.ENDPOINT.getByName(`${tenant}/${endpoint}`) as never);
    vi.useRealTimers();
  }

  it("is sent by the alarm up to six at once, without a message, and written down before it ends", async ({
    expect,
  }) => {
    const { tenant, receiver, id, refs } = await dueAgain(6);
    await receiver.answer({});
    const messages = messagesOf(tenant);
    const record = vi.spyOn(Endpoint.prototype, "record");
    await ring(tenant, id);
    const { records } = await env.ENDPOINT.getByName(`${tenant}/${id}`).look(refs.map((ref) => ref.id));
    expect(records.map((row) => [row?.status, row?.attempts])).toEqual(Array(6).fill(["succeeded", 2]));
    expect(messages()).toBe(0);
    expect(record).not.toHaveBeenCalled();
  });

  it("goes by the queue where it is more", async ({ expect }) => {
    const { tenant, receiver, id, refs } = await dueAgain(7, {}, 150);
    await receiver.answer({});
    const messages = messagesOf(tenant);
    await ring(tenant, id);
    for (const ref of refs) await delivery(tenant, ref, "succeeded");
    expect(messages()).toBeGreaterThan(0);
  });

  it("keeps the alarm for a second at most, and is told when it ends", async ({ expect }) => {
    const { tenant, receiver, id, refs } = await dueAgain(1, { timeout: 3 });
    await receiver.answer({ misbehave: "hang" });
    const messages = messagesOf(tenant);
    await ring(tenant, id);
    // The alarm is through, and the attempt is not.
    const { records } = await env.ENDPOINT.getByName(`${tenant}/${id}`).look([refs[0]?.id ?? ""]);
    expect(records[0]).toMatchObject({ status: "retrying", attempts: 1 });
    const told = await until("the timeout", async () => {
      const { attemptLog } = await delivery(tenant, refs[0] as never, "retrying");
      return attemptLog.length === 2 && attemptLog;
    });
    expect(told[1]).toMatchObject({ number: 2, error: "timeout" });
    expect(messages()).toBe(0);
  });

  it("is its lease's when the entry point is out of reach", async ({ expect }) => {
    const { tenant, id, refs } = await dueAgain(1);
    vi.spyOn(Retries.prototype, "send").mockRejectedValueOnce(new Error("out of reach"));
    await ring(tenant, id);
    const object = env.ENDPOINT.getByName(`${tenant}/${id}`);
    const alarm = await runInDurableObject(object as never, (_, { storage }) => storage.getAlarm());
    expect(alarm).not.toBeNull();
    expect((await object.look([refs[0]?.id ?? ""])).records[0]).toMatchObject({ status: "retrying", attempts: 1 });
  });
});

it("what is delivered directly writes no more rows than what comes by a message", async ({ expect }) => {
  const { tenant } = await tenantWith();
  await succeed(tenant, await post(tenant));
  const count = async (path: string, body: object) => {
    let rows = 0;
    const all = Sql.prototype.all;
    const spy = vi.spyOn(Sql.prototype, "all").mockImplementation(function (this: Sql, ...parameters) {
      const before = this.rowsWritten;
      const result = all.apply(this, parameters) as never[];
      rows += this.rowsWritten - before;
      return result;
    });
    const { body: answer } = await call("POST", `/v1/tenants/${tenant}/${path}`, body);
    await succeed(tenant, ...(answer.data ?? [answer]));
    spy.mockRestore();
    return rows;
  };
  const event = { event: "lead.hot", data: {} };
  expect([await count("events", event), await count("events/batch", { events: [event] })]).toEqual([2, 2]);
});
