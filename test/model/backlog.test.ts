import { describe, it } from "vitest";
import { SLOTS } from "../../src/endpoint/policy/admission";
import { SECOND } from "../../src/lib/time";
import { LOADS, play, recoverRatio } from "./backlog";

describe("an endpoint under load, whose receiver takes 200 ms", () => {
  it("delivers what comes and has no backlog 15 s after a batch of 100", async ({ expect }) => {
    const { deliveredPerSecond, backlog, done, most } = await play(LOADS.batch);
    expect(deliveredPerSecond).toBeGreaterThanOrEqual(29);
    expect(backlog).toBe(0);
    expect(most).toBeLessThanOrEqual(SLOTS);
    const before = done.filter(({ posted }) => posted <= 21 * SECOND);
    expect(before.length).toBeGreaterThanOrEqual(700);
    expect(Math.max(...before.map(({ at }) => at))).toBeLessThanOrEqual(35 * SECOND);
  });

  it.for([
    ["hiccup", 40],
    ["hiccup60", 60],
    ["burst", 40],
  ] as const)("comes back to its pace after a %s", async ([name, perSecond], { expect }) => {
    const { deliveredPerSecond, backlog, most } = await play(LOADS[name]);
    expect(deliveredPerSecond).toBeGreaterThanOrEqual(perSecond - 1);
    expect(backlog).toBe(0);
    expect(most).toBeLessThanOrEqual(SLOTS);
  });

  it("delivers as many as its slots allow when all of them are taken, and hardly asks alarm or queue", async ({
    expect,
  }) => {
    const { offered, deliveredPerSecond, alarms, messages, most } = await play(LOADS.steady);
    expect(offered).toBe(125);
    expect(deliveredPerSecond).toBeGreaterThanOrEqual(115);
    expect(alarms).toBeLessThanOrEqual(20);
    expect(messages).toBeLessThanOrEqual(20);
    expect(most).toBe(SLOTS);
  });

  it("recovers what was held at the rate at which the same is delivered when it is posted", async ({ expect }) => {
    expect(await recoverRatio()).toBeGreaterThanOrEqual(0.9);
  });

  it("delivers new events while 1,500 held ones are recovered", async ({ expect }) => {
    const recovering = { seconds: 60, rate: (s: number) => (s >= 10 ? 20 : 0), latency: () => 200 };
    const { done } = await play({ ...recovering, batches: [{ at: 0, events: 1_500 }], recoverAt: 9 });
    const fresh = done.filter(({ posted }) => posted >= 10 * SECOND && posted < 20 * SECOND);
    expect(fresh).toHaveLength(200);
    const times = fresh.map(({ at, posted }) => at - posted).sort((a, b) => a - b);
    // A hop of the queue, the receiver's time, and a slot: the recovery takes 12 s.
    expect(times[197]).toBeLessThanOrEqual(2 * SECOND);
    expect(done.filter(({ posted }) => posted < SECOND)).toHaveLength(1_500);
  });
});
