import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { hex, sha256 } from "../../src/lib/crypto";
import { DAY } from "../../src/lib/time";
import { type Answered, call, newTenant } from "../api";
import { emitted, entityObject, logged, newSignal, observe, seen } from "./world";

const key = { "Idempotency-Key": "k" };

afterEach(() => {
  vi.useRealTimers();
});

function observeAll(tenant: string, observations: object[], query = ""): Promise<Answered> {
  return call("POST", `/v1/tenants/${tenant}/observations/batch${query}`, { observations }, key);
}

/** The object that keeps the key. */
async function keeperOf(tenant: string): Promise<DurableObjectStub> {
  const row = await env.DB.prepare("SELECT created_at FROM tenants WHERE id = ?").bind(tenant).first();
  const since = Number(row?.created_at).toString(36);
  return env.ENTITY.getByName(`${tenant}/${since}/key:${hex(await sha256("k"))}`) as unknown as DurableObjectStub;
}

async function held(stub: DurableObjectStub): Promise<{ tables: number; alarm: number | null }> {
  return runInDurableObject(stub, async (_, { storage }) => {
    const tables = storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'claim'").toArray().length;
    return { tables, alarm: await storage.getAlarm() };
  });
}

describe("an idempotency key", () => {
  it("counts for the tenant: another body under it is refused whatever entity it is about", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { every: true });
    expect((await observe(tenant, seen("a.com"), key)).status).toBe(202);
    const { status, body } = await observe(tenant, seen("b.com"), key);
    expect([status, body.errors[0].path]).toEqual([422, "Idempotency-Key"]);
    expect((await observe(tenant, {}, key)).status).toBe(422);
    expect(await logged(tenant)).toHaveLength(1);
    const other = await newTenant();
    expect((await observe(other, seen("b.com"), key)).status).toBe(202);
  });

  it("used before keeps the whole of another batch from being observed", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { once: true });
    expect((await observeAll(tenant, [seen("x.com", 1)])).status).toBe(202);
    expect((await observeAll(tenant, [seen("x.com", 2), seen("y.com", 2)])).status).toBe(422);
    expect(await logged(tenant)).toHaveLength(1);
    expect(await emitted(tenant, seen("y.com", 2))).toEqual(["it.fired"]);
  });

  it("tells a batch of one from the one alone", async ({ expect }) => {
    const tenant = await newTenant();
    expect((await observe(tenant, seen("a.com"), key)).status).toBe(202);
    expect((await observeAll(tenant, [seen("a.com")])).status).toBe(422);
  });

  it("answers what the first was answered, though its rule is deleted", async ({ expect }) => {
    const tenant = await newTenant();
    const id = await newSignal(tenant, { every: true });
    const first = await observe(tenant, seen("a.com"), key);
    await call("DELETE", `/v1/tenants/${tenant}/signals/${id}`);
    const again = await observe(tenant, seen("a.com"), key);
    expect([again.status, again.body]).toEqual([200, { ...first.body, duplicate: true }]);
    expect(first.body.events).toHaveLength(1);
  });

  it("answers what the first was answered, though a new rule finds another entity in it", async ({ expect }) => {
    const tenant = await newTenant();
    const visit = seen("a.com", 1, { visitor: "v" });
    await newSignal(tenant, { every: true });
    const first = await observe(tenant, visit, key);
    await newSignal(tenant, { every: true }, { entity: "visitor", emit: "visitor" });
    const again = await observe(tenant, visit, key);
    expect([again.status, again.body]).toEqual([200, { ...first.body, duplicate: true }]);
    expect(await logged(tenant)).toHaveLength(1);
  });

  it("is known for an observation that no rule could place, also to a strict repeat", async ({ expect }) => {
    const tenant = await newTenant();
    expect((await observe(tenant, { n: 1 }, key)).status).toBe(202);
    await newSignal(tenant, { every: true });
    const again = await observe(tenant, { n: 1 }, key, "?strict=true");
    expect([again.status, again.body]).toEqual([200, { events: [], duplicate: true }]);
    expect((await observe(tenant, { n: 2 }, key)).status).toBe(422);
  });

  it("gives a batch's answer again for each observation, with what was skipped", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { every: true });
    const observations = [seen("a.com"), { company: { name: "\u{1f4ef} é" } }];
    const first = await observeAll(tenant, observations);
    const again = await observeAll(tenant, observations);
    expect([first.status, again.status]).toEqual([202, 200]);
    expect(first.body.data[1].skipped).toHaveLength(1);
    const data = first.body.data.map((one: object) => ({ ...one, duplicate: true }));
    expect(again.body).toEqual({ events: first.body.events, data });
  });

  it("is free after a request that was refused", async ({ expect }) => {
    const tenant = await newTenant();
    const emit = `enforced.${tenant}`;
    await call("PUT", `/v1/event-types/${emit}`, { schema: { required: ["name"] }, enforce: true });
    await newSignal(tenant, { once: true }, { emit });
    expect((await observe(tenant, { at: "never" }, key)).status).toBe(422);
    expect((await observe(tenant, { company: {} }, key, "?strict=true")).status).toBe(422);
    expect((await observe(tenant, seen("a.com"), key, "?strict=true")).status).toBe(422);
    expect(await held(await keeperOf(tenant))).toEqual({ tables: 0, alarm: null });
    const corrected = seen("a.com", 1, { name: "A" });
    expect((await observe(tenant, corrected, key, "?strict=true")).body.events).toHaveLength(1);
  });

  it("is held while the first request is under way or was cut short, and the repeat goes on", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { once: true });
    const stub = (await entityObject(tenant, "a.com")) as unknown as DurableObjectStub;
    await runInDurableObject(stub, (_, { storage }) => {
      vi.spyOn(storage, "transactionSync").mockImplementationOnce(() => {
        throw new Error("the object's storage failed");
      });
    });
    expect((await observe(tenant, seen("a.com"), key)).status).toBeGreaterThanOrEqual(500);
    expect((await observe(tenant, seen("b.com"), key)).status).toBe(422);
    const { status, body } = await observe(tenant, seen("a.com"), key);
    expect([status, body.events.length]).toEqual([202, 1]);
    expect((await observe(tenant, seen("a.com"), key)).body).toEqual({ ...body, duplicate: true });
  });

  it("is forgotten after 24 hours, by the entities too, and its object goes by its alarm", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { every: true });
    await observe(tenant, seen("a.com"), key);
    const keeper = await keeperOf(tenant);
    const { alarm } = await held(keeper);
    expect(Math.abs((alarm as number) - Date.now() - DAY)).toBeLessThan(60_000);
    await runDurableObjectAlarm(keeper);
    expect((await observe(tenant, seen("a.com"), key)).status).toBe(200);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime((alarm as number) - 1);
    expect((await observe(tenant, seen("b.com"), key)).status).toBe(422);
    vi.setSystemTime(alarm as number);
    await runDurableObjectAlarm(keeper);
    expect(await held(keeper)).toEqual({ tables: 0, alarm: null });
    const again = await observe(tenant, seen("a.com", 2), key);
    expect([again.status, again.body.events.length]).toEqual([202, 1]);
  });

  it("of a deleted tenant is out of reach", async ({ expect }) => {
    const tenant = await newTenant();
    await observe(tenant, seen("a.com"), key);
    await call("DELETE", `/v1/tenants/${tenant}`);
    await call("PUT", `/v1/tenants/${tenant}`, { name: "Another" });
    expect((await observe(tenant, seen("b.com"), key)).status).toBe(202);
  });
});
