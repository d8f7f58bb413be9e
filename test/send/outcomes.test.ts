import { describe, it } from "vitest";
import { type Answered, call, delivery, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import type { Answer } from "../lib/servers/receive";

/** What became of one delivery to a receiver that answers so, with no retries. */
async function outcomeOf(answer: Answer, status: string, fields: object = {}): Promise<Answered["body"]> {
  const tenant = await newTenant();
  const receiver = await newReceiver(answer);
  await newEndpoint(tenant, receiver.url, { retry: [], ...fields });
  const [ref] = (await post(tenant)).deliveries;
  return delivery(tenant, ref, status);
}

describe.concurrent("an attempt", () => {
  it.for([200, 201, 202, 204, 299])("succeeds with a %i", async (status, { expect }) => {
    const done = await outcomeOf(status === 204 ? { status, body: "" } : { status }, "succeeded");
    expect(done).toMatchObject({ attempts: 1, lastStatusCode: status, lastError: null });
    expect(done.attemptLog[0]).toMatchObject({ statusCode: status, error: null });
  });

  it.for([400, 401, 404, 429, 500, 502, 503])("fails with a %i, as status", async (status, { expect }) => {
    const failed = await outcomeOf({ status, body: "no" }, "failed");
    expect(failed).toMatchObject({ attempts: 1, lastStatusCode: status, lastError: "status" });
    expect(failed.attemptLog[0].response).toMatchObject({ body: "no", truncated: false });
  });

  it.for([301, 302, 303, 304, 307, 308])(
    "fails with a %i, and the redirect is not followed",
    async (status, { expect }) => {
      const target = await newReceiver();
      const failed = await outcomeOf({ status, headers: { Location: target.url }, body: "" }, "failed");
      expect(failed).toMatchObject({ lastStatusCode: status, lastError: "redirect" });
      expect(failed.attemptLog[0].response.headers.location).toBe(target.url);
      expect(await target.seen()).toEqual([]);
    },
  );

  it("fails as a timeout when no answer comes", async ({ expect }) => {
    const failed = await outcomeOf({ misbehave: "hang" }, "failed", { timeout: 1 });
    expect(failed).toMatchObject({ attempts: 1, lastStatusCode: null, lastError: "timeout" });
    expect(failed.attemptLog[0]).toMatchObject({ error: "timeout", response: null });
    expect(failed.attemptLog[0].durationMs).toBeGreaterThanOrEqual(990);
    expect(failed.attemptLog[0].durationMs).toBeLessThan(5_000);
  });

  it("succeeds with a 200 whose body does not end: it is read until the timeout, and no longer", async ({ expect }) => {
    const done = await outcomeOf({ misbehave: "endless" }, "succeeded", { timeout: 1 });
    expect(done).toMatchObject({ attempts: 1, lastStatusCode: 200, lastError: null });
    expect(done.attemptLog[0].response).toMatchObject({ truncated: true, broken: true });
    expect(done.attemptLog[0].durationMs).toBeGreaterThanOrEqual(990);
    expect(done.attemptLog[0].durationMs).toBeLessThan(5_000);
  });

  it("has the endpoint's own timeout", async ({ expect }) => {
    const done = await outcomeOf({ delayMs: 1_200 }, "succeeded", { timeout: 10 });
    expect(done.attemptLog[0].durationMs).toBeGreaterThanOrEqual(1_190);
  });

  it("fails as a connection when it is reset", async ({ expect }) => {
    const failed = await outcomeOf({ misbehave: "reset" }, "failed");
    expect(failed).toMatchObject({ attempts: 1, lastStatusCode: null, lastError: "connection" });
    expect(failed.attemptLog[0]).toMatchObject({ error: "connection", response: null });
  });

  it("fails as a connection when nobody listens", async ({ expect }) => {
    const tenant = await newTenant();
    await newEndpoint(tenant, "http://127.0.0.1:1/in", { retry: [] });
    const [ref] = (await post(tenant)).deliveries;
    expect(await delivery(tenant, ref, "failed")).toMatchObject({ attempts: 1, lastError: "connection" });
  });

  it.for<[number, Record<string, string>, string]>([
    [530, { Server: "cloudflare", "CF-Ray": "8f5c0a1b2c3d4e5f-FRA" }, "error code: 1016"],
    [522, { Server: "cloudflare" }, "<!DOCTYPE html>"],
    [526, {}, "error code: 526"],
  ])("fails as a connection with a %i that Cloudflare made", async ([status, headers, body], { expect }) => {
    const failed = await outcomeOf({ status, headers, body }, "failed");
    expect(failed).toMatchObject({ attempts: 1, lastStatusCode: status, lastError: "connection" });
    expect(failed.attemptLog[0].response.body).toBe(body);
  });

  it("fails as a status with a 530 of the receiver's own", async ({ expect }) => {
    const failed = await outcomeOf({ status: 530, headers: { Server: "nginx" }, body: "no" }, "failed");
    expect(failed).toMatchObject({ lastStatusCode: 530, lastError: "status" });
  });

  it("disables the endpoint with a 410, and the delivery is held", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 410 });
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [1] });
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    const [ref] = (await post(tenant)).deliveries;
    const held = await delivery(tenant, ref, "held");
    expect(held).toMatchObject({ attempts: 1, lastStatusCode: 410, lastError: "gone", nextAttemptAt: null });
    const endpoint = await until("D1's copy", async () => {
      const { body } = await call("GET", path);
      return !body.enabled && body;
    });
    expect(endpoint).toMatchObject({ enabled: false, disabledReason: "gone" });
    expect(Date.parse(endpoint.disabledAt)).toBeGreaterThanOrEqual(Date.parse(held.attemptLog[0].at));
    expect((await call("GET", `${path}/health`)).body.state).toBe("disabled");
    const next = (await post(tenant)).deliveries[0];
    await delivery(tenant, next, "held");
    expect(await receiver.seen()).toHaveLength(1);
  });
});

describe.concurrent("what is kept of an attempt", () => {
  it("is the request as it went out", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url);
    const [ref] = (await post(tenant, "lead.hot", { a: 1 })).deliveries;
    const { attemptLog } = await delivery(tenant, ref, "succeeded");
    const [request] = await receiver.arrived();
    const [{ request: kept }] = attemptLog;
    expect(kept).toMatchObject({ method: "POST", url: receiver.url, body: request?.body });
    for (const [name, value] of Object.entries(kept.headers)) {
      expect(request?.headers[name.toLowerCase()], name).toBe(value);
    }
    expect(Object.keys(kept.headers)).toContain("X-Webhook-Signature");
    expect(request?.headers["user-agent"]).toMatch(/^Posthorn\/1 \(\+.+\)$/);
    expect(request?.headers["content-type"]).toBe("application/json");
  });

  it("is the first 16 KB of the answer, cut on a character", async ({ expect }) => {
    // One byte, then two-byte characters: 16,384 falls into the middle of one.
    const done = await outcomeOf({ body: `a${"é".repeat(20_000)}` }, "succeeded");
    expect(done.attemptLog[0].response).toMatchObject({ body: `a${"é".repeat(8_191)}`, truncated: true });
  });

  it("is all of an answer of just 16 KB", async ({ expect }) => {
    const body = "x".repeat(16_384);
    const done = await outcomeOf({ status: 500, body }, "failed");
    expect(done.attemptLog[0].response).toMatchObject({ body, truncated: false });
    const more = await outcomeOf({ status: 500, body: `${body}y` }, "failed");
    expect(more.attemptLog[0].response).toMatchObject({ body, truncated: true });
  });

  it("is its beginning when the answer never ends, and what it says is not waited for", async ({ expect }) => {
    const done = await outcomeOf({ misbehave: "flood" }, "succeeded", { timeout: 10 });
    expect(done.attemptLog[0].response).toMatchObject({ body: "x".repeat(16_384), truncated: true });
    expect(done.attemptLog[0].durationMs).toBeLessThan(9_000);
  });

  it("is not more of the answer's headers than 8 KB", async ({ expect }) => {
    const headers = { "X-Short": "short", "X-Long": "x".repeat(9_000) };
    const done = await outcomeOf({ headers }, "succeeded");
    const kept = Object.entries<string>(done.attemptLog[0].response.headers);
    expect(kept.reduce((sum, [name, value]) => sum + name.length + value.length, 0)).toBeLessThanOrEqual(8_192);
    // Of the long one as much as there is room for.
    const lengths = Object.fromEntries(kept.map(([name, value]) => [name, value.length]));
    expect(lengths).toMatchObject({ "x-short": 5 });
    expect(lengths["x-long"]).toBeGreaterThan(8_192 - 500);
  });

  it("is never the endpoint's secret, should the receiver echo it", async ({ expect }) => {
    const secret = "correct horse battery";
    const echo = { status: 500, headers: { "X-Debug": `secret=${secret};` }, body: `<b>${secret}</b> ${secret}` };
    const failed = await outcomeOf(echo, "failed", { secret });
    const { response } = failed.attemptLog[0];
    expect(JSON.stringify(failed)).not.toContain(secret);
    expect(response.body).toBe("<b>***</b> ***");
    expect(response.headers["x-debug"]).toBe("secret=***;");
  });

  it("is no part of the secret either, should the cut go through it", async ({ expect }) => {
    const secret = "correct horse battery";
    const before = "x".repeat(16_384 - 12);
    const failed = await outcomeOf({ status: 500, body: before + secret }, "failed", { secret });
    expect(failed.attemptLog[0].response).toMatchObject({ body: before, truncated: true });
  });

  it("is said to be binary where it is no text", async ({ expect }) => {
    const done = await outcomeOf({ body: "\u0000\u0001\ufeff\u2028" }, "succeeded");
    expect(done.attemptLog[0].response).toMatchObject({ body: "[binary, 8 bytes]", truncated: false });
  });

  it("names the URL as it was requested", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const asked = receiver.url.replace("http:", "HTTP:");
    await newEndpoint(tenant, `${asked}/a/../ü?b=ü#c`, { retry: [] });
    const [ref] = (await post(tenant)).deliveries;
    const done = await delivery(tenant, ref, "succeeded");
    const [request] = await receiver.seen();
    expect(done.attemptLog[0].request.url).toBe(`${new URL(receiver.url).origin}${request?.url}`);
    expect(request?.url).toMatch(/\/%C3%BC\?b=%C3%BC$/);
  });
});
