import { env } from "cloudflare:workers";
import { createHmac } from "node:crypto";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { describe, it } from "vitest";
import { call, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";

const hex = (secret: string, text: string) => createHmac("sha256", secret).update(text).digest("hex");

async function arrived(receiver: Awaited<ReturnType<typeof newReceiver>>, count = 1) {
  const seen = await until(`request ${count}`, async () => {
    const all = await receiver.seen();
    return all.length >= count && all;
  });
  return seen[count - 1] as (typeof seen)[number];
}

describe("what a profile presets", () => {
  it("can be overridden part by part, and goes back with null", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const endpoint = await newEndpoint(tenant, receiver.url, {
      profile: "visits",
      format: "event",
      signature: { scheme: "hex", header: "X-Acme-Signature" },
      method: "PUT",
      retry: [1],
    });
    expect(endpoint).toMatchObject({
      format: "event",
      method: "PUT",
      signature: { scheme: "hex", header: "X-Acme-Signature" },
    });
    await post(tenant, "lead.hot", { a: 1 });
    const request = await arrived(receiver);
    expect(request.method).toBe("PUT");
    expect(JSON.parse(request.body)).toMatchObject({ event: "lead.hot", data: { a: 1 } });
    expect(request.headers["x-acme-signature"]).toBe(hex(endpoint.secret, request.body));
    expect(request.headers).not.toHaveProperty("x-webhook-signature");

    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.id}`;
    const back = await call("PATCH", path, { format: null, signature: null, method: null, retry: null });
    expect(back.body).toMatchObject({
      format: "flat",
      method: "POST",
      signature: { scheme: "token", header: "X-Webhook-Signature" },
      retry: [30, 120, 600, 3600, 14_400],
    });
    await post(tenant, "lead.hot", { a: 1 });
    expect((await arrived(receiver, 2)).headers["x-webhook-signature"]).toBe(endpoint.secret);
  });

  it("is refused where its parts do not fit one another", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/endpoints`;
    const of = async (fields: object) => {
      const answer = await call("POST", path, { url: "https://hooks.example.com/", events: ["*"], ...fields });
      return [answer.status, ...(answer.body.errors ?? []).map((error: { path: string }) => error.path)];
    };
    expect(await of({ profile: "nobody" })).toEqual([422, "profile"]);
    expect(await of({ format: "xml" })).toEqual([422, "format"]);
    expect(await of({ signature: { scheme: "rot13" } })).toEqual([422, "signature.scheme"]);
    expect(await of({ signature: { scheme: "standard", header: "X-Mine" } })).toEqual([422, "signature.header"]);
    expect(await of({ signature: { scheme: "hex", header: "Content-Type" } })).toEqual([422, "signature.header"]);
    expect(await of({ signature: { scheme: "hex", header: "X Y" } })).toEqual([422, "signature.header"]);
    expect(await of({ profile: "standard", secret: "no whsec form here" })).toEqual([422, "secret"]);
    expect(await of({ secret: null })).toEqual([422, "secret"]);
    expect(await of({ method: "DELETE" })).toEqual([422, "method"]);
    expect((await call("GET", path)).body.data).toEqual([]);
  });

  it("can be no signature at all, then with no secret", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const endpoint = await newEndpoint(tenant, receiver.url, { signature: { scheme: "none" }, secret: null });
    expect(endpoint).toMatchObject({ secret: null, signature: { scheme: "none", header: null } });
    await post(tenant);
    expect(Object.keys((await arrived(receiver)).headers).filter((name) => /signature/.test(name))).toEqual([]);
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.id}`;
    expect((await call("GET", `${path}/secret`)).body).toEqual({ secret: null, next: null, nextFrom: null });
    // One that does not fit another scheme either: nobody has verified with it.
    await call("PATCH", path, { signature: null });
    await call("PATCH", path, { signature: { scheme: "none" } });
    expect((await call("PATCH", path, { profile: "standard", signature: null })).status).toBe(200);
    expect((await call("GET", `${path}/secret`)).body.secret).toMatch(/^whsec_/);
    await call("PATCH", path, { profile: null });
    // Signing again makes a secret: nothing is sent unsigned when signing was asked for.
    await call("PATCH", path, { signature: null });
    const { secret } = (await call("GET", `${path}/secret`)).body;
    await post(tenant);
    const request = await arrived(receiver, 2);
    expect(request.headers["x-webhook-signature"]).toBe(hex(secret, request.body));
  });

  it("may be said back as it was answered, and signs in any header that is free", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const endpoint = await newEndpoint(tenant, receiver.url, { profile: "svix" });
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.id}`;
    expect((await call("PATCH", path, { signature: endpoint.signature })).status).toBe(200);
    const { secret } = endpoint;
    await call("PATCH", path, { signature: { scheme: "hex", header: "user-agent" } });
    await post(tenant);
    const request = await arrived(receiver);
    expect(request.headers["user-agent"]).toBe(hex(secret, request.body));
  });

  it("sends a GET without a body", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const endpoint = await newEndpoint(tenant, receiver.url, { method: "GET" });
    const { deliveries } = await post(tenant);
    const request = await arrived(receiver);
    expect([request.method, request.body]).toEqual(["GET", ""]);
    expect(request.headers["x-webhook-signature"]).toBe(hex(endpoint.secret, ""));
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.id}/deliveries/${deliveries[0].id}`;
    const log = await until("the log", async () => (await call("GET", path)).body.attemptLog[0]);
    expect(log.request).toMatchObject({ method: "GET", body: null });
  });
});

describe("a retry", () => {
  it("sends the first attempt's bytes though the format was changed meanwhile; a resend takes today's", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 }, {});
    const endpoint = await newEndpoint(tenant, receiver.url, { retry: [1] });
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.id}`;
    const { deliveries } = await post(tenant, "lead.hot", { a: 1 });
    const first = await arrived(receiver);
    await call("PATCH", path, { format: "flat", headers: { "X-Later": "yes" } });
    const second = await arrived(receiver, 2);
    expect(second.body).toBe(first.body);
    expect(second.headers["x-later"]).toBe("yes");
    const delivery = `${path}/deliveries/${deliveries[0].id}`;
    await until("success", async () => (await call("GET", delivery)).body.status === "succeeded");
    await call("POST", `${delivery}/resend`);
    expect((await arrived(receiver, 3)).body).toBe('{"a":1}');
    const log = await until("three attempts", async () => {
      const { attemptLog } = (await call("GET", delivery)).body;
      return attemptLog.length === 3 && attemptLog;
    });
    expect(log.map((attempt: { request: { body: string } }) => attempt.request.body)).toEqual([
      first.body,
      first.body,
      '{"a":1}',
    ]);
  });
});

describe("an endpoint's own headers", () => {
  it("are sent, and shown, logged and stored masked", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({
      body: "you sent Bearer s3cr3t-of-ours",
      headers: { "X-Echo": "Bearer s3cr3t-of-ours" },
    });
    const headers = { Authorization: "Bearer s3cr3t-of-ours", "X-Version": "2", "User-Agent": "Acme/2" };
    const endpoint = await newEndpoint(tenant, receiver.url, { headers });
    const masked = { Authorization: "***", "X-Version": "***", "User-Agent": "***" };
    expect(endpoint.headers).toEqual(masked);
    const { deliveries } = await post(tenant);
    const request = await arrived(receiver);
    expect(request.headers).toMatchObject({
      authorization: "Bearer s3cr3t-of-ours",
      "x-version": "2",
      "user-agent": "Acme/2",
    });
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.id}`;
    const read = await until("the log", async () => {
      const answer = await call("GET", `${path}/deliveries/${deliveries[0].id}`);
      return answer.body.attemptLog.length > 0 && answer;
    });
    expect(read.body.attemptLog[0].request.headers).toMatchObject(masked);
    expect(read.body.attemptLog[0].response.body).toBe("you sent ***");
    expect(read.text).not.toContain("s3cr3t");
    expect(
      JSON.stringify(await env.DB.prepare("SELECT * FROM endpoints WHERE id = ?").bind(endpoint.id).first()),
    ).not.toContain("s3cr3t");

    // Sent back as shown they stay; one that is named anew is replaced, one that is `null` goes.
    await call("PATCH", path, { headers: { authorization: "***", "X-Version": null, "X-New": " 1\t" } });
    await post(tenant);
    const next = await arrived(receiver, 2);
    expect(next.headers).toMatchObject({ authorization: "Bearer s3cr3t-of-ours", "x-new": "1" });
    expect(next.headers).not.toHaveProperty("x-version");
    await call("PATCH", path, { headers: null });
    expect((await call("GET", path)).body.headers).toEqual({});
  });

  it("are refused where they would replace ours or could not be sent", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/endpoints`;
    const refused = [
      "X-Webhook-Signature",
      "x-webhook-id",
      "X-Webhook-Event",
      "x-webhook-attempt",
      "webhook-id",
      "webhook-signature",
      "svix-id",
      "Stripe-Signature",
      "X-Hub-Signature-256",
      "X-Webhook-Signature-Next",
      "content-type",
      "Content-Length",
      "content-encoding",
      "Host",
      "Connection",
      "Transfer-Encoding",
      "Upgrade",
      "TE",
      "cf-connecting-ip",
      "CF-Ray",
      "bad name",
      "",
      "ü",
    ];
    for (const name of refused) {
      const answer = await call("POST", path, {
        url: "https://hooks.example.com/",
        events: ["*"],
        headers: { [name]: "x" },
      });
      expect([answer.status, answer.body.errors?.[0]?.path], name).toEqual([422, `headers.${name}`]);
    }
    for (const value of [
      "é".repeat(2_049),
      "***",
      "a\n",
      "a\nb",
      "a\r\nX-Evil: 1",
      "nul\u0000",
      "snow ☃",
      "x".repeat(4_097),
    ]) {
      const answer = await call("POST", path, {
        url: "https://hooks.example.com/",
        events: ["*"],
        headers: { "X-A": value },
      });
      expect([answer.status, answer.body.errors?.[0]?.path]).toEqual([422, "headers.X-A"]);
    }
    const many = Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`X-H-${i}`, "x"]));
    const twins = { "X-A": "1", "x-a": "2" };
    const mine = { signature: { scheme: "hex", header: "X-Mine" }, headers: { "x-mine": "1" } };
    for (const fields of [{ headers: many }, { headers: twins }, mine]) {
      const answer = await call("POST", path, { url: "https://hooks.example.com/", events: ["*"], ...fields });
      expect(answer.status).toBe(422);
    }
    expect((await call("GET", path)).body.data).toEqual([]);
    const { id } = await newEndpoint(tenant, "https://hooks.example.com/", { headers: { "X-Mine": "1" } });
    const patched = await call("PATCH", `${path}/${id}`, { signature: { scheme: "hex", header: "x-mine" } });
    expect(patched.body.errors?.[0]?.path).toBe("signature.header");
  });
});

describe("replacing a secret", () => {
  it("breaks no receiver: the old one signs on, the new one beside it, until it is promoted", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const endpoint = await newEndpoint(tenant, receiver.url);
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.id}/secret`;
    const before = Date.now();
    const rotated = await call("POST", `${path}/rotate`, {});
    expect(rotated.status).toBe(200);
    const { secret, promotesAt } = rotated.body;
    expect(Date.parse(promotesAt)).toBeGreaterThanOrEqual(before + 86_400_000);
    expect(Date.parse(promotesAt)).toBeLessThan(before + 86_400_000 + 60_000);
    expect((await call("GET", path)).body).toEqual({ secret: endpoint.secret, next: secret, nextFrom: promotesAt });
    await post(tenant);
    const during = await arrived(receiver);
    expect(during.headers["x-webhook-signature"]).toBe(hex(endpoint.secret, during.body));
    expect(during.headers["x-webhook-signature-next"]).toBe(hex(secret, during.body));

    const promoted = await call("POST", `${path}/promote`);
    expect([promoted.status, promoted.body]).toEqual([200, { secret, next: null, nextFrom: null }]);
    await post(tenant);
    const after = await arrived(receiver, 2);
    expect(after.headers["x-webhook-signature"]).toBe(hex(secret, after.body));
    expect(after.headers).not.toHaveProperty("x-webhook-signature-next");
    expect((await call("POST", `${path}/promote`)).status).toBe(409);
  });

  it("lists both signatures where the header can, each good for its own secret", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const endpoint = await newEndpoint(tenant, receiver.url, { profile: "standard" });
    const own = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.id}/secret`;
    expect((await call("POST", `${path}/rotate`, { secret: own, overlap: 60 })).body.secret).toBe(own);
    await post(tenant);
    const { body, headers } = await arrived(receiver);
    expect(headers["webhook-signature"]?.split(" ")).toHaveLength(2);
    for (const secret of [endpoint.secret, own])
      expect(() => new StandardWebhook(secret).verify(body, headers)).not.toThrow();
  });

  it("rotated again and again keeps every secret until its own overlap ends", async ({ expect }) => {
    const tenant = await newTenant();
    const [plain, listed] = await Promise.all([newReceiver(), newReceiver()]);
    const one = await newEndpoint(tenant, plain.url);
    const all = await newEndpoint(tenant, listed.url, { profile: "standard" });
    const path = (endpoint: { id: string }) => `/v1/tenants/${tenant}/endpoints/${endpoint.id}/secret`;
    const rotate = async (endpoint: { id: string }, overlap: number) =>
      (await call("POST", `${path(endpoint)}/rotate`, { overlap })).body;
    const before = Date.now();
    const [b, c] = [await rotate(one, 600), await rotate(one, 60)];
    const secrets = [all.secret, (await rotate(all, 600)).secret, (await rotate(all, 1_200)).secret];
    // The later one does not shorten what was said of the one before it.
    expect(c.promotesAt).toBe(b.promotesAt);
    expect(Date.parse(b.promotesAt)).toBeGreaterThanOrEqual(before + 600_000);
    expect((await call("GET", path(one))).body).toEqual({
      secret: one.secret,
      next: c.secret,
      nextFrom: c.promotesAt,
      between: [{ from: b.promotesAt }],
    });
    await post(tenant);
    const single = await arrived(plain);
    expect(single.headers["x-webhook-signature"]).toBe(hex(one.secret, single.body));
    expect(single.headers["x-webhook-signature-next"]).toBe(hex(c.secret, single.body));
    const { body, headers } = await arrived(listed);
    const listing = headers["webhook-signature"]?.split(" ") ?? [];
    const alone = (signature: string | undefined) => ({ ...headers, "webhook-signature": signature ?? "" });
    for (const [i, secret] of secrets.toReversed().entries()) {
      expect(() => new StandardWebhook(secret).verify(body, alone(listing[i]))).not.toThrow();
    }
    expect(listing).toHaveLength(3);
    expect((await call("POST", `${path(one)}/promote`)).body).toEqual({ secret: c.secret, next: null, nextFrom: null });
  });

  it("overlaps with nine others at most", async ({ expect }) => {
    const tenant = await newTenant();
    const endpoint = await newEndpoint(tenant, "https://hooks.example.com/");
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.id}/secret`;
    for (let i = 2; i <= 10; i++) expect((await call("POST", `${path}/rotate`, {})).status).toBe(200);
    const before = (await call("GET", path)).body;
    expect(before.between).toHaveLength(8);
    expect((await call("POST", `${path}/rotate`, {})).status).toBe(409);
    expect((await call("GET", path)).body).toEqual(before);
    const { secret } = (await call("POST", `${path}/rotate`, { overlap: 0 })).body;
    expect((await call("GET", path)).body).toEqual({ secret, next: null, nextFrom: null });
  });

  it("takes effect at once with no overlap, and is refused where it makes no sense", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const endpoint = await newEndpoint(tenant, receiver.url);
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.id}`;
    const { secret } = (await call("POST", `${path}/secret/rotate`, { overlap: 0 })).body;
    await post(tenant);
    const request = await arrived(receiver);
    expect(request.headers["x-webhook-signature"]).toBe(hex(secret, request.body));
    expect((await call("GET", `${path}/secret`)).body).toEqual({ secret, next: null, nextFrom: null });
    for (const body of [{ overlap: 604_801 }, { overlap: -1 }, { secret: "short" }, { other: 1 }]) {
      expect((await call("POST", `${path}/secret/rotate`, body)).status).toBe(422);
    }
    const misfit = await call("PATCH", path, { signature: { scheme: "standard" } });
    expect(misfit.body.errors[0].path).toBe("signature.scheme");
    await call("POST", `${path}/secret/rotate`, { secret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", overlap: 0 });
    expect((await call("PATCH", path, { signature: { scheme: "standard" } })).status).toBe(200);
  });

  it("may be done with no body at all", async ({ expect }) => {
    const tenant = await newTenant();
    const endpoint = await newEndpoint(tenant, "https://hooks.example.com/");
    const rotated = await call("POST", `/v1/tenants/${tenant}/endpoints/${endpoint.id}/secret/rotate`);
    expect(rotated.status).toBe(200);
    expect(rotated.body.secret).not.toBe(endpoint.secret);
  });
});
