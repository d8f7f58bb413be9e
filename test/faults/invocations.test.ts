import { afterEach, describe, it } from "vitest";
import { FATES, type Fate } from "./doom";
import { World } from "./world";

afterEach(() => World.end());

const BIG = { text: "x".repeat(70_000) };

describe.for(FATES)("an invocation that %s a call of a binding", (fate) => {
  it.for(["cached", "not cached"] as const)("while it accepts, the configuration %s", async (snapshot, { expect }) => {
    const world = await World.create();
    const { doom: healthy } = await world.post("warm-up");
    expect(healthy.called).toEqual(["D1.batch", "EventLog.append", "queue.sendBatch"]);
    for (let step = 0; step < healthy.steps; step++) {
      world.pass(snapshot === "cached" ? 1_000 : 10_000);
      const key = `step ${step}`;
      const { status } = await world.post(key, { step, fate });
      await world.check();
      // The caller does what callers do: it posts again until it has an answer.
      if (status !== 202) expect((await world.post(key)).status, key).toBeOneOf([200, 202]);
      await world.check();
    }
    await world.settle("well");
    // Two endpoints, each got every event, and none of them under two ids.
    expect(world.promised.size).toBe(2 * (1 + healthy.steps));
  });

  it("while it accepts and delivers directly", async ({ expect }) => {
    const world = await World.create();
    world.direct = true;
    const { doom: healthy } = await world.post("warm-up");
    expect(healthy.called.slice(0, 4)).toEqual(["D1.batch", "EventLog.append", "Endpoint.admit", "Endpoint.admit"]);
    expect(healthy.called.slice(4)).toEqual(["Endpoint.record", "Endpoint.record"]);
    for (let step = 0; step < healthy.steps; step++) {
      world.pass(10_000);
      const key = `step ${step}`;
      const { status } = await world.post(key, { step, fate });
      await world.check();
      if (status !== 202) expect((await world.post(key)).status, key).toBeOneOf([200, 202]);
      await world.check();
    }
    // What could not be told is brought by a message, and needs no handover.
    if (fate.startsWith("fails")) expect(world.queue.length).toBeGreaterThan(0);
    await world.settle("well");
    expect(world.promised.size).toBe(2 * (1 + healthy.steps));
    expect([...world.promised.values()].every(({ requests }) => requests <= repeats(fate))).toBe(true);
  });

  it.for([
    ["whose event travels in the message", {}],
    ["whose event travels by reference", BIG],
  ] as const)("while it delivers %s", async ([, data], { expect }) => {
    const world = await World.create();
    await world.post("warm-up", null, data);
    const { steps, called } = await world.consume();
    expect(called.filter((name) => name === "Endpoint.record")).toHaveLength(2);
    for (let step = 0; step < steps; step++) {
      world.pass(1_000);
      await world.post(`step ${step}`, null, data);
      await world.consume(0, 10, { step, fate });
      await world.check();
    }
    await world.settle("well");
    expect([...world.promised.values()].every(({ requests }) => requests <= repeats(fate))).toBe(true);
  });

  it("while it delivers to receivers that fail", async () => {
    const world = await World.create();
    world.mood = "badly";
    await world.post("first");
    const { steps } = await world.consume();
    for (let step = 0; step < steps; step++) {
      world.pass(1_000);
      await world.post(`step ${step}`);
      await world.consume(0, 10, { step, fate });
      await world.check();
    }
    await world.settle("badly");
  });
});

/** How often a delivery may be sent at most. */
function repeats(fate: Fate): number {
  return fate === "fails before" || fate === "fails after" ? 1 : 2;
}
