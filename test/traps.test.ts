/**
 * What went wrong in other senders of webhooks, one test for each, found by `trap:`. Those of an endpoint's own memory
 * (due times, breaker, eviction, resend) stand with its tests.
 */
import { createExecutionContext, createMessageBatch, getQueueResult, runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { createHmac } from "node:crypto";
import { afterEach, describe, it, vi } from "vitest";
import { Announcer } from "../src/event-log/announce";
import { Endpoint, EventLog } from "../src/index";
import { seal, utf8 } from "../src/lib/crypto";
import {
  call,
  delivery,
  deliveryPath,
  misbehavingUrl,
  newEndpoint,
  newReceiver,
  newTenant,
  post,
  until,
} from "./lib/api";
import { appendOnly, consumeWhole, endpointObject, logObject, messageFor, nothingIsDue } from "./send/harness";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Hands the consumer one message, and answers what it did with it and the delay it asked for. */
async function consumeOne(body: unknown): Promise<{ acked: boolean; back: boolean; delay: number | undefined }> {
  const batch = createMessageBatch("deliveries", [{ id: "m", timestamp: new Date(), attempts: 1, body }]);
  const retry = vi.spyOn(Object.getPrototypeOf(batch.messages[0]), "retry");
  await consumeWhole(batch, env);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
  const { delaySeconds } = (retry.mock.lastCall?.[0] ?? {}) as QueueRetryOptions;
  retry.mockRestore();
  return { acked: explicitAcks.length === 1, back: retryMessages.length === 1, delay: delaySeconds };
}

/** An endpoint with a delivery that its log owns and no message has brought yet. */
async function undelivered(url: string, fields: object = {}) {
  const tenant = await newTenant();
  const endpoint = await newEndpoint(tenant, url, fields);
  const [ref] = (await appendOnly(tenant, [endpoint.id])).refs;
  if (ref === undefined) throw new Error("no delivery");
  return { tenant, endpoint, ref, message: messageFor(tenant, endpoint.id, ref) };
}

/** Writes what no request could into an endpoint's row, and answers its new version. */
async function write(id: string, column: "url" | "secret" | "headers", value: string): Promise<number> {
  const update = `UPDATE endpoints SET ${column} = ?, version = version + 1 WHERE id = ? RETURNING version`;
  const row = await env.DB.prepare(update).bind(value, id).first<{ version: number }>();
  return row?.version ?? 0;
}

function travel(ms: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
}

describe("the queue", () => {
  it("trap: a retry sent back without its delay", async ({ expect }) => {
    const receiver = await newReceiver({ status: 500 });
    const { tenant, ref, message } = await undelivered(receiver.url, { retry: [600] });
    vi.spyOn(Endpoint.prototype, "admit").mockRejectedValueOnce(new Error("out of reach"));
    const { acked, back, delay } = await consumeOne(message);
    expect([acked, back]).toEqual([false, true]);
    expect(delay).toBeGreaterThanOrEqual(5);
    // And of a failed attempt: not before its time, whoever asks.
    await consumeOne(message);
    const waiting = await delivery(tenant, ref, "retrying");
    expect(Date.parse(waiting.nextAttemptAt)).toBeGreaterThan(Date.now() + 590_000);
    await consumeOne(message);
    await runDurableObjectAlarm(endpointObject(tenant, ref.endpoint));
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("trap: a promise not awaited that dies with the handler", async ({ expect }) => {
    const receiver = await newReceiver({ delayMs: 400 });
    const { tenant, ref, message } = await undelivered(receiver.url);
    const recorded = Endpoint.prototype.record;
    vi.spyOn(Endpoint.prototype, "record").mockImplementation(async function (this: Endpoint, outcomes) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      return recorded.call(this, outcomes);
    });
    // The handler has no way to work on after it has answered, so all is done by then.
    expect(await consumeOne(message)).toMatchObject({ acked: true, back: false });
    expect((await call("GET", deliveryPath(tenant, ref))).body).toMatchObject({ status: "succeeded", attempts: 1 });
  });

  it("trap: an error swallowed and the message acked", async ({ expect }) => {
    const receiver = await newReceiver();
    const out = () => Promise.reject(new Error("out of reach"));
    const breakages: [what: string, break_: () => unknown][] = [
      ["the endpoint's object", () => vi.spyOn(Endpoint.prototype, "admit").mockImplementation(out)],
      ["the event's log", () => vi.spyOn(EventLog.prototype, "read").mockImplementation(out)],
      ["the record", () => vi.spyOn(Endpoint.prototype, "record").mockImplementation(out)],
    ];
    for (const [what, break_] of breakages) {
      const { tenant, ref, message } = await undelivered(receiver.url);
      break_();
      expect(await consumeOne(message), what).toMatchObject({ acked: false, back: true });
      vi.restoreAllMocks();
      // What came back is delivered in the end.
      travel(61_000);
      await consumeOne(message);
      await runDurableObjectAlarm(endpointObject(tenant, ref.endpoint));
      vi.useRealTimers();
      await delivery(tenant, ref, "succeeded");
    }
    const { tenant, endpoint, ref, message } = await undelivered(receiver.url);
    const version = await write(endpoint.id, "secret", "v1.00000000.AAAA.AAAA");
    expect(await consumeOne({ ...message, version }), "a secret that does not open").toMatchObject({ back: true });
    expect((await call("GET", deliveryPath(tenant, ref))).body).toMatchObject({ attempts: 0, lastError: null });
  });

  it("trap: a body over 128 KB through a queue", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url, { format: "flat" });
    const sent = vi.spyOn(env.DELIVERIES, "sendBatch");
    vi.spyOn(Announcer.prototype, "leaves").mockReturnValue(false);
    const data = { text: "ü".repeat(150_000) };
    const [ref] = (await post(tenant, "lead.hot", data)).deliveries;
    await delivery(tenant, ref, "succeeded");
    const [request] = await receiver.seen();
    expect(request?.body === JSON.stringify(data), "the body").toBe(true);
    const bytes = sent.mock.calls.flatMap(([messages]) =>
      [...messages].map(({ body }) => utf8(JSON.stringify(body)).byteLength),
    );
    expect(bytes.length).toBeGreaterThan(0);
    expect(Math.max(...bytes)).toBeLessThan(128_000);
  });

  it("trap: a duplicate queue message for a delivery in flight", async ({ expect }) => {
    const receiver = await newReceiver({ delayMs: 1_000 });
    const { tenant, ref, message } = await undelivered(receiver.url);
    const first = consumeOne(message);
    await receiver.arrived();
    await Promise.all([consumeOne(message), consumeOne(message)]);
    expect(await first).toMatchObject({ acked: true });
    expect(await delivery(tenant, ref, "succeeded")).toMatchObject({ attempts: 1 });
    await nothingIsDue(expect, tenant, ref.endpoint);
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("trap: an event row committed, its messages never sent", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url);
    vi.spyOn(Announcer.prototype, "leaves").mockReturnValue(false);
    vi.spyOn(env.DELIVERIES, "sendBatch").mockRejectedValue(new Error("Queues is out"));
    const [ref] = (await post(tenant)).deliveries;
    vi.restoreAllMocks();
    expect(await receiver.seen()).toEqual([]);
    const log = logObject(tenant);
    travel(301_000);
    await runDurableObjectAlarm(log);
    const { nextAttemptAt } = (await call("GET", deliveryPath(tenant, ref))).body;
    travel(Date.parse(nextAttemptAt) - Date.now());
    await runDurableObjectAlarm(endpointObject(tenant, id));
    await delivery(tenant, ref, "succeeded");
    expect(await receiver.seen()).toHaveLength(1);
  });
});

describe("an answer", () => {
  it("trap: 3xx counted as success; redirects followed with the signature header attached", async ({ expect }) => {
    for (const status of [300, 301, 302, 303, 304, 305, 307, 308]) {
      const target = await newReceiver();
      const receiver = await newReceiver({ status, headers: { Location: target.url }, body: "" });
      const { tenant, ref, message } = await undelivered(receiver.url, { retry: [] });
      await consumeOne(message);
      const failed = await delivery(tenant, ref, "failed");
      expect(failed, String(status)).toMatchObject({ lastError: "redirect", lastStatusCode: status });
      expect(await receiver.seen()).toHaveLength(1);
      expect(await target.seen()).toEqual([]);
    }
  });

  it("trap: an answer that has come is undone by a slow or endless body, and sent again", async ({ expect }) => {
    for (const misbehaviour of ["drips-body", "stops-in-the-body"]) {
      const url = await misbehavingUrl(misbehaviour);
      const { tenant, ref, message } = await undelivered(url, { retry: [1, 1], timeout: 1 });
      await consumeOne(message);
      const done = await delivery(tenant, ref, "succeeded");
      expect(done, misbehaviour).toMatchObject({ attempts: 1, lastError: null, lastStatusCode: 200 });
      // And nobody is held up by it for longer than its timeout.
      expect(done.attemptLog[0].response, misbehaviour).toMatchObject({ truncated: true, broken: true });
      expect(done.attemptLog[0].durationMs).toBeLessThan(5_000);
    }
  });

  it("trap: a response cut in the middle of a UTF-8 character", async ({ expect }) => {
    // Its 16,384th byte is the first, second and third of a character's four.
    for (const before of [16_381, 16_382, 16_383]) {
      const receiver = await newReceiver({ body: `${"a".repeat(before)}😀😀` });
      const { tenant, ref, message } = await undelivered(receiver.url);
      await consumeOne(message);
      const { response } = (await delivery(tenant, ref, "succeeded")).attemptLog[0];
      expect(response).toMatchObject({ body: "a".repeat(before), truncated: true });
    }
  });

  it("trap: blocked (SSRF), 410 and 429 counted as ordinary failures", async ({ expect }) => {
    const healthOf = async (tenant: string, id: string) =>
      (await call("GET", `/v1/tenants/${tenant}/endpoints/${id}/health`)).body;
    const blocked = await undelivered("https://hooks.example.com/", { retry: [600] });
    const version = await write(blocked.endpoint.id, "url", "ftp://10.0.0.1/");
    await consumeOne({ ...blocked.message, version });
    expect(await delivery(blocked.tenant, blocked.ref, "retrying")).toMatchObject({ lastError: "blocked" });
    expect(await healthOf(blocked.tenant, blocked.endpoint.id)).toMatchObject({
      state: "healthy",
      failingSince: null,
      consecutiveFailures: 0,
    });

    const gone = await undelivered((await newReceiver({ status: 410 })).url, { retry: [1, 1, 1] });
    await consumeOne(gone.message);
    expect(await delivery(gone.tenant, gone.ref, "held")).toMatchObject({ attempts: 1, lastError: "gone" });
    expect(await healthOf(gone.tenant, gone.endpoint.id)).toMatchObject({ state: "disabled" });

    const busy = await newReceiver({ status: 429, headers: { "Retry-After": "1800" } });
    const limited = await undelivered(busy.url, { retry: [1] });
    await consumeOne(limited.message);
    const waiting = await delivery(limited.tenant, limited.ref, "retrying");
    expect(waiting).toMatchObject({ lastError: "status", lastStatusCode: 429 });
    expect(Date.parse(waiting.nextAttemptAt)).toBeGreaterThan(Date.now() + 1_700_000);
  });
});

describe("what an endpoint is set to", () => {
  it("trap: a filter whose absent key matches", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const positive = [
      { "data.score": { $lt: 5 } },
      { "data.score": { $lte: 0 } },
      { "data.score": { $gte: 0 } },
      { "data.score": null },
      { "data.score": { $in: [null, 0, ""] } },
      { "data.score": { $startsWith: "" } },
      { "data.score": { $exists: true } },
      { "data.company.score": 0 },
    ];
    for (const filter of positive) {
      const answer = await call("POST", `/v1/tenants/${tenant}/endpoints`, {
        url: receiver.url,
        events: ["*"],
        filter,
      });
      expect([201, 422], JSON.stringify(filter)).toContain(answer.status);
    }
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints`)).body.data.length).toBeGreaterThanOrEqual(5);
    for (const data of [{}, { company: {} }, { company: { name: "x" } }]) {
      expect((await post(tenant, "lead.hot", data)).deliveries).toEqual([]);
    }
  });

  it("trap: a custom header that overwrites the signature", async ({ expect }) => {
    const receiver = await newReceiver();
    const { tenant, endpoint, ref, message } = await undelivered(receiver.url);
    const names = [
      "X-Webhook-Signature",
      "x-webhook-signature",
      "X-WEBHOOK-ID",
      "content-type",
      "X-Webhook-Signature-Next",
    ];
    for (const name of names) {
      const body = { headers: { [name]: "forged" } };
      expect((await call("PATCH", `/v1/tenants/${tenant}/endpoints/${endpoint.id}`, body)).status, name).toBe(422);
    }
    // As though a row from before the rule had them.
    const sealed = await seal(env.SECRETS_KEY ?? "", `${tenant}/${endpoint.id}`, "forged");
    const headers = JSON.stringify(Object.fromEntries(names.slice(1, 4).map((name) => [name, sealed])));
    const version = await write(endpoint.id, "headers", headers);
    await consumeOne({ ...message, version });
    await delivery(tenant, ref, "succeeded");
    const [request] = await receiver.seen();
    expect(request?.headers).toMatchObject({
      "x-webhook-signature": createHmac("sha256", endpoint.secret)
        .update(request?.body ?? "")
        .digest("hex"),
      "x-webhook-id": ref.id,
      "content-type": "application/json",
    });
    expect(JSON.stringify(request?.headers)).not.toContain("forged");
  });

  it("trap: a test send silently dropped because the endpoint's filter excludes it", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url, { events: [], filter: { "data.score": { $gt: 90 } } });
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    const answer = await call("POST", `${path}/test`, { event: "lead.hot", data: { score: 1 } });
    expect(answer.body).toMatchObject({ delivery: { status: "succeeded", test: true }, attempt: { statusCode: 200 } });
    expect(await receiver.seen()).toHaveLength(1);
    await call("PATCH", path, { enabled: false });
    await call("POST", `${path}/test`, { event: "lead.hot", data: { score: 1 } });
    await until("the test of a disabled endpoint", async () => (await receiver.seen()).length === 2);
  });
});
