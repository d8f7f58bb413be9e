import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { app } from "../../src/api/app";
import type { ClaimRequest, EntityContract, KeysContract, ObserveRequest } from "../../src/contracts/entity";
import type { Env } from "../../src/contracts/env";
import { sha256 } from "../../src/lib/crypto";
import { Sql } from "../../src/lib/sql";
import { DAY } from "../../src/lib/time";
import { Keys } from "../../src/signals/keys";
import { type Answered, call, newTenant } from "../lib/api";
import { emitted, entityObject, logged, newSignal, observe, seen } from "./world";

const key = { "Idempotency-Key": "k" };

afterEach(() => {
  vi.useRealTimers();
});

function observeAll(tenant: string, observations: object[], query = ""): Promise<Answered> {
  return call("POST", `/v1/tenants/${tenant}/observations/batch${query}`, { observations }, key);
}

/** The object that keeps a key. */
async function keeperOf(tenant: string, of = "k"): Promise<DurableObjectStub> {
  const row = await env.DB.prepare("SELECT created_at FROM tenants WHERE id = ?").bind(tenant).first();
  const since = Number(row?.created_at).toString(36);
  const share = ((await sha256(of))[0] as number) % 8;
  return env.ENTITY.getByName(`${tenant}/${since}/keys:${share}`) as unknown as DurableObjectStub;
}

async function held(stub: DurableObjectStub): Promise<{ keys: number | null; alarm: number | null }> {
  return runInDurableObject(stub, async (_, { storage }) => {
    const there = storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'known'").toArray().length > 0;
    const keys = there ? (storage.sql.exec("SELECT count(*) AS n FROM known").one().n as number) : null;
    return { keys, alarm: await storage.getAlarm() };
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
    expect((await held(await keeperOf(tenant))).keys).toBe(0);
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
    vi.useFakeTimers({ toFake: ["Date"] });
    const since = Date.now();
    vi.setSystemTime(since);
    await observe(tenant, seen("a.com"), key);
    const keeper = await keeperOf(tenant);
    const { alarm } = await held(keeper);
    expect((alarm as number) - since).toBeGreaterThanOrEqual(DAY);
    expect((alarm as number) - since).toBeLessThan(1.6 * DAY);
    vi.setSystemTime(since + DAY - 1);
    await runDurableObjectAlarm(keeper);
    expect((await observe(tenant, seen("a.com"), key)).status).toBe(200);
    expect((await observe(tenant, seen("b.com"), key)).status).toBe(422);
    vi.setSystemTime(since + DAY);
    const again = await observe(tenant, seen("a.com", 2), key);
    expect([again.status, again.body.events.length]).toEqual([202, 1]);
    vi.setSystemTime(since + 4 * DAY);
    await runDurableObjectAlarm(keeper);
    expect(await held(keeper)).toEqual({ keys: null, alarm: null });
    expect((await observe(tenant, seen("a.com", 3), key)).status).toBe(202);
  });

  it("shares a few objects with all others, and costs a row there", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { every: true });
    const objects = new Set<string>();
    const calls: string[] = [];
    const counting: Env["ENTITY"] = new Proxy(env.ENTITY, {
      get: (namespace, name) =>
        name === "getByName"
          ? (object: string) => {
              objects.add(object);
              const room = namespace.getByName(object) as unknown as EntityContract & KeysContract;
              return {
                claim: (request: ClaimRequest) => {
                  calls.push("claim");
                  return room.claim(request);
                },
                observe: (request: ObserveRequest) => {
                  calls.push("observe");
                  return room.observe(request);
                },
              };
            }
          : Reflect.get(namespace, name),
    });
    const post = async (i: number) => {
      const headers = { Authorization: `Bearer ${env.OPERATOR_KEY}`, "Content-Type": "application/json" };
      const init = {
        method: "POST",
        headers: { ...headers, "Idempotency-Key": `k${i}` },
        body: JSON.stringify(seen("a.com", i)),
      };
      return app.request(`/v1/tenants/${tenant}/observations`, init, { ...env, ENTITY: counting });
    };
    for (let i = 0; i < 60; i++) expect((await post(i)).status).toBe(202);
    expect(calls.filter((call) => call === "claim")).toHaveLength(60);
    expect(calls.filter((call) => call === "observe")).toHaveLength(60);
    expect(objects.size).toBeLessThanOrEqual(9);
    await runInDurableObject(await keeperOf(tenant, "another"), (_, { storage }) => {
      const sql = new Sql(storage.sql);
      const keys = new Keys(sql);
      const claim = (name: string) =>
        keys.claim({ key: name, fingerprint: "f", plan: '{"rules":[],"concerned":[]}' }, Date.now());
      for (let i = 0; i < 200; i++) claim(`few${i}`);
      const cost = (run: () => void) => {
        const [read, written] = [sql.rowsRead, sql.rowsWritten];
        run();
        return { read: sql.rowsRead - read, written: sql.rowsWritten - written };
      };
      const few = [cost(() => claim("one")), cost(() => claim("few7"))];
      for (let i = 0; i < 5_000; i++) claim(`many${i}`);
      expect([cost(() => claim("two")), cost(() => claim("few7"))]).toEqual(few);
      expect(few.map(({ written }) => written)).toEqual([1, 0]);
    });
  });

  it("is said once though it is said thirty times at once, by whatever rules each knows", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { every: true });
    const visit = seen("a.com", 1, { visitor: "v" });
    const answers = await Promise.all([
      ...Array.from({ length: 30 }, () => observe(tenant, visit, key)),
      newSignal(tenant, { every: true }, { entity: "visitor", emit: "visitor" }).then(() =>
        observe(tenant, visit, key),
      ),
    ]);
    expect(new Set(answers.map(({ body }) => JSON.stringify(body.events))).size).toBe(1);
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    const nothing = await Promise.all(
      Array.from({ length: 20 }, () => observe(tenant, {}, { "Idempotency-Key": "n" })),
    );
    expect(nothing.filter(({ status }) => status === 202)).toHaveLength(1);
  });

  it("is free after a strict request that its entity refused, and known after one that it took", async ({ expect }) => {
    const tenant = await newTenant();
    const emit = `enforced.${tenant}`;
    await call("PUT", `/v1/event-types/${emit}`, { schema: { required: ["must"] }, enforce: true });
    await newSignal(tenant, { once: true }, { emit });
    const strict = "?strict=true";
    const [refused, taken] = [seen("a.com"), seen("b.com", 1, { must: 1 })];
    expect((await observeAll(tenant, [refused, taken], strict)).status).toBe(422);
    expect((await observeAll(tenant, [taken], strict)).body.events).toHaveLength(1);
    expect((await observeAll(tenant, [taken], strict)).status).toBe(200);
    expect((await observeAll(tenant, [refused], strict)).body.errors[0].path).toBe("Idempotency-Key");
  });

  it("goes on with the rules of the first request that are left", async ({ expect }) => {
    const tenant = await newTenant();
    const gone = await newSignal(tenant, { once: true }, { emit: "gone" });
    await newSignal(tenant, { once: true }, { emit: "stays" });
    const stub = (await entityObject(tenant, "a.com")) as unknown as DurableObjectStub;
    await runInDurableObject(stub, (_, { storage }) => {
      vi.spyOn(storage, "transactionSync").mockImplementationOnce(() => {
        throw new Error("the object's storage failed");
      });
    });
    expect((await observe(tenant, seen("a.com"), key)).status).toBeGreaterThanOrEqual(500);
    await call("DELETE", `/v1/tenants/${tenant}/signals/${gone}`);
    await newSignal(tenant, { once: true }, { emit: "new" });
    const { status, body } = await observe(tenant, seen("a.com"), key);
    expect([status, body.events.map(({ event }: { event: string }) => event)]).toEqual([202, ["stays"]]);
  });

  it("of a deleted tenant is out of reach", async ({ expect }) => {
    const tenant = await newTenant();
    await observe(tenant, seen("a.com"), key);
    await call("DELETE", `/v1/tenants/${tenant}`);
    await call("PUT", `/v1/tenants/${tenant}`, { name: "Another" });
    expect((await observe(tenant, seen("b.com"), key)).status).toBe(202);
  });
});
