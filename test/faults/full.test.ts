import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, it } from "vitest";
import { call } from "../lib/api";
import { RECONCILE, World } from "./world";

afterEach(() => World.end());

/** Writes of an endpoint's deliveries fail, as they do when its object has all it may have; or they work again. */
async function setFull(world: World, full: boolean): Promise<void> {
  const stub = env.ENDPOINT.getByName(`${world.tenant}/${world.endpoints[0]}`) as unknown as DurableObjectStub;
  await runInDurableObject(stub, (_, { storage: { sql } }) => {
    if (!full) for (const name of ["full_i", "full_u"]) sql.exec(`DROP TRIGGER ${name}`);
    else {
      for (const [name, what] of [
        ["full_i", "INSERT"],
        ["full_u", "UPDATE"],
      ]) {
        sql.exec(
          `CREATE TRIGGER ${name} BEFORE ${what} ON deliveries BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`,
        );
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
  ["stays in memory", false],
  ["is evicted again and again", true],
] as const)("an endpoint whose object cannot be written to, and %s", ([, evict]) => {
  it("is sent each event twice at most, however long that lasts, and gets it once it can be", async ({ expect }) => {
    const world = await World.create(1);
    await world.post("before");
    await world.consume();
    await setFull(world, true);
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
    if (!evict) expect(sends.reduce((sum, requests) => sum + requests, 0)).toBe(2);
    await setFull(world, false);
    await world.settle("well");
    const after = [...world.promised.values()];
    expect(after.every(({ requests }) => requests >= 1 && requests <= 2)).toBe(true);
  });

  it("is sent nothing new either, though no message of it has come before", async ({ expect }) => {
    const world = await World.create(1);
    await world.post("before");
    await world.consume();
    await setFull(world, true);
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
    const sends = [...world.promised.values()].map(({ requests }) => requests);
    expect(sends).toEqual([1, 1, 0, 0, 0, 0, 0]);
    await setFull(world, false);
    world.queue.push(...later);
    await world.settle("well");
    expect([...world.promised.values()].every(({ requests }) => requests >= 1 && requests <= 2)).toBe(true);
  });

  it("does not ask its alarm again at once", async ({ expect }) => {
    const world = await World.create(1);
    world.mood = "badly";
    await world.post("fails");
    await world.consume();
    await setFull(world, true);
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
    expect(waits.every((ms) => ms >= 1_000 && ms <= 60_000)).toBe(true);
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    await setFull(world, false);
    await world.settle("well");
    expect((await call("GET", `/v1/tenants/${world.tenant}/endpoints/${world.endpoints[0]}/health`)).status).toBe(200);
  });
});
