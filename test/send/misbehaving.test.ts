import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, inject, it, vi } from "vitest";
import { type Outgoing, send } from "../../src/send/send";
import {
  type Answered,
  call,
  delivery,
  fresh,
  misbehavingUrl,
  newEndpoint,
  newReceiver,
  newTenant,
  post,
  until,
} from "../lib/api";
import type { Tally } from "../lib/servers/raw-server";
import { appendOnly, consumeWhole, messageFor } from "./harness";

const MEGABYTE = 1_048_576;

/** What comes of a receiver that misbehaves so: status and error of the attempt, and the body that is kept. */
type Expected = [misbehaviour: string, status: number | null, error: string | null, body?: string | RegExp | null];

const X = /^x{16384}$/;
const TABLE: Expected[] = [
  ["never-answers", null, "timeout", null],
  ["closes-at-once", null, "connection", null],
  ["closes-without-answer", null, "connection", null],
  ["resets", null, "connection", null],
  ["cuts-the-head", null, "connection", null],
  ["drips-headers", null, "timeout", null],
  ["floods-headers", null, "connection", null],
  ["endless-header", null, "connection", null],
  ["giant-header", 200, null, "ok"],
  ["thousands-of-headers", 200, null, "ok"],
  ["header-characters", 200, null, "ok"],
  ["drips-body", 200, null, /^x+$/],
  ["drips-gzip", 200, null],
  ["stops-in-the-body", 200, null, "begun"],
  ["huge-body", 200, null, X],
  ["huge-chunk", 200, null, X],
  ["gzip-bomb", 200, null, X],
  ["gzip-gzip-bomb", 200, null],
  ["brotli-bomb", 200, null, X],
  ["deflate-bomb", 200, null],
  ["broken-gzip", 200, null, ""],
  ["cut-gzip", 200, null],
  ["invalid-utf8", 200, null, "[binary, 10 bytes]"],
  ["cut-character", 200, null, "a".repeat(16_383)],
  ["ends-in-a-character", 200, null, "a\ufffd"],
  ["resets-in-the-body", 200, null, "x".repeat(500)],
  ["closes-in-the-body", 200, null, "x".repeat(500)],
  ["closes-in-a-chunk", 200, null, "x".repeat(50)],
  ["no-last-chunk", 200, null, "ok"],
  ["bad-chunk", 200, null, ""],
  ["trailing-garbage", 200, null, "ok"],
  ["more-than-announced", 200, null, "ok"],
  ["until-close", 200, null, "ok"],
  ["continues", 200, null, "ok"],
  ["early-hints", 200, null, "ok"],
  ["only-continues", null, "timeout", null],
  ["switches-protocols", 101, "status", ""],
  ["http-0-9", null, "connection", null],
  ["garbage", null, "connection", null],
  ["endless-garbage", null, "connection", null],
  ["no-reason", 200, null, "ok"],
  ["no-reason-no-space", 200, null, "ok"],
  ["bare-newlines", 200, null, "ok"],
  ["status-999", 999, "status", "ok"],
  ["status-0", null, "connection", null],
  ["two-lengths", null, "connection", null],
  ["negative-length", null, "connection", null],
  ["answers-early", 200, null, "ok"],
  ["refuses-early", 413, "status", "no"],
];

/** Of these the body breaks off, or does not end. The status has come, and decides. */
const BROKEN = [
  "drips-body",
  "drips-gzip",
  "stops-in-the-body",
  "broken-gzip",
  "cut-gzip",
  "resets-in-the-body",
  "closes-in-the-body",
  "closes-in-a-chunk",
  "no-last-chunk",
  "bad-chunk",
];

/** Short where it is waited for, and long enough for a busy machine where it is not. */
function timeoutFor(error: string | null) {
  return { timeout: error === "timeout" ? 1 : 30 };
}

/** An endpoint whose receiver misbehaves so. */
async function misbehaving(tenant: string, misbehaviour: string, fields: object = {}) {
  const name = fresh("m");
  const url = await misbehavingUrl(misbehaviour, name);
  const endpoint = await newEndpoint(tenant, url, { retry: [], ...fields });
  const tally = async (): Promise<Tally> => (await fetch(`http://${inject("raw")}/tally/${name}`)).json();
  return { endpoint, tally };
}

async function outcomeOf(misbehaviour: string, fields: object = {}) {
  const tenant = await newTenant();
  const { tally } = await misbehaving(tenant, misbehaviour, fields);
  const [ref] = (await post(tenant, "lead.hot", { big: "x".repeat(40_000) })).deliveries;
  const done = await until("its end", async () => {
    const { body } = await call("GET", `/v1/tenants/${tenant}/endpoints/${ref.endpoint}/deliveries/${ref.id}`);
    return body.finishedAt !== null && body;
  });
  // What was begun and is not read to its end is let go of, so what was written stays so.
  if (kept(done)?.truncated) await until("the end of the connection", async () => (await tally()).closed > 0);
  return { done, tally: await tally() };
}

function kept({ attemptLog }: Answered["body"]) {
  return attemptLog[0].response;
}

describe.concurrent("a receiver that misbehaves", () => {
  it.for(TABLE)("%s: the attempt is recorded, %j %j", async ([misbehaviour, status, error, body], { expect }) => {
    const { done, tally } = await outcomeOf(misbehaviour, timeoutFor(error));
    expect(done).toMatchObject({
      status: error === null ? "succeeded" : "failed",
      attempts: 1,
      lastStatusCode: status,
      lastError: error,
    });
    const [attempt] = done.attemptLog;
    expect(attempt).toMatchObject({ number: 1, statusCode: status, error });
    if (body === null) expect(attempt.response).toBeNull();
    else if (body !== undefined)
      expect(kept(done).body).toEqual(body instanceof RegExp ? expect.stringMatching(body) : body);
    if (kept(done) !== null) {
      expect(kept(done).broken).toBe(BROKEN.includes(misbehaviour) || undefined);
      if (kept(done).broken) expect(kept(done).truncated).toBe(true);
      expect(new TextEncoder().encode(kept(done).body).byteLength).toBeLessThanOrEqual(3 * 16_384);
      expect(headerBytes(kept(done).headers)).toBeLessThanOrEqual(8_192);
    }
    expect(tally.requests).toBe(1);
    // Of a hundred megabytes as much as lies in the buffers of the machine, and no more.
    expect(tally.written).toBeLessThan(16 * MEGABYTE);
  });

  it("with a header of 60 KB gets it cut, and the others kept", async ({ expect }) => {
    const { headers } = kept((await outcomeOf("giant-header")).done);
    expect(headers).toMatchObject({ "x-small": "1", "content-length": "2" });
    expect(headers["a-giant"]).toMatch(/^x{8000,8192}$/);
  });

  it("with bytes that are no text is kept as text, and the API goes on answering", async ({ expect }) => {
    for (const misbehaviour of ["invalid-utf8", "header-characters", "gzip-gzip-bomb", "deflate-bomb"]) {
      const { done } = await outcomeOf(misbehaviour);
      expect(kept(done).body.isWellFormed()).toBe(true);
      expect(JSON.stringify(kept(done).headers).isWellFormed()).toBe(true);
    }
  });

  it("by never answering a handshake of TLS times out", async ({ expect }) => {
    const tenant = await newTenant();
    await newEndpoint(tenant, `https://${inject("raw")}/never-answers/tls`, { retry: [], timeout: 1 });
    const [ref] = (await post(tenant)).deliveries;
    const done = await delivery(tenant, ref, "failed");
    expect(done).toMatchObject({ attempts: 1, lastStatusCode: null, lastError: "timeout" });
  });

  it("by speaking no TLS where it should fails as a connection", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url.replace("http:", "https:"), { retry: [] });
    const [ref] = (await post(tenant)).deliveries;
    expect(await delivery(tenant, ref, "failed")).toMatchObject({ lastStatusCode: null, lastError: "connection" });
  });

  it("keeps nobody else in its batch from its delivery, and every message is let go", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const wrong = [];
    for (const [misbehaviour, , error] of TABLE)
      wrong.push((await misbehaving(tenant, misbehaviour, timeoutFor(error))).endpoint.id);
    const sound = await newEndpoint(tenant, receiver.url);
    const { refs } = await appendOnly(tenant, [...wrong, sound.id]);
    const messages = refs.map((ref, i) => ({
      id: `m${i}`,
      timestamp: new Date(),
      attempts: 1,
      body: messageFor(tenant, ref.endpoint, ref),
    }));
    const batch = createMessageBatch("deliveries", messages);
    await consumeWhole(batch, env);
    const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
    expect([explicitAcks.length, retryMessages]).toEqual([messages.length, []]);
    expect(await receiver.arrived()).toHaveLength(1);
    const [last] = refs.slice(-1);
    if (last !== undefined) await delivery(tenant, last, "succeeded");
    for (const [i, [misbehaviour, , error]] of TABLE.entries()) {
      const ref = refs[i];
      if (ref === undefined) throw new Error("no delivery");
      const done = await delivery(tenant, ref, error === null ? "succeeded" : "failed");
      expect(done.lastError, misbehaviour).toBe(error);
    }
  });
});

describe("a request", () => {
  it("is held to the timeout even where the runtime does not heed the signal", async ({ expect }) => {
    const request = requestWithin(1_000);
    const never = new ReadableStream({ pull: () => new Promise(() => undefined) });
    for (const [answer, error, statusCode] of [
      [new Promise<Response>(() => undefined), "timeout", null],
      [Promise.resolve(new Response(never)), null, 200],
      [Promise.resolve(new Response(never, { status: 410 })), "gone", 410],
    ] as const) {
      const fetched = vi.spyOn(globalThis, "fetch").mockReturnValueOnce(answer);
      expect(await send(request)).toMatchObject({ error, statusCode });
      expect(fetched).toHaveBeenCalledTimes(1);
      fetched.mockRestore();
    }
  });

  it("calls off the rest of a body that is cut, should its cancellation hang", async ({ expect }) => {
    const request = requestWithin(10_000);
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(10_000)),
      cancel: () => new Promise(() => undefined),
    });
    const fetched = vi.spyOn(globalThis, "fetch").mockResolvedValueOnce(new Response(endless));
    expect(await send(request)).toMatchObject({ error: null, statusCode: 200, response: { truncated: true } });
    expect(fetched.mock.calls[0]?.[1]).toMatchObject({ signal: { aborted: true } });
    fetched.mockRestore();
  });

  it("that cannot be built is our own fault: nothing is sent, and no outcome is made up for it", async ({ expect }) => {
    const receiver = await newReceiver();
    const request = { ...requestWithin(1_000), url: receiver.url };
    await expect(send({ ...request, headers: { "X-A": "a\nb" } })).rejects.toThrow(TypeError);
    await expect(send({ ...request, method: "NOT ONE" as "POST" })).rejects.toThrow(TypeError);
    expect(await receiver.seen()).toEqual([]);
  });

  it("keeps its outcome when what is answered cannot be put down", async ({ expect }) => {
    const masked = () => {
      throw new Error("ours");
    };
    const said = vi.spyOn(console, "error").mockReturnValue();
    for (const [status, error] of [
      [200, null],
      [410, "gone"],
      [503, "status"],
    ] as const) {
      const headers = { "Retry-After": "120" };
      const fetched = vi.spyOn(globalThis, "fetch").mockResolvedValueOnce(new Response("ok", { status, headers }));
      const retryAfter = status === 503 ? 120 : null;
      expect(await send({ ...requestWithin(1_000), masked })).toMatchObject({
        error,
        statusCode: status,
        response: null,
        retryAfter,
      });
      fetched.mockRestore();
    }
    expect(said).toHaveBeenCalledTimes(3);
    said.mockRestore();
  });
});

/** A request that is given so many ms. */
function requestWithin(ms: number): Outgoing {
  return {
    method: "POST",
    url: "http://127.0.0.1:9/",
    headers: {},
    body: null,
    timeout: ms,
    rules: { allowInsecure: true, ownHosts: [], resolver: null },
    masked: (text) => text,
  };
}

function headerBytes(headers: Record<string, string>): number {
  return Object.entries(headers).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}
