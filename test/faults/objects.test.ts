import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { Endpoint } from "../../src/endpoint/object";
import { call } from "../lib/api";
import { type Change, RECONCILE, World } from "./world";

afterEach(() => World.end());

/** A change has come to its end when an error would come this many statements later than its last one. */
const BEYOND = 3;
/** How many statements of each change fail at least: less would be a test of nothing. */
const FEWEST = 3;

describe.for(["admit", "record", "adopt", "release"] as const)("an error in the middle of %s", (change: Change) => {
  it("leaves nothing half done, at whichever statement it comes", async ({ expect }) => {
    const world = await World.create(1);
    world.mood = "badly";
    const came: boolean[] = [];
    // One error more each time, until none comes any more: whatever number of statements the change runs.
    for (let statement = 0; came.slice(-BEYOND).includes(true) || came.length < BEYOND; statement++) {
      const before = world.sqlErrors;
      world.pass(1_000);
      // Adopted are deliveries whose messages never left.
      if (change === "adopt") world.queueFails = "wholly";
      for (const part of ["a", "b"]) await world.post(`${statement}${part}`);
      world.sqlFails = { change, statement };
      await world.consume();
      if (change === "adopt") {
        world.pass(RECONCILE);
        await world.reconcile();
      }
      // An endpoint that has begun to fail is sent nothing for a while, and then records nothing.
      for (let tries = 0; tries === 0 || (world.sqlFails !== null && tries < 5); tries++) {
        world.pass(tries === 0 ? 40_000 : 700_000);
        await world.alarm(0);
        if (tries > 0) await world.consume();
      }
      // The change was made, or broken off.
      expect([statement, world.sqlFails]).toEqual([statement, null]);
      came.push(world.sqlErrors > before);
      await world.check();
    }
    expect(came.filter(Boolean).length).toBeGreaterThanOrEqual(FEWEST);
    await world.settle("well");
  });
});

describe("an object that is evicted", () => {
  it("after each step of a consumer that is killed there, and between all others, loses nothing", async ({
    expect,
  }) => {
    const world = await World.create(2);
    await world.post("warm-up");
    const { steps, called } = await world.consume();
    expect(called).toContain("Endpoint.record");
    const away = async () => {
      await world.evict(0);
      await world.evict(1);
      await world.evictLogs();
      await world.check();
    };
    const moods = ["badly", "well", "not at all"] as const;
    for (let step = 0; step < steps; step++) {
      world.mood = moods[step % moods.length] as (typeof moods)[number];
      await world.post(`killed at ${step}`);
      await away();
      // So far it has come, and then everybody is gone.
      await world.consume(0, 10, { step, fate: "killed before" });
      await away();
      await world.consume();
      await away();
      world.pass(61_000);
      for (const i of [0, 1]) await world.alarm(i);
      await away();
      await world.consume();
      await away();
      world.pass(RECONCILE);
      await world.reconcile();
      await away();
    }
    await world.settle("well");
  });

  it("while it records: what was not answered is recorded again, and counts once", async ({ expect }) => {
    const world = await World.create(1);
    world.mood = "badly";
    await world.post("one");
    let lost = 0;
    const record = vi.spyOn(Endpoint.prototype, "record");
    record.mockImplementationOnce(async function (this: Endpoint, outcomes) {
      record.mockRestore();
      await this.record(outcomes);
      lost++;
      throw new Error("the answer is lost");
    });
    await world.consume();
    expect(lost).toBe(1);
    await world.check();
    await world.evict(0);
    await world.check();
    await world.settle("well");
    // The one that failed, and its retry.
    expect([...world.promised.values()].map(({ requests }) => requests)).toEqual([2]);
  });
});

describe("an alarm that runs twice", () => {
  it("at once or one after the other releases and hands over each delivery once", async ({ expect }) => {
    const world = await World.create(2);
    world.mood = "badly";
    await world.post("tried");
    await world.consume();
    world.queueFails = "wholly";
    await world.post("never queued");
    world.pass(RECONCILE);
    const twice = async (object: unknown) => {
      const run = () => runDurableObjectAlarm(object as DurableObjectStub);
      await Promise.all([run(), run()]);
      await run();
    };
    await world.reconcile();
    await world.reconcile();
    await world.check();
    world.pass(RECONCILE);
    for (const id of world.endpoints) await twice(env.ENDPOINT.getByName(`${world.tenant}/${id}`));
    const released = world.queue.flatMap(({ body }) => (body as { deliveries: { id: string }[] }).deliveries);
    expect(released.map(({ id }) => id).toSorted()).toEqual([...world.promised.keys()].toSorted());
    await world.settle("well");
    expect([...world.promised.values()].map(({ requests }) => requests)).toEqual([2, 2, 1, 1]);
  });
});

describe("queue messages", () => {
  it("that come twice, late and in another order send each delivery once", async ({ expect }) => {
    const world = await World.create(1);
    for (let i = 0; i < 5; i++) await world.post(`event ${i}`);
    world.queue.push(...world.queue.map((message) => ({ ...message })));
    world.queue.reverse();
    const late = world.queue.map((message) => ({ ...message }));
    while (world.queue.length > 0) await world.consume(1, 3);
    await world.check();
    world.queue.push(...late);
    await world.consume(0, 20);
    await world.settle("well");
    expect([...world.promised.values()].map(({ requests }) => requests)).toEqual([1, 1, 1, 1, 1]);
  });

  it("that come twice at the same time are in flight once", async ({ expect }) => {
    const world = await World.create(1);
    for (let i = 0; i < 3; i++) await world.post(`event ${i}`);
    world.queue.push(...world.queue.map((message) => ({ ...message })));
    await Promise.all([world.consume(0, 3), world.consume(0, 3)]);
    await world.settle("well");
    expect([...world.promised.values()].map(({ requests }) => requests)).toEqual([1, 1, 1]);
  });

  it("that were given up are adopted from the dead letters, and end as delivered", async ({ expect }) => {
    const world = await World.create(1);
    await world.post("one");
    const admit = vi.spyOn(Endpoint.prototype, "admit").mockRejectedValue(new Error("out of reach"));
    for (let i = 0; i < 12; i++) await world.consume();
    expect(world.queue).toHaveLength(0);
    expect(world.dead).toHaveLength(1);
    admit.mockRestore();
    await world.consumeDead();
    await world.check();
    await world.settle("well");
  });
});

describe("adopting", () => {
  it("that fails for one endpoint keeps what is its own, and hands the others theirs", async ({ expect }) => {
    const world = await World.create(2);
    world.queueFails = "wholly";
    await world.post("never queued");
    world.pass(RECONCILE);
    const adopt = vi.spyOn(Endpoint.prototype, "adopt").mockRejectedValueOnce(new Error("out of reach"));
    await world.reconcile();
    adopt.mockRestore();
    await world.check();
    const statuses = async () => {
      const { body } = await call("GET", `/v1/tenants/${world.tenant}/deliveries`);
      return body.data.length;
    };
    expect(await statuses()).toBe(1);
    await world.evictLogs();
    world.pass(RECONCILE);
    await world.reconcile();
    expect(await statuses()).toBe(2);
    await world.settle("well");
  });
});
