import { createExecutionContext, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, type ExpectStatic, it } from "vitest";
import { app } from "../../src/api/app";
import { MAX_BODY } from "../../src/api/http/body";
import { MAX_HEADERS } from "../../src/lib/net/header-policy";
import { call, newEndpoint, newTenant } from "../lib/api";
import { withinOnePeriod } from "../lib/clock";
import { logObject } from "../send/harness";

const URL = "https://receiver.example/";

describe("a tenant's endpoints", () => {
  const most = env.MAX_ENDPOINTS;
  afterEach(() => {
    Object.assign(env, { MAX_ENDPOINTS: most });
  });
  const listed = async (tenant: string) =>
    (await call("GET", `/v1/tenants/${tenant}/endpoints?limit=250`)).body.data.length;

  it("may be 100", async ({ expect }) => {
    const tenant = await newTenant();
    const create = () => call("POST", `/v1/tenants/${tenant}/endpoints`, { url: URL, events: ["*"] });
    for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 10 }, create));
    expect(await listed(tenant)).toBe(100);
    const refused = await create();
    expect(refused.status).toBe(409);
    expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
    expect(refused.body.detail).toMatch(/100 .*MAX_ENDPOINTS/);
    expect(await listed(tenant)).toBe(100);
  });

  it("may be as many as MAX_ENDPOINTS says, also when many are made at once; a deleted one makes room", async ({
    expect,
  }) => {
    Object.assign(env, { MAX_ENDPOINTS: "3" });
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/endpoints`;
    const answers = await Promise.all(Array.from({ length: 8 }, () => call("POST", path, { url: URL, events: ["*"] })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 201, 409, 409, 409, 409, 409]);
    expect(await listed(tenant)).toBe(3);
    const [{ id }] = (await call("GET", path)).body.data;
    expect((await call("PATCH", `${path}/${id}`, { name: "still mine to change" })).status).toBe(200);
    await call("DELETE", `${path}/${id}`);
    expect((await call("POST", path, { url: URL, events: ["*"], uid: "u" })).status).toBe(201);
    expect((await call("POST", path, { url: URL, events: ["*"], uid: "v" })).status).toBe(409);
    // What was refused left nothing behind: its uid is free.
    Object.assign(env, { MAX_ENDPOINTS: "4" });
    expect((await call("POST", path, { url: URL, events: ["*"], uid: "v" })).status).toBe(201);
    // Another tenant has room of its own.
    await newEndpoint(await newTenant(), URL);
  });
});

describe("a tenant's keys", () => {
  it("may be 100, also when many are made at once; a deleted one makes room, and those beyond go on working", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/keys`;
    const create = () => call("POST", path, { name: "k", role: "viewer" });
    await env.DB.prepare(
      `INSERT INTO api_keys (id, tenant, name, role, hash, created_at)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 96)
       SELECT 'key_' || ?1 || i, ?1, 'k', 'viewer', ?1 || i, 1 FROM n`,
    )
      .bind(tenant)
      .run();
    const answers = await Promise.all(Array.from({ length: 8 }, create));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 201, 201, 409, 409, 409, 409]);
    const refused = await create();
    expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
    expect(refused.body.detail).toMatch(/at most 100 keys/);
    const made = answers.filter(({ status }) => status === 201);
    await call("DELETE", `${path}/${made[0]?.body.id}`);
    expect((await create()).status).toBe(201);
    expect((await create()).status).toBe(409);
    const { status } = await call("GET", `/v1/tenants/${tenant}`, undefined, {
      Authorization: `Bearer ${made[1]?.body.key}`,
    });
    expect(status).toBe(200);
    expect((await call("POST", `/v1/tenants/${await newTenant()}/keys`, { name: "k", role: "viewer" })).status).toBe(
      201,
    );
  });
});

describe("what one request may say", () => {
  it("is at most 1 MiB", async ({ expect }) => {
    const path = `/v1/tenants/${await newTenant()}/events`;
    const sized = (bytes: number) => {
      const frame = JSON.stringify({ event: "e", data: { text: "" } });
      return frame.replace('""', `"${"x".repeat(bytes - frame.length)}"`);
    };
    expect((await call("POST", path, sized(MAX_BODY))).status).toBe(202);
    const refused = await call("POST", path, sized(MAX_BODY + 1));
    expect([refused.status, refused.body.title]).toEqual([413, "Too large"]);
  });

  it("is at most 100 subscriptions of an endpoint", async ({ expect }) => {
    const path = `/v1/tenants/${await newTenant()}/endpoints`;
    const events = Array.from({ length: 101 }, (_, i) => `lead.${i}`);
    expect((await call("POST", path, { url: URL, events: events.slice(1) })).status).toBe(201);
    const refused = await call("POST", path, { url: URL, events });
    expect([refused.status, refused.body.errors?.[0]?.path]).toEqual([422, "events"]);
  });

  it("is at most so many headers of an endpoint", async ({ expect }) => {
    const path = `/v1/tenants/${await newTenant()}/endpoints`;
    const headers = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`X-Own-${i}`, "v"]));
    expect((await call("POST", path, { url: URL, events: ["*"], headers: headers(MAX_HEADERS) })).status).toBe(201);
    const refused = await call("POST", path, { url: URL, events: ["*"], headers: headers(MAX_HEADERS + 1) });
    expect([refused.status, refused.body.errors?.[0]?.path]).toEqual([422, "headers"]);
  });

  it("is a filter of a bounded depth", async ({ expect }) => {
    const path = `/v1/tenants/${await newTenant()}/endpoints`;
    const nested = (depth: number): object =>
      depth === 0 ? { "data.score": { $gt: 1 } } : { $and: [nested(depth - 1)] };
    expect((await call("POST", path, { url: URL, events: ["*"], filter: nested(6) })).status).toBe(201);
    const refused = await call("POST", path, { url: URL, events: ["*"], filter: nested(9) });
    expect([refused.status, refused.body.errors?.[0]?.path]).toEqual([422, expect.stringMatching(/^filter/)]);
  });
});

describe("a tenant's rate of events", () => {
  /** A test within ten seconds, which is what is counted. */
  const counted = (name: string, act: (context: { expect: ExpectStatic }) => Promise<void>) =>
    it(name, ({ expect }) => withinOnePeriod(10_000, () => act({ expect })));

  /** Counts for the tenant as if that many events had come. */
  async function spend(tenant: string, count: number) {
    const rate = env.ACCEPT_RATE as RateLimit;
    for (let i = 0; i < count; i += 50) {
      await Promise.all(Array.from({ length: Math.min(50, count - i) }, () => rate.limit({ key: tenant })));
    }
  }
  const event = { event: "e", data: {} };

  counted(
    "is 1,000 in 10 s: one more is a 429 that says when to come back, and nothing of it is accepted",
    async ({ expect }) => {
      const tenant = await newTenant();
      const path = `/v1/tenants/${tenant}/events`;
      await spend(tenant, 999);
      expect((await call("POST", path, event)).status).toBe(202);
      const refused = await call("POST", path, event, { "Idempotency-Key": "k" });
      expect(refused.status).toBe(429);
      expect(refused.headers.get("Retry-After")).toBe("10");
      expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
      expect(refused.body).toMatchObject({ status: 429, title: "Too many requests" });
      const written = await runInDurableObject(logObject(tenant) as unknown as DurableObjectStub, (_, state) =>
        state.storage.sql.exec("SELECT key FROM events").toArray(),
      );
      expect(written).toEqual([{ key: null }]);
      // Reading, configuring and other tenants are not held up.
      expect((await call("GET", `/v1/tenants/${tenant}/endpoints`)).status).toBe(200);
      await newEndpoint(tenant, URL);
      expect((await call("POST", `/v1/tenants/${await newTenant()}/events`, event)).status).toBe(202);
    },
  );

  counted("counts a batch as the events in it, and an event whose data is a list as one", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/events`;
    await spend(tenant, 980);
    expect((await call("POST", path, { event: "e", data: Array(50).fill(1) })).status).toBe(202);
    expect((await call("POST", `${path}/batch`, { events: Array(30).fill(event) })).status).toBe(429);
  });

  counted("has no limit without the binding", async ({ expect }) => {
    const tenant = await newTenant();
    await spend(tenant, 1_000);
    const request = () =>
      new Request(`https://posthorn.test/v1/tenants/${tenant}/events`, {
        method: "POST",
        headers: { Authorization: `Bearer ${env.OPERATOR_KEY}` },
        body: JSON.stringify(event),
      });
    const { ACCEPT_RATE: _, ...without } = env;
    expect((await app.fetch(request(), env)).status).toBe(429);
    expect((await app.fetch(request(), without, createExecutionContext())).status).toBe(202);
  });
});
