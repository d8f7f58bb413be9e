import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { test } from "vitest";

const BENCH = join(import.meta.dirname, "../../scripts/bench.mjs");
const run = promisify(execFile);

interface Cost {
  usdPerMillion: number;
  rowsWritten: number;
  queueOps: number;
  doRequests: number;
}

/** The figures of each part beside the costs. */
const TIMED = {
  accept: ["rps", "floorRps", "ratio", "p50Ratio", "p99Ratio"],
  deliver: ["perSecond", "floorPerSecond", "ratio", "latencyP50", "latencyP99"],
  growth: ["logRatio", "acceptRatio", "matchRatio"],
  neighbour: ["p99Ratio"],
  signing: ["usPerKilobyte", "vsStandardwebhooks"],
};

// The costs are counts, the same on any machine. The other figures are times, which mean nothing beside other tests: that
// each part measures them is what is shown of them here.
test("a delivered event costs what is promised, and every part measures", { timeout: 300_000 }, async ({ expect }) => {
  const { stdout, stderr } = await run(process.execPath, [BENCH, "--quick", "--json"]);
  const { cost, ...timed } = JSON.parse(stdout) as { cost: Record<string, Cost> } & Record<
    keyof typeof TIMED,
    Record<string, number>
  >;
  expect(Object.fromEntries(Object.entries(timed).map(([part, figures]) => [part, Object.keys(figures)]))).toEqual(
    TIMED,
  );
  for (const figures of Object.values(timed)) {
    for (const figure of Object.values(figures)) expect(figure).toBeGreaterThan(0);
  }
  expect(Object.keys(cost)).toEqual(["single", "batch100", "fanout10", "failing", "sparse"]);
  const { single, batch100, fanout10 } = cost as Record<"single" | "batch100" | "fanout10", Cost>;
  // CPU time is not sampled in a quick run; it is below 5 ms, which would be 0.10.
  expect(single.usdPerMillion).toBeLessThanOrEqual(3.9);
  expect(batch100.usdPerMillion).toBeLessThanOrEqual(2.4);
  // Two rows and what the run's one alarm takes, spread over its few events.
  for (const { rowsWritten } of [single, batch100, fanout10]) expect(rowsWritten).toBeLessThan(2.05);
  expect(single.queueOps).toBe(3);
  expect(batch100.queueOps).toBeLessThan(0.1);
  expect(batch100.doRequests).toBeLessThan(0.15);
  expect(stderr).toContain("cost single");
});

test("the model answers without measuring", async ({ expect }) => {
  const { stdout } = await run(process.execPath, [BENCH, "--model", "--json"]);
  const { answers } = JSON.parse(stdout) as { answers: { tenants: number; first: { name: string } }[] };
  expect(answers.map(({ tenants }) => tenants)).toEqual([100, 1_000, 10_000, 100_000, 1_000_000]);
});
