import { describe, it } from "vitest";
import { besideOf } from "./beside.ts";
import { noCounts, noObjectCounts, operationsOf } from "./counts.ts";
import { billOf, keptOf, PRICES, usageOf, usdPerMillion } from "./prices.ts";
import { cpuMsOf } from "./profiler.ts";
import { plainResults } from "./report.ts";
import { figureOf, interleave, median, percentile, ratios } from "./stats.ts";

describe("counting", () => {
  it("bills a message by 64 KB, its metadata included", ({ expect }) => {
    expect([0, 1, 63_900, 63_901, 127_900].map(operationsOf)).toEqual([1, 1, 1, 2, 2]);
  });

  it("prices everything that was counted, an alarm as a request and setAlarm as a row", ({ expect }) => {
    const counts = {
      ...noCounts(),
      requests: 10,
      invocations: 1,
      queue: { written: 10, read: 10, deleted: 10 },
      objects: {
        EventLog: { ...noObjectCounts(), requests: 10, alarms: 1, setAlarms: 1, rowsWritten: 10, rowsRead: 5 },
        Endpoint: { ...noObjectCounts(), requests: 2, rowsWritten: 10, activeMs: 1_000 },
      },
    };
    const usage = usageOf(counts, 10);
    expect(usage).toMatchObject({ requests: 1.1, queueOps: 3, doRequests: 1.3, rowsWritten: 2.1, rowsRead: 0.5 });
    expect(usage.doDuration).toBeCloseTo(0.0128);
    expect("cpuMs" in usage).toBe(false);
    const usd = 1.1 * 0.3 + 3 * 0.4 + 1.3 * 0.15 + 2.1 + 0.5 * 0.001 + 0.0128 * 12.5;
    expect(usdPerMillion(usage)).toBeCloseTo(usd);
    expect(usdPerMillion({ ...usage, cpuMs: 2 })).toBeCloseTo(usd + 0.04);
  });

  it("bills log lines and a month of what is stored beside that", ({ expect }) => {
    const counts = {
      ...noCounts(),
      requests: 10,
      logLines: 5,
      objects: {
        EventLog: { ...noObjectCounts(), storedBytes: 12_288 },
        Endpoint: { ...noObjectCounts(), storedBytes: 7_712 },
      },
    };
    const kept = keptOf(counts, 10);
    expect(kept).toEqual({ logLines: 0.5, storedKb: 2 });
    // A million events' 2 KB are 2 GB.
    expect(billOf(usageOf(counts, 10), kept)).toBeCloseTo(0.3 + 0.5 * 0.6 + 2 * 0.2);
  });

  it("has a page and a date for each price", ({ expect }) => {
    for (const { source, read } of Object.values(PRICES)) {
      expect(source).toMatch(/^https:\/\/developers\.cloudflare\.com\/.+\/$/);
      expect(read).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    }
  });

  it("leaves out of the CPU time what is not the Worker's", ({ expect }) => {
    const node = (id: number, functionName: string) => ({ id, callFrame: { functionName, url: "", lineNumber: 0 } });
    const nodes = [
      node(1, "(root)"),
      node(2, "(idle)"),
      node(3, "(program)"),
      node(4, "sign"),
      node(5, "(garbage collector)"),
    ];
    expect(cpuMsOf({ nodes, samples: [1, 2, 3, 4, 5], timeDeltas: [1_000, 1_000, 1_000, 1_000, 500] })).toBe(1.5);
  });
});

describe("statistics", () => {
  it("take the middle, the nearest rank and the spread", ({ expect }) => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(percentile([5, 1, 4, 2, 3], 50)).toBe(3);
    expect(
      percentile(
        Array.from({ length: 100 }, (_, i) => i + 1),
        99,
      ),
    ).toBe(99);
    expect(figureOf([2, 9, 4])).toEqual({ median: 4, min: 2, max: 9 });
    expect(ratios([1, 6], [2, 3])).toEqual([0.5, 2]);
  });

  it("let the sides take turns in going first", async ({ expect }) => {
    const order: string[] = [];
    const side = (name: string) => async () => order.push(name);
    await interleave(3, side("a"), side("b"));
    expect(order.join("")).toBe("abbaab");
  });

  it("count what has not arrived beside bad endpoints as long as the storm lasted", ({ expect }) => {
    const calm = Array.from({ length: 100 }, (_, i) => i + 1);
    expect(besideOf(calm, { offered: 100, latencies: calm }, 45_000)).toEqual({
      calmP99: 99,
      stormP99: 99,
      p99Ratio: 1,
      delivered: 100,
      offered: 100,
      bounded: true,
    });
    const lost = besideOf(calm, { offered: 100, latencies: calm.slice(2) }, 45_000);
    expect(lost).toMatchObject({ stormP99: 45_000, p99Ratio: 45_000 / 99, delivered: 98, bounded: false });
    expect(besideOf(calm, { offered: 3, latencies: [] }, 45_000)).toMatchObject({ stormP99: 45_000, delivered: 0 });
    const late = (ms: number) => besideOf(calm, { offered: 1, latencies: [ms] }, 45_000).bounded;
    expect([late(2 * 99 + 1_000), late(2 * 99 + 1_001)]).toEqual([true, false]);
  });

  it("print a figure's median, and nothing for what was not measured", ({ expect }) => {
    const results = {
      signing: { usPerKilobyte: figureOf([10.123, 11, 9]) },
      neighbour: { p99Ratio: 1.5, hang: { calmP99: figureOf([500]), bounded: false } },
      cost: { single: { usdPerMillion: 3.7249, cpuMs: undefined, p: Number.NaN } },
    };
    const plain = plainResults(results as unknown as Record<string, object>);
    expect(Object.keys(plain)).toEqual(["cost", "neighbour", "signing"]);
    expect(plain).toEqual({
      cost: { single: { usdPerMillion: 3.72 } },
      neighbour: { p99Ratio: 1.5, hang: { calmP99: 500, bounded: false } },
      signing: { usPerKilobyte: 10.12 },
    });
  });
});
