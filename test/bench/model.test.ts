import { describe, it } from "vitest";
import { LANES, SLOTS } from "../../src/endpoint/policy/admission";
import { hangsAfter } from "../../src/send/invocation/hang";
import { batchTime, bottlenecksOf, DEPLOYED, demandOf, deployedFor, erlangC, outlook, type Shape } from "./model.ts";

describe("the capacity model", () => {
  it("knows how likely a wait is", ({ expect }) => {
    // Textbook values: one server is busy as often as its load says; two at load 1/2 are both busy in a third of cases.
    expect(erlangC(1, 0.5)).toBeCloseTo(0.5);
    expect(erlangC(2, 1)).toBeCloseTo(1 / 3);
    expect(erlangC(250, 125)).toBeLessThan(1e-9);
    expect(erlangC(3, 3)).toBe(1);
  });

  it("has the code's own numbers", ({ expect }) => {
    expect(DEPLOYED).toMatchObject({ slots: SLOTS, lanes: LANES, noticed: hangsAfter(Number.POSITIVE_INFINITY, 10) });
  });

  it("counts a batch's rounds of lanes", ({ expect }) => {
    const demand = { ...demandOf(100), receiver: 100, call: 10 };
    expect(batchTime({ ...DEPLOYED, batch: 6 }, demand)).toBe(120);
    expect(batchTime({ ...DEPLOYED, batch: 7 }, demand)).toBe(220);
  });

  it("names the tightest limit first, and sustains no more than it lets through", ({ expect }) => {
    const demand = demandOf(1_000_000);
    const limits = bottlenecksOf(DEPLOYED, demand);
    expect(limits.map(({ load }) => load)).toEqual(limits.map(({ load }) => load).sort((a, b) => b - a));
    expect(limits[0]?.name).toBe("queue");
    expect(outlook(DEPLOYED, demand).sustained).toBe(DEPLOYED.queuePerSecond);
    const one = outlook(DEPLOYED, { ...demandOf(10), perTenantAndDay: 10_000_000, largestShare: 1 });
    expect(one.sustained).toBeCloseTo((DEPLOYED.slots * 1_000) / 230);
    expect(one.first.load).toBeGreaterThan(1);
  });

  it("carries what a million tenants post, with the queues that a deployment is given for it", ({ expect }) => {
    for (const tenants of [100, 1_000, 10_000, 100_000, 1_000_000]) {
      const demand = demandOf(tenants);
      const { sustained, offered, first, queues } = outlook(deployedFor(demand), demand);
      expect(sustained).toBe(offered);
      expect(first.load).toBeLessThan(0.8);
      // A power of two, and half as many would be too full.
      expect(Math.log2(queues) % 1).toBe(0);
      if (queues === 1) continue;
      expect(outlook({ ...DEPLOYED, queues: queues / 2 }, demand).first.load).toBeGreaterThan(0.75);
    }
    expect(deployedFor(demandOf(1_000_000)).queues).toBe(16);
    expect(outlook(deployedFor(demandOf(1_000_000)), demandOf(1_000_000)).sustained).toBeCloseTo(57_870, -1);
  });

  it("spreads the day of a tenant that posts alone over the shards that its log asks for", ({ expect }) => {
    const demand = { ...demandOf(10), perTenantAndDay: 50_000_000, largestShare: 1 };
    const { shards } = deployedFor(demand);
    expect(shards).toBe(32);
    const log = (shape: Shape) => bottlenecksOf(shape, demand).find(({ name }) => name === "object")?.capacity;
    expect(log({ ...DEPLOYED, shards })).toBe(32 * (log(DEPLOYED) ?? 0));
    expect(deployedFor(demandOf(1_000_000)).shards).toBe(1);
  });

  it("is slower with fewer consumers and with endpoints that hang, and never faster with more tenants than it can carry", ({
    expect,
  }) => {
    const demand = demandOf(80_000);
    const calm = outlook(DEPLOYED, demand);
    expect(outlook({ ...DEPLOYED, consumers: 215 }, demand).latencyP99).toBeGreaterThan(calm.latencyP99);
    expect(calm.neighbourRatio).toBeGreaterThan(1);
    expect(outlook(DEPLOYED, demandOf(1_000)).neighbourRatio).toBeLessThan(1.01);
    expect(outlook(DEPLOYED, demandOf(1_000_000)).sustained).toBe(outlook(DEPLOYED, demandOf(100_000)).sustained);
  });

  it("has nobody wait for a batch to fill, and forms batches only where messages wait", ({ expect }) => {
    const { receiver, call } = demandOf(100);
    const calm = outlook(DEPLOYED, demandOf(100));
    expect([calm.latencyP50, calm.latencyP99]).toEqual([receiver + 3 * call, receiver + 3 * call]);
    expect(outlook({ ...DEPLOYED, batchWait: 1_000 }, demandOf(100)).latencyP99).toBeGreaterThan(1_000);
    // 4,600 a second are more than 250 consumers carry one by one, and fewer than they carry by sixes.
    const busy = outlook(DEPLOYED, demandOf(80_000));
    expect(busy.latencyP99).toBeLessThan(2 * calm.latencyP99);
    expect(outlook({ ...DEPLOYED, batch: 1 }, demandOf(80_000)).sustained).toBeLessThan(busy.sustained);
  });

  it("has neighbours wait as much less as endpoints that hang are noticed sooner", ({ expect }) => {
    const demand = demandOf(80_000);
    const beyond = [200, 1_000, 10_000].map((noticed) => {
      const { neighbourRatio, latencyP99 } = outlook({ ...DEPLOYED, noticed }, demand);
      return (neighbourRatio - 1) * latencyP99;
    });
    expect(beyond).toEqual([...beyond].sort((a, b) => a - b));
    expect((beyond[2] ?? 0) - (beyond[1] ?? 0)).toBeGreaterThan(10 * ((beyond[1] ?? 0) - (beyond[0] ?? 0)));
  });
});
