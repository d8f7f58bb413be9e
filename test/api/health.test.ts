import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { EventLog } from "../../src/index";
import { call, newTenant } from "../lib/api";

afterEach(() => vi.restoreAllMocks());

const OUT = () => Promise.reject(new Error("D1_ERROR: out of reach"));

describe("/health", () => {
  it("tells the operator how every part of the service answers", async ({ expect }) => {
    const { status, body } = await call("GET", "/health");
    expect(status).toBe(200);
    const well = { ok: true, ms: expect.any(Number) };
    const queue = { ...well, backlog: expect.any(Number) };
    expect(body).toEqual({
      status: "ok",
      parts: { d1: well, objects: well, deliveries: queue, deliveriesSlow: queue, deliveriesDead: queue },
      deadLetters: { count: 0, lastAt: null },
      secrets: { underOldKeys: 0, unreadable: 0 },
    });
  });

  it.for(["", "Bearer ", "Bearer not-the-key", "Basic abc"])("tells %j only that it runs", async (key, { expect }) => {
    const { status, body } = await call("GET", "/health", undefined, { Authorization: key });
    expect(status).toBe(200);
    expect(body).toEqual({ status: "ok" });
  });

  it("asks nobody for those without the key", async ({ expect }) => {
    const metrics = vi.spyOn(env.DELIVERIES, "metrics");
    const prepare = vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("D1_ERROR: out of reach");
    });
    expect((await call("GET", "/health", undefined, { Authorization: "" })).status).toBe(200);
    expect(metrics).not.toHaveBeenCalled();
    expect(prepare).not.toHaveBeenCalled();
  });

  it("answers 503, in a problem that tells the same, when a part is out of reach", async ({ expect }) => {
    vi.spyOn(env.DB, "prepare").mockImplementation(() => {
      throw new Error("D1_ERROR: out of reach");
    });
    vi.spyOn(env.DELIVERIES_SLOW, "metrics").mockImplementation(OUT);
    vi.spyOn(EventLog.prototype, "read").mockRejectedValue(new Error("out of reach"));
    const { status, headers, body } = await call("GET", "/health");
    expect(status).toBe(503);
    expect(headers.get("Content-Type")).toBe("application/problem+json");
    expect(body).toMatchObject({
      status: 503,
      detail: "Out of reach: d1, objects, deliveriesSlow.",
      parts: { d1: { ok: false }, objects: { ok: false }, deliveries: { ok: true }, deliveriesSlow: { ok: false } },
      deadLetters: null,
      secrets: null,
    });
  });

  it("waits two seconds for a part that does not answer, for all of them together", async ({ expect }) => {
    const never = () => new Promise<never>(() => {});
    for (const queue of [env.DELIVERIES, env.DELIVERIES_SLOW, env.DELIVERIES_DEAD]) {
      vi.spyOn(queue, "metrics").mockImplementation(never);
    }
    const { status, body } = await call("GET", "/health");
    expect(status).toBe(503);
    expect(body.parts.d1.ok).toBe(true);
    for (const name of ["deliveries", "deliveriesSlow", "deliveriesDead"]) {
      expect(body.parts[name].ok).toBe(false);
      expect(body.parts[name].ms).toBeLessThan(5_000);
    }
  });

  it("tells of secrets that are under another key", async ({ expect }) => {
    const tenant = await newTenant();
    const key = env.SECRETS_KEY as string;
    await call("PUT", `/v1/tenants/${tenant}`, { name: "Test", callbackSecret: "callback-secret" });
    try {
      env.SECRETS_KEY = "a new key";
      expect((await call("GET", "/health")).body.secrets).toEqual({ underOldKeys: 0, unreadable: 1 });
      env.SECRETS_KEY_OLD = key;
      expect((await call("GET", "/health")).body.secrets).toEqual({ underOldKeys: 1, unreadable: 0 });
    } finally {
      env.SECRETS_KEY = key;
      delete env.SECRETS_KEY_OLD;
    }
  });
});
