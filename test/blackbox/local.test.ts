/**
 * What `npm start` serves by, beside the same Worker at its own socket and with nothing around it: what Cloudflare has before
 * a Worker is there, and costs little.
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished, test } from "vitest";
import { withinOnePeriod } from "../lib/clock";
import { Receiver } from "../lib/receiver";
import { until } from "../lib/until";
import { freePort, Project } from "./project";

// By its path: the bench has types of its own.
const { Instance: Direct, OPERATOR_KEY } = await import(
  /* @vite-ignore */ join(import.meta.dirname, "../bench/instance.ts")
);

/** Of the kernel's, in which it tells CPU time, in a second. */
const TICKS = 100;
/** Posts a turn, and how many at once. */
const EVENTS = 300;
const AT_ONCE = 8;
const TURNS = 2;
/** With wrangler's proxy and trace before the Worker it was over 4, and over 800 MB. */
const MOST_CPU = 2;
const MOST_MEGABYTES = 700;

function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** What processes have used of the CPU so far, in seconds. */
function cpuOf(pids: number[]): number {
  return pids.reduce((sum, pid) => {
    const [user = 0, system = 0] = statOf(pid).slice(11, 13).map(Number);
    return sum + (user + system) / TICKS;
  }, 0);
}

/** What they hold of the memory, in MB; what they share counts once. */
function memoryOf(pids: number[]): number {
  const kilobytes = pids.map((pid) => /^Pss: +(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]);
  return kilobytes.reduce((sum, count) => sum + Number(count), 0) / 1024;
}

/** The runtimes that this process has started. */
function ownRuntimes(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return Number(statOf(pid)[1]) === process.pid && readFileSync(`/proc/${pid}/cmdline`).includes("workerd");
      } catch {
        return false; // it ended meanwhile
      }
    });
}

/** Calls an API; throws when the answer is not 2xx. */
async function call(base: string, key: string, method: string, path: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${key}` };
  const answer = await fetch(`${base}/v1/tenants/${path}`, { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
}

test("a delivered event costs hardly more CPU by npm start than with the Worker at its own socket", async ({
  expect,
}) => {
  const receiver = await Receiver.listen(() => 200);
  const project = await Project.copy();
  const port = await freePort();
  const instance = await project.serve(port);
  // The very module that npm start has made.
  const direct = await Direct.posthorn(await readFile(join(project.directory, "dist/worker.mjs"), "utf8"), {});
  onTestFinished(() => direct.stop());
  const forms = [
    {
      name: "npm start",
      base: `http://127.0.0.1:${port}`,
      key: await project.operatorKey(),
      pids: () => instance.processes().map(({ pid }) => pid),
      cpu: 0,
    },
    { name: "direct", base: direct.url, key: OPERATOR_KEY, pids: ownRuntimes, cpu: 0 },
  ];
  for (const { base, key } of forms) {
    await call(base, key, "PUT", "acme", { name: "Acme" });
    await call(base, key, "POST", "acme/endpoints", { url: receiver.url, events: ["*"] });
  }
  let expected = 0;
  for (let turn = 0; turn < TURNS; turn++) {
    for (const form of forms) {
      const before = cpuOf(form.pids());
      let posted = 0;
      const poster = async () => {
        while (posted++ < EVENTS) {
          // Within what a tenant may post in ten seconds, two turns together.
          await call(form.base, form.key, "POST", "acme/events", {
            event: "lead.hot",
            data: { text: "x".repeat(500) },
          });
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, poster));
      expected += EVENTS;
      await until(`${expected} deliveries`, () => receiver.attempts.length >= expected);
      form.cpu += cpuOf(form.pids()) - before;
    }
  }
  const [start, floor] = forms.map(({ cpu }) => (cpu / (EVENTS * TURNS)) * 1_000) as [number, number];
  const megabytes = memoryOf(instance.processes().map(({ pid }) => pid));
  console.log(`CPU seconds per 1,000: ${start.toFixed(2)} by npm start, ${floor.toFixed(2)} directly; ${megabytes} MB`);
  expect(start / floor).toBeLessThan(MOST_CPU);
  expect(megabytes).toBeLessThan(MOST_MEGABYTES);
});

test("npm start has what Cloudflare has before a Worker: assets with their headers, compressed, and the limits by tenant and address", async ({
  expect,
}) => {
  const project = await Project.copy();
  const port = await freePort();
  await project.serve(port);
  const base = `http://127.0.0.1:${port}`;
  const key = await project.operatorKey();
  const get = (path: string, bearer = key) => fetch(base + path, { headers: { authorization: `Bearer ${bearer}` } });

  const guide = await get("/docs");
  expect([guide.status, guide.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  expect(guide.headers.get("content-encoding")).toBe("gzip");
  expect(await guide.text()).toMatch(/^<!doctype html>/i);
  expect(guide.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect((await fetch(`${base}/docs/receivers`, { method: "HEAD" })).status).toBe(200);
  const icon = await get("/posthorn.svg");
  expect([icon.status, icon.headers.get("x-content-type-options")]).toEqual([200, "nosniff"]);
  expect((await get("/_headers")).status).toBe(404);
  expect((await get("/nowhere")).headers.get("content-type")).toContain("json");

  let tenants = 0;
  await withinOnePeriod(10_000, async () => {
    const path = `t${++tenants}`;
    await call(base, key, "PUT", path, { name: "T" });
    const events = Array(100).fill({ event: "e", data: {} });
    for (let i = 0; i < 10; i++) await call(base, key, "POST", `${path}/events/batch`, { events });
    await expect(call(base, key, "POST", `${path}/events`, { event: "e", data: {} })).rejects.toThrow(/: 429 /);
    await call(base, key, "PUT", path, { name: "T" });
  });
  await withinOnePeriod(60_000, async () => {
    for (let i = 0; i < 30; i++) expect([401, 429]).toContain((await get("/v1/tenants", `wrong-${i}`)).status);
    expect((await get("/v1/tenants", "wrong")).status).toBe(429);
    expect((await get("/v1/tenants")).status).toBe(200);
  });
});
