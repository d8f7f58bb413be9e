import { appendFile, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "vitest";
import { strain } from "../lib/patience";
import { Project } from "./project";

const BENCH = "scripts/bench.mjs";

interface Cost {
  usdPerMillion: number;
  billPerMillion: number;
  logLines: number;
  storedKb: number;
  rowsWritten: number;
  queueOps: number;
  doRequests: number;
}

type Figures = { [name: string]: number | boolean | Figures };

interface Pace {
  offered: number;
  deliveredPerSecond: number;
  backlog: number;
}

const BESIDE = ["calmP99", "stormP99", "p99Ratio", "delivered", "offered", "bounded"];
/** The figures of each part beside the costs. */
const TIMED = {
  accept: ["rps", "floorRps", "ratio", "p50Ratio", "p99Ratio"],
  deliver: ["perSecond", "floorPerSecond", "ratio", "latencyP50", "latencyP99"],
  pipeline: ["oneSingle", "oneBatch", "tenSingle", "tenBatch"].map((shape) => {
    const cpu = process.platform === "linux" ? ["cpuSecondsPer1000", "floorCpuSecondsPer1000"] : [];
    return { [shape]: ["perSecond", "floorPerSecond", "ratio", ...cpu] };
  }),
  latency: ["at1", "at20", "at200"].map((pace) => ({ [pace]: ["p50", "floorP50", "p50Ratio", "p99", "floorP99"] })),
  growth: ["logRatio", "acceptRatio", "matchRatio"],
  neighbour: ["p99Ratio", { hang: BESIDE }, { many: BESIDE }, { slow: BESIDE }],
  signing: ["usPerKilobyte", "vsStandardwebhooks"],
};

/** The names in an object, and in those in it. */
function namesOf(figures: Figures): unknown[] {
  return Object.entries(figures).map(([name, value]) =>
    typeof value === "object" ? { [name]: namesOf(value) } : name,
  );
}

/** All numbers in an object. */
function numbersOf(figures: Figures): number[] {
  return Object.values(figures).flatMap((value) => {
    if (typeof value === "object") return numbersOf(value);
    return typeof value === "number" ? [value] : [];
  });
}

// The costs and the backlog are counts, the same on any machine but for how many events come together on it: the limits are
// those of events of which each comes alone. The other figures are times, which mean nothing beside other tests: that each
// part measures something is what is shown of them here.
test("a delivered event costs no more than is promised of one alone, and every part measures, whatever lies in the directory", async ({
  expect,
}) => {
  const project = await Project.copy();
  await project.leaveSecrets();
  await appendFile(join(project.directory, "test/bench/instance.ts"), 'console.log("what a library prints");\n');
  const { stdout, stderr } = await project.run(BENCH, ["--quick", "--json"]);
  expect(stderr).toContain("what a library prints");
  expect(stdout, stderr).toMatch(/^\{.*\}\n$/);
  const { cost, backlog, ...timed } = JSON.parse(stdout) as {
    cost: Record<string, Cost>;
    backlog: Record<string, Pace> & { recoverRatio: number };
  } & Record<keyof typeof TIMED, Figures>;
  const named = Object.entries(timed).map(([part, figures]) => [part, namesOf(figures)]);
  expect(Object.fromEntries(named)).toEqual(TIMED);
  for (const [part, figures] of Object.entries(timed)) {
    for (const figure of numbersOf(figures)) expect(figure, part).toBeGreaterThan(0);
  }
  // Beside endpoints that hang or are slow every event arrives, be it late.
  const { p99Ratio: _, ...causes } = timed.neighbour as Record<string, Figures>;
  for (const [cause, { delivered, offered }] of Object.entries(causes))
    expect([cause, delivered]).toEqual([cause, offered]);
  expect(Object.keys(cost)).toEqual([
    "single",
    "batch100",
    "fanout10",
    "failing",
    "sparse",
    "alone",
    "refused",
    "outage",
  ]);
  const { single, batch100, fanout10 } = cost as Record<"single" | "batch100" | "fanout10", Cost>;
  // CPU time is not sampled in a quick run; it is below 5 ms, which would be 0.10.
  expect(single.usdPerMillion).toBeLessThanOrEqual(3.9);
  expect(batch100.usdPerMillion).toBeLessThanOrEqual(2.4);
  // Two rows and what the run's one alarm takes, spread over its few events; the longer it lasts, the more alarms there are.
  for (const { rowsWritten } of [single, batch100]) expect(rowsWritten).toBeLessThan(2 + 0.05 * strain());
  // Of ten deliveries each has its row, and their event one.
  expect(fanout10.rowsWritten).toBeLessThan(1.15);
  // One line for an event that goes through, those of a request together; of the ten of one, some.
  expect(single.logLines).toBe(1);
  expect(batch100.logLines).toBeLessThan(0.05);
  expect(fanout10.logLines).toBeLessThan(0.5);
  // Log lines and storage come to it.
  const { usdPerMillion, billPerMillion, storedKb } = single;
  expect(storedKb).toBeGreaterThan(0);
  expect(billPerMillion).toBeCloseTo(usdPerMillion + 0.6 + storedKb * 0.2, 1);
  // A message is written, read and deleted; events that are posted at once share one.
  expect(single.queueOps).toBeLessThanOrEqual(3);
  expect(batch100.queueOps).toBeLessThan(0.1);
  // How many are asked for at once depends on how fast this machine answers: fewer if it is slow.
  expect(batch100.doRequests).toBeLessThan(0.5);
  expect(stderr).toContain("cost single");
  const { recoverRatio, ...loads } = backlog;
  expect(Object.keys(loads)).toEqual(["batch", "hiccup", "hiccup60", "burst", "steady"]);
  for (const { offered, deliveredPerSecond, backlog: waiting } of Object.values<Pace>(loads)) {
    expect(deliveredPerSecond).toBeGreaterThanOrEqual(0.92 * offered);
    expect(waiting).toBe(0);
  }
  expect(recoverRatio).toBeGreaterThanOrEqual(0.9);
});

test("the model answers without measuring, and alone on stdout, though the dependencies were missing", async ({
  expect,
}) => {
  const project = await Project.copy();
  const modules = join(project.directory, "node_modules");
  const away = join(project.directory, "tmp/node_modules");
  await rename(modules, away);
  // An npm that says something and puts back what was there.
  const npm = join(project.directory, "tmp/npm-cli.js");
  const putBack = `renameSync(${JSON.stringify(away)}, ${JSON.stringify(modules)});`;
  await writeFile(npm, `import { renameSync } from "node:fs"; console.log("added 395 packages"); ${putBack}`);
  const { stdout, stderr } = await project.run(BENCH, ["--model", "--json"], { npm_execpath: npm });
  expect(stderr).toMatch(/Installing[\s\S]*added 395 packages[\s\S]*Installed/);
  const { answers, shape } = JSON.parse(stdout) as {
    answers: { tenants: number; first: { name: string } }[];
    shape: { batch: number; batchWait: number };
  };
  expect(answers.map(({ tenants }) => tenants)).toEqual([100, 1_000, 10_000, 100_000, 1_000_000]);
  // It is about the queue that is deployed.
  const [, deliveries] = (await readFile(join(project.directory, "wrangler.toml"), "utf8")).split(
    "[[queues.consumers]]",
  );
  expect(deliveries).toContain(`max_batch_size = ${shape.batch} `);
  expect(deliveries).toContain(`max_batch_timeout = ${shape.batchWait / 1_000} `);
});
