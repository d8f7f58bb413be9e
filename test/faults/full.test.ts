import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, it } from "vitest";
import { call } from "../lib/api";
import { RECONCILE, World } from "./world";

afterEach(() => World.end());

/** Tables of an endpoint's object that cannot be written to, as when it has all it may have. */
const ALL = ["deliveries", "state"];

/** Writes to these tables fail, and others do not; none: all work again. */
async function setFull(world: World, full: readonly string[]): Promise<void> {
  const stub = env.ENDPOINT.getByName(`${world.tenant}/${world.endpoints[0]}`) as unknown as DurableObjectStub;
  await runInDurableObject(stub, (_, { storage: { sql } }) => {
    for (const table of ALL) {
      for (const what of ["INSERT", "UPDATE"]) {
        const name = `full_${table}_${what}`;
        sql.exec(`DROP TRIGGER IF EXISTS ${name}`);
        if (!full.includes(table)) continue;
        const body = "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";
        sql.exec(`CREATE TRIGGER ${name} BEFORE ${what} ON ${table} ${body}`);
      }
    }
  });
}

/** Lets everything that may happen happen, some hours long. */
async function hours(world: World, evict: boolean): Promise<void> {
  for (let round = 0; round < 12; round++) {
    for (let i = 0; i < 3 && world.queue.length > 0; i++) await world.consume();
    await world.consumeDead();
    world.pass(round < 6 ? 60_000 : RECONCILE);
    await world.reconcile();
    await world.alarm(0);
    if (evict) await world.evict(0);
  }
}

describe.for([
  ["cannot be written to, and stays in memory", ALL, false],
  ["cannot be written to, and is evicted again and again", ALL, true],
  // Rows that exist may be written over where there is no room for new ones.
  ["has no room for deliveries, and stays in memory", ["deliveries"], false],
  ["has no room for deliveries, and is evicted again and again", ["deliveries"], true],
] as const)("an endpoint whose object %s", ([, full, evict]) => {
  it("is sent each event twice at most, however long that lasts, and gets it once it can be", async ({ expect }) => {
    const world = await World.create(1);
    await world.post("before");
    await world.consume();
    await setFull(world, full);
    await world.post("first");
    await world.consume();
    for (let i = 0; i < 5; i++) {
      world.pass(1_000);
      await world.post(`later ${i}`);
      await world.consume();
    }
    await hours(world, evict);
    const sends = [...world.promised.values()].map(({ requests }) => requests);
    expect(Math.max(...sends)).toBeLessThanOrEqual(1);
    // What came after the first was not sent at all, unless the object had forgotten that it cannot write.
    const all = sends.reduce((sum, requests) => sum + requests, 0);
    // Nor was the first where it had found out before, by what it remembers of D1's copy.
    if (!evict) expect(full === ALL ? [1, 2] : [2]).toContain(all);
    await setFull(world, []);
    await world.settle("well");
    const after = [...world.promised.values()];
    expect(after.every(({ requests }) => requests >= 1 && requests <= 2)).toBe(true);
  });

  it("is sent nothing new either, though no message of it has come before", async ({ expect }) => {
    const world = await World.create(1);
    await world.post("before");
    await world.consume();
    await setFull(world, full);
    await world.post("first");
    await world.consume();
    // What could not be written down comes back later: each that is new stands alone in its batch.
    const later = world.queue.splice(0);
    expect(later).toHaveLength(1);
    for (let i = 0; i < 5; i++) {
      world.pass(1_000);
      await world.post(`later ${i}`);
      await world.consume();
      later.push(...world.queue.splice(0));
    }
    const [before, first, ...others] = [...world.promised.values()].map(({ requests }) => requests);
    expect([before, ...others]).toEqual([1, 0, 0, 0, 0, 0]);
    expect(full === ALL ? [0, 1] : [1]).toContain(first);
    await setFull(world, []);
    world.queue.push(...later);
    await world.settle("well");
    expect([...world.promised.values()].every(({ requests }) => requests >= 1 && requests <= 2)).toBe(true);
  });

  it("does not ask its alarm again at once", async ({ expect }) => {
    const world = await World.create(1);
    world.mood = "badly";
    await world.post("fails");
    await world.consume();
    await setFull(world, full);
    world.mood = "well";
    world.pass(40_000);
    const object = env.ENDPOINT.getByName(`${world.tenant}/${world.endpoints[0]}`) as unknown as DurableObjectStub;
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      await world.alarm(0);
      const at = await runInDurableObject(object, (_, { storage }) => storage.getAlarm());
      waits.push((at ?? 0) - Date.now());
      world.pass(Math.max(waits.at(-1) ?? 0, 0));
    }
    // Where it can tell what is released, it leaves that to its message for longer each time.
    const most = full === ALL ? 60_000 : 3_600_000;
    expect(waits.every((ms) => ms >= 1_000 && ms <= most)).toBe(true);
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    await setFull(world, []);
    await world.settle("well");
    expect((await call("GET", `/v1/tenants/${world.tenant}/endpoints/${world.endpoints[0]}/health`)).status).toBe(200);
  });
});
