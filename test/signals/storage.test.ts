import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { sha256 } from "../../src/lib/crypto";
import { Sql } from "../../src/lib/sql";
import { Recollection } from "../../src/signals/recollection";
import { call, fresh, newTenant } from "../lib/api";
import { firing, keyed, request, T0 } from "./recollections";
import { emitted, entityObject, logged, newSignal, observe, seen } from "./world";

const FULL = "RAISE(ABORT, 'database or disk is full')";
const CROSSING = { crosses: { path: "company.leadScore", threshold: 70 } };

async function stubOf(tenant: string, key = "a.com"): Promise<DurableObjectStub> {
  return (await entityObject(tenant, key)) as unknown as DurableObjectStub;
}

/** Has the writes of an object fail that a trigger names, as if its storage were full; answers how it is well again. */
async function fill(stub: DurableObjectStub, ...triggers: string[]): Promise<() => Promise<void>> {
  await runInDurableObject(stub, (_, { storage }) => {
    for (const [i, trigger] of triggers.entries()) {
      storage.sql.exec(`CREATE TRIGGER full_${i} ${trigger} BEGIN SELECT ${FULL}; END`);
    }
  });
  return () =>
    runInDurableObject(stub, (_, { storage }) => {
      for (const i of triggers.keys()) storage.sql.exec(`DROP TRIGGER full_${i}`);
    });
}

function stored(stub: DurableObjectStub): Promise<object> {
  return runInDurableObject(stub, async (_, { storage }) => ({
    observations: storage.sql.exec("SELECT * FROM observations ORDER BY slot").toArray(),
    known: storage.sql.exec("SELECT * FROM known ORDER BY part, key").toArray(),
    alarm: await storage.getAlarm(),
  }));
}

describe("an entity whose storage is full", () => {
  it("observes nothing, knows nothing of it, and goes on where it was", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, CROSSING, { emit: "hot" });
    expect(await emitted(tenant, seen("a.com", 10))).toEqual([]);
    const stub = await stubOf(tenant);
    const before = await stored(stub);
    const mend = await fill(stub, "BEFORE INSERT ON observations", "BEFORE UPDATE ON observations");
    for (let i = 0; i < 3; i++) expect((await observe(tenant, seen("a.com", 80))).status).toBeGreaterThanOrEqual(500);
    expect(await stored(stub)).toEqual(before);
    await mend();
    expect(await emitted(tenant, seen("a.com", 60))).toEqual([]);
    expect(await emitted(tenant, seen("a.com", 80))).toEqual(["hot"]);
    expect(await logged(tenant)).toHaveLength(1);
  });

  it("forgets the first part of a request whose last part fails", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, CROSSING, { emit: "hot" });
    await emitted(tenant, seen("a.com", 10));
    const stub = await stubOf(tenant);
    const before = await stored(stub);
    // The first that fires takes the place of the memory; the second has a place of its own.
    const mend = await fill(stub, "BEFORE INSERT ON observations WHEN NEW.slot > 0");
    const path = `/v1/tenants/${tenant}/observations/batch`;
    const observations = [80, 10, 90].map((score) => seen("a.com", score));
    expect((await call("POST", path, { observations })).status).toBeGreaterThanOrEqual(500);
    expect(await stored(stub)).toEqual(before);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await logged(tenant)).toEqual([]);
    await mend();
    const { body } = await call("POST", path, { observations });
    expect(body.events).toHaveLength(2);
    expect(await logged(tenant)).toHaveLength(2);
  });

  it("keeps what it cannot note as emitted, and a repeat answers it", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { once: true });
    const stub = await stubOf(tenant);
    await emitted(tenant, seen("a.com", 1));
    await newSignal(tenant, { once: true }, { emit: "later" });
    const mend = await fill(stub, "BEFORE INSERT ON known");
    const key = { "Idempotency-Key": "k" };
    for (let i = 0; i < 3; i++) {
      expect((await observe(tenant, seen("a.com", 2), key)).status).toBeGreaterThanOrEqual(500);
    }
    // Its alarm fares no better, and comes again.
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    expect(await stored(stub)).toMatchObject({ alarm: expect.any(Number) });
    expect((await logged(tenant)).map(({ event }) => event)).toEqual(["it.fired", "later"]);
    await mend();
    const again = await observe(tenant, seen("a.com", 2), key);
    expect([again.status, again.body.events.length]).toEqual([200, 1]);
    await runDurableObjectAlarm(stub);
    expect(await logged(tenant)).toHaveLength(2);
    expect(await emitted(tenant, seen("a.com", 3))).toEqual([]);
  });

  it("that never had anything is left without tables", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { once: true });
    const stub = await stubOf(tenant, "new.com");
    await runInDurableObject(stub, (entity, { storage }) => {
      const { transactionSync } = storage;
      let isFull = true;
      Object.defineProperty(storage, "transactionSync", {
        configurable: true,
        value: <T>(run: () => T) =>
          transactionSync.call(storage, () => {
            const result = run();
            if (isFull) throw new Error("database or disk is full");
            return result;
          }) as T,
      });
      Object.assign(entity, { mend: () => (isFull = false) });
    });
    expect((await observe(tenant, seen("new.com"))).status).toBeGreaterThanOrEqual(500);
    const isEmpty = () => runInDurableObject(stub, (_, { storage }) => new Sql(storage.sql).isEmpty);
    expect(await isEmpty()).toBe(true);
    await runInDurableObject(stub, (entity) => (entity as unknown as { mend(): void }).mend());
    expect(await emitted(tenant, seen("new.com"))).toEqual(["it.fired"]);
  });
});

describe("an object of keys whose storage is full", () => {
  it("claims nothing, and nothing is observed under the key", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { once: true });
    const share = async (key: string) => ((await sha256(key))[0] as number) % 8;
    const shares = await Promise.all(Array.from({ length: 99 }, (_, i) => share(`k${i}`)));
    const [first, other] = shares.flatMap((one, i) => (one === shares[0] ? [{ "Idempotency-Key": `k${i}` }] : []));
    await observe(tenant, { n: 0 }, first);
    const row = await env.DB.prepare("SELECT created_at FROM tenants WHERE id = ?").bind(tenant).first();
    const name = `${tenant}/${Number(row?.created_at).toString(36)}/keys:${shares[0]}`;
    const mend = await fill(env.ENTITY.getByName(name) as unknown as DurableObjectStub, "BEFORE INSERT ON known");
    expect((await observe(tenant, seen("a.com"), other)).status).toBeGreaterThanOrEqual(500);
    expect((await observe(tenant, { n: 0 }, first)).status).toBe(200);
    expect(await logged(tenant)).toEqual([]);
    await mend();
    expect((await observe(tenant, seen("b.com"), other)).body.events).toHaveLength(1);
    expect((await observe(tenant, seen("a.com"), other)).status).toBe(422);
  });
});

describe("a recollection", () => {
  it("of which a write failed is as its rows are once it is opened anew", async ({ expect }) => {
    const stub = env.ENTITY.getByName(`t/0/${fresh("e")}`) as unknown as DurableObjectStub;
    await runInDurableObject(stub, (_, { storage }) => {
      const sql = new Sql(storage.sql);
      const every = firing({ every: true });
      new Recollection(sql).observe(keyed(request([every], [1]), "a"), T0);
      sql.all(`CREATE TRIGGER full BEFORE INSERT ON known BEGIN SELECT ${FULL}; END`);
      const broken = new Recollection(sql);
      const [row] = broken.pending();
      if (row === undefined) throw new Error("nothing waits");
      const settle = () => storage.transactionSync(() => broken.settle(row, { events: [], refused: [] }, T0));
      expect(settle).toThrow(/full/);
      // What it knows is what is written: the observation waits.
      expect([broken.hasPending, broken.pending()]).toEqual([true, [row]]);
      sql.all("DROP TRIGGER full");
      settle();
      expect([broken.hasPending, new Recollection(sql).hasPending]).toEqual([false, false]);
    });
  });
});
