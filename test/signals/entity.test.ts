import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it, vi } from "vitest";
import { app } from "../../src/api/app";
import type { EntityContract } from "../../src/contracts/entity";
import type { Env } from "../../src/contracts/env";
import { DAY } from "../../src/lib/time";
import { call, newEndpoint, newReceiver, newTenant, until } from "../lib/api";
import { emitted, entityObject, logged, newSignal, observe, seen } from "./world";

const CROSSING = { crosses: { path: "company.leadScore", threshold: 70 } };

async function stubOf(tenant: string, key: string): Promise<DurableObjectStub> {
  return (await entityObject(tenant, key)) as unknown as DurableObjectStub;
}

/** Gives an entity's object other bindings. */
async function rebind(stub: DurableObjectStub, bindings: object): Promise<void> {
  await runInDurableObject(stub, (entity) => {
    Object.defineProperty(entity, "env", { value: { ...env, ...bindings }, configurable: true });
  });
}

/** An event log that fails before it has taken anything, or after. */
function failingLog(when: "before" | "after"): object {
  return {
    getByName: (name: string) => ({
      appendAll: async (...request: unknown[]) => {
        if (when === "after") await env.EVENT_LOG.getByName(name).appendAll(...(request as [never, never]));
        throw new Error("Network connection lost");
      },
    }),
  };
}

async function held(stub: DurableObjectStub): Promise<{ rows: number | null; alarm: number | null }> {
  return runInDurableObject(stub, async (_, { storage }) => {
    const there = storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'observations'").toArray().length > 0;
    const rows = there ? (storage.sql.exec("SELECT count(*) AS n FROM observations").one().n as number) : null;
    return { rows, alarm: await storage.getAlarm() };
  });
}

describe("simultaneous observations of one entity", () => {
  it("fire once what is once, and a crossing as one", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { once: true }, { emit: "once" });
    await newSignal(tenant, CROSSING, { emit: "crossed" });
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url);
    await emitted(tenant, seen("b.com", 1));
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => observe(tenant, seen("a.com", 70 + i))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const events = answers.flatMap(({ body }) => body.events.map(({ event }: { event: string }) => event));
    expect(events.toSorted()).toEqual(["crossed", "once"]);
    expect((await logged(tenant)).map(({ event }) => event).toSorted()).toEqual(["crossed", "once", "once"]);
    expect(await receiver.arrived(3)).toHaveLength(3);
  });

  it("under one key are one", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { every: true });
    const key = { "Idempotency-Key": "k" };
    const answers = await Promise.all(Array.from({ length: 30 }, () => observe(tenant, seen("a.com", 1), key)));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body.events))).size).toBe(1);
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(await logged(tenant)).toHaveLength(1);
  });
});

describe("a crash between memory and emission", () => {
  it.for(["before", "after"] as const)(
    "%s the log has the event neither loses nor doubles it",
    async (when, { expect }) => {
      const tenant = await newTenant();
      const receiver = await newReceiver();
      await newEndpoint(tenant, receiver.url);
      await newSignal(tenant, { once: true }, { emit: "once" });
      await newSignal(tenant, CROSSING, { emit: "crossed" });
      const stub = await stubOf(tenant, "a.com");
      await rebind(stub, { EVENT_LOG: failingLog(when) });
      expect((await observe(tenant, seen("a.com", 80))).status).toBeGreaterThanOrEqual(500);
      expect(await logged(tenant)).toHaveLength(when === "after" ? 2 : 0);
      // The alarm tries, in vain, and is set again.
      expect(await runDurableObjectAlarm(stub)).toBe(true);
      expect((await held(stub)).alarm).not.toBeNull();
      await rebind(stub, {});
      expect(await emitted(tenant, seen("a.com", 90))).toEqual([]);
      expect(await runDurableObjectAlarm(stub)).toBe(true);
      expect((await logged(tenant)).map(({ event }) => event).toSorted()).toEqual(["crossed", "once"]);
      await runDurableObjectAlarm(stub);
      expect(await logged(tenant)).toHaveLength(2);
      expect(await emitted(tenant, seen("a.com", 95))).toEqual([]);
    },
  );

  it("is answered the same events when it is repeated under its key", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { once: true }, { emit: "once" });
    const stub = await stubOf(tenant, "a.com");
    await rebind(stub, { EVENT_LOG: failingLog("after") });
    const key = { "Idempotency-Key": "k" };
    expect((await observe(tenant, seen("a.com"), key)).status).toBeGreaterThanOrEqual(500);
    await rebind(stub, {});
    const { status, body } = await observe(tenant, seen("a.com"), key);
    const [event] = await logged(tenant);
    expect([status, body.events]).toEqual([200, [{ id: event.id, event: "once" }]]);
    expect(await logged(tenant)).toHaveLength(1);
  });
});

describe("an observation's way", () => {
  it("is one call of the entity's object, whatever the number of rules, and in a batch one per entity", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    for (let threshold = 0; threshold < 12; threshold++) {
      await newSignal(tenant, { crosses: { path: "company.leadScore", threshold } });
    }
    let calls = 0;
    const counting: Env["ENTITY"] = new Proxy(env.ENTITY, {
      get: (namespace, name) =>
        name === "getByName"
          ? (object: string) => ({
              observe: (request: Parameters<EntityContract["observe"]>[0]) => {
                calls++;
                return namespace.getByName(object).observe(request);
              },
            })
          : Reflect.get(namespace, name),
    });
    const asked = async (path: string, body: object) => {
      const headers = { Authorization: `Bearer ${env.OPERATOR_KEY}`, "Content-Type": "application/json" };
      const init = { method: "POST", headers, body: JSON.stringify(body) };
      const answer = await app.request(`/v1/tenants/${tenant}/observations${path}`, init, { ...env, ENTITY: counting });
      return (await answer.json()) as { events: object[] };
    };
    expect((await asked("", seen("a.com", 50))).events).toHaveLength(12);
    expect(calls).toBe(1);
    const observations = Array.from({ length: 100 }, (_, i) => seen(`${i % 4}.com`, 50));
    expect((await asked("/batch", { observations })).events).toHaveLength(48);
    expect(calls).toBe(5);
  });
});

describe("an entity", () => {
  it("that was silent for long is dropped by its alarm, and not before", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { once: true });
    expect(await emitted(tenant, seen("a.com"))).toEqual(["it.fired"]);
    const stub = await stubOf(tenant, "a.com");
    await until("the event's alarm to be through", async () => {
      await runDurableObjectAlarm(stub);
      return ((await held(stub)).alarm ?? 0) > Date.now() + 20 * DAY;
    });
    expect(await emitted(tenant, seen("a.com"))).toEqual([]);
    await rebind(stub, { ENTITY_TTL_DAYS: "0.0000001" });
    const silentSince = Date.now();
    await until("9 ms of silence", () => Date.now() > silentSince + 9);
    await runDurableObjectAlarm(stub);
    expect(await held(stub)).toEqual({ rows: null, alarm: null });
    await rebind(stub, {});
    expect(await emitted(tenant, seen("a.com"))).toEqual(["it.fired"]);
  });

  it("that was silent is not dropped as long as a key must be known", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { once: true });
    const key = { "Idempotency-Key": "k" };
    const first = await observe(tenant, seen("a.com"), key);
    const stub = await stubOf(tenant, "a.com");
    await rebind(stub, { ENTITY_TTL_DAYS: "0.0000001" });
    const silentSince = Date.now();
    await until("9 ms of silence", () => Date.now() > silentSince + 9);
    await runDurableObjectAlarm(stub);
    const { rows, alarm } = await held(stub);
    expect(rows).toBe(1);
    expect(alarm).toBeGreaterThan(Date.now() + DAY - 60_000);
    expect((await observe(tenant, seen("a.com"), key)).body).toEqual({ ...first.body, duplicate: true });
  });

  it("remembers after a change that failed, also when its alarm comes first", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { once: true });
    expect(await emitted(tenant, seen("a.com"))).toEqual(["it.fired"]);
    const stub = await stubOf(tenant, "a.com");
    await runInDurableObject(stub, (_, { storage }) => {
      vi.spyOn(storage, "transactionSync").mockImplementationOnce(() => {
        throw new Error("the object's storage failed");
      });
    });
    expect((await observe(tenant, seen("a.com", 2))).status).toBeGreaterThanOrEqual(500);
    await runDurableObjectAlarm(stub);
    expect((await held(stub)).rows).not.toBeNull();
    expect(await emitted(tenant, seen("a.com", 3))).toEqual([]);
  });

  it("of which nothing but a refusal is known leaves nothing behind", async ({ expect }) => {
    const tenant = await newTenant();
    const emit = `enforced.${tenant}`;
    await call("PUT", `/v1/event-types/${emit}`, { schema: { required: ["must"] }, enforce: true });
    await newSignal(tenant, { once: true }, { emit });
    expect((await observe(tenant, seen("a.com"), {}, "?strict=true")).status).toBe(422);
    expect(await held(await stubOf(tenant, "a.com"))).toEqual({ rows: null, alarm: null });
    expect(await emitted(tenant, seen("a.com", 1, { must: 1 }))).toEqual([emit]);
  });

  it("sets its alarm once, not at each observation", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { changesBy: { path: "company.leadScore", atLeast: 1_000 } });
    await observe(tenant, seen("a.com", 1));
    const stub = await stubOf(tenant, "a.com");
    const { alarm } = await held(stub);
    for (let i = 2; i < 6; i++) await observe(tenant, seen("a.com", i));
    expect(alarm).not.toBeNull();
    expect((await held(stub)).alarm).toBe(alarm);
  });

  it("of a deleted tenant is out of reach at once, and goes at its next alarm", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { once: true });
    expect(await emitted(tenant, seen("a.com"))).toEqual(["it.fired"]);
    const stub = await stubOf(tenant, "a.com");
    expect((await call("DELETE", `/v1/tenants/${tenant}`)).status).toBe(204);
    expect((await observe(tenant, seen("a.com"))).status).toBe(404);
    await call("PUT", `/v1/tenants/${tenant}`, { name: "Another" });
    await newSignal(tenant, { once: true });
    expect(await emitted(tenant, seen("a.com"))).toEqual(["it.fired"]);
    expect((await held(stub)).rows).toBe(1);
    await runDurableObjectAlarm(stub);
    expect(await held(stub)).toEqual({ rows: null, alarm: null });
    expect(await emitted(tenant, seen("a.com"))).toEqual([]);
  });

  it("whose tenant was deleted while an event was on its way emits it nowhere", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { once: true });
    const stub = await stubOf(tenant, "a.com");
    await rebind(stub, { EVENT_LOG: failingLog("before") });
    await observe(tenant, seen("a.com"));
    await call("DELETE", `/v1/tenants/${tenant}`);
    await call("PUT", `/v1/tenants/${tenant}`, { name: "Another" });
    await rebind(stub, {});
    await runDurableObjectAlarm(stub);
    expect(await held(stub)).toEqual({ rows: null, alarm: null });
    expect(await logged(tenant)).toEqual([]);
  });
});
