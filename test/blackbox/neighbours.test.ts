/**
 * Endpoints that hang, and what their neighbours see of it: on real queues, of which each runs one batch at a time. Beside
 * other tests times tell minutes from seconds, and no more; that what hangs holds nobody up at all is shown in order and
 * counts in test/faults/neighbours.test.ts, and measured by `npm run bench`.
 * @module
 */

import { expect, test } from "vitest";
import { patient } from "../lib/patience";
import { Receiver } from "../lib/receiver";
import { until } from "../lib/until";
import { freePort, Project } from "./project";

/** Healthy deliveries measured at a time, and how far apart they are posted, in ms. */
const SAMPLES = 40;
const GAP = 250;
/**
 * What two noisy cores may add to any delivery, in ms of a quiet machine: beyond it, the ratio counts. Behind 400 attempts
 * that hang for 2 s each, six at a time, it would be two minutes, of which half is the most that it may come to.
 */
const NOISE = 5_000;
const MOST_NOISE = 60_000;
/** How often it is measured again, while it is over the limit: what else the machine does meanwhile only ever adds. */
const TRIES = 3;
const HANGING = 100;

interface Page {
  data: { status: string; waitReason: string | null; attempts: number }[];
}

interface Health {
  consecutiveFailures: number;
  breaker: { state: string; until: string | null };
  counts: Record<string, number>;
}

class Api {
  constructor(
    private readonly base: string,
    private readonly key: string,
  ) {}

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.base}/v1/tenants/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.key}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  health(tenant: string, endpoint: string): Promise<Health> {
    return this.call("GET", `${tenant}/endpoints/${endpoint}/health`);
  }
}

/** Posts to the healthy endpoint, one event after the other; answers how long each took to arrive, in ms, sorted. */
async function latencies(api: Api, receiver: Receiver, beside: (i: number) => Promise<unknown>): Promise<number[]> {
  const posted = new Map<string, number>();
  for (let i = 0; i < SAMPLES; i++) {
    const extra = beside(i);
    const at = Date.now();
    const event = { event: "calm", data: { i } };
    const posting = api.call<{ deliveries: { id: string }[] }>("POST", "calm/events", event);
    const [{ deliveries }] = await Promise.all([posting, extra]);
    posted.set(deliveries[0]?.id ?? "", at);
    await new Promise((resolve) => setTimeout(resolve, GAP));
  }
  const arrived = () => [...posted].filter(([id]) => receiver.of(id).length > 0).length;
  await until(
    () => `${arrived()} of ${posted.size} healthy deliveries arrived`,
    () => arrived() === posted.size,
  );
  return [...posted].map(([id, at]) => (receiver.of(id)[0]?.at ?? 0) - at).sort((a, b) => a - b);
}

function p99(sorted: number[]): number {
  return sorted[Math.ceil(0.99 * sorted.length) - 1] ?? 0;
}

/** The p99 while they hang, beside the one while they answer: at most twice as long, or {@link NOISE} more. */
async function isHeldUpLittle(what: string, calm: number, measure: () => Promise<number[]>): Promise<void> {
  const limit = () => Math.max(2 * calm, calm + Math.min(patient(NOISE), MOST_NOISE));
  let least = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < TRIES && least > limit(); tries++) {
    least = Math.min(least, p99(await measure()));
    console.log(`p99 beside ${what}: ${calm} ms while they answer, ${least} ms while they hang`);
  }
  expect(least, `ms beside ${what}`).toBeLessThanOrEqual(limit());
}

test("endpoints that hang with hundreds of deliveries, once noticed, hold up another endpoint's by seconds at most, not by minutes", async () => {
  const project = await Project.copy();
  const port = await freePort();
  const instance = await project.serve(port);
  let hang = false;
  const receiver = await Receiver.listen(({ path }) => (hang && path.startsWith("/hang") ? "hang" : 200));
  const api = new Api(`http://127.0.0.1:${port}`, await project.operatorKey());
  for (const tenant of ["calm", "storm"]) await api.call("PUT", tenant, { name: tenant });
  await api.call("POST", "calm/endpoints", { url: `${receiver.url}/calm`, events: ["calm"] });
  const neighbours: string[] = [];
  for (let i = 0; i < HANGING; i++) {
    const { id } = await api.call<{ id: string }>("POST", "storm/endpoints", {
      url: `${receiver.url}/hang-${i}`,
      events: i === 0 ? ["one", "all"] : ["all"],
      timeout: 2,
      retry: Array(10).fill(20),
    });
    neighbours.push(id);
  }
  const [one = ""] = neighbours;
  const requestsOf = (i: number) => receiver.attempts.filter(({ path }) => path === `/hang-${i}`).length;
  const posted = { one: 0, all: 0 };
  const post = (event: "one" | "all", count: number) => {
    posted[event] += count;
    return api.call("POST", "storm/events/batch", {
      events: Array.from({ length: count }, (_, i) => ({ event, data: { i } })),
    });
  };
  // What the neighbours get meanwhile: 400 deliveries for one of them, or two for each.
  const forOne = (i: number) => (i % 4 === 0 ? post("one", 40) : Promise.resolve());
  const forAll = (i: number) => (i % 20 === 0 ? post("all", 1) : Promise.resolve());

  /** Waits until `done`, or says how far the neighbours have come. */
  const patiently = (what: string, done: () => boolean | Promise<boolean>) =>
    until(
      () => `${what}: ${neighbours.map((_, i) => requestsOf(i)).join(" ")}\n${instance.output.slice(-2_000)}`,
      done,
      180_000,
    );

  // The measure: the same events while all of them answer.
  const calmBesideOne = p99(await latencies(api, receiver, forOne));
  const calmAmongAll = p99(await latencies(api, receiver, forAll));
  await patiently("not all have arrived", () => {
    const arrived = new Set(receiver.attempts.map(({ id }) => id));
    return arrived.size === 2 * SAMPLES + posted.one + posted.all * HANGING;
  });
  receiver.attempts.length = 0;
  posted.one = 0;

  hang = true;
  await post("one", 1);
  const isNoticed = async (id: string) => (await api.health("storm", id)).consecutiveFailures > 0;
  await patiently("the first is not noticed", () => isNoticed(one));
  await isHeldUpLittle("one neighbour", calmBesideOne, () => latencies(api, receiver, forOne));

  // Its breaker has opened: it was sent ten failures' worth and what was under way; the rest waits and says why.
  await patiently("the breaker is closed", async () => (await api.health("storm", one)).breaker.state !== "closed");
  expect(requestsOf(0)).toBeGreaterThanOrEqual(10);
  expect(requestsOf(0)).toBeLessThanOrEqual(25);
  const { counts } = await api.health("storm", one);
  expect((counts.pending ?? 0) + (counts.retrying ?? 0)).toBe(posted.one);
  const page = await api.call<Page>("GET", `storm/endpoints/${one}/deliveries?status=pending&limit=50`);
  expect(new Set(page.data.map(({ waitReason, attempts }) => `${waitReason} ${attempts}`))).toEqual(
    new Set(["breaker 0"]),
  );

  await post("all", 1);
  await patiently("not all are tried", () => neighbours.every((_, i) => requestsOf(i) > 0));
  await patiently("not all are noticed", async () => (await Promise.all(neighbours.map(isNoticed))).every(Boolean));
  await isHeldUpLittle("a hundred", calmAmongAll, () => latencies(api, receiver, forAll));
  // The slow lane goes on all the same.
  await patiently("not all are tried again", () => neighbours.every((_, i) => requestsOf(i) > 1));
});
