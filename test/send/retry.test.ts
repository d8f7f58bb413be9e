import { evictDurableObject } from "cloudflare:test";
import { describe, it } from "vitest";
import { type Answered, call, delivery, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import type { Answer } from "../lib/servers/receive";
import { endpointObject, nothingIsDue } from "./harness";

// These tests have endpoints of their own and wait for real retries: together they take no longer than the longest.
describe.concurrent("a delivery that fails", () => {
  it("is tried again by the endpoint's own schedule, as the same bytes under the same id", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 }, { status: 503, body: "busy" }, {});
    await newEndpoint(tenant, receiver.url, { retry: [1, 2] });
    const [ref] = (await post(tenant, "lead.hot", { name: "Zoë" })).deliveries;
    const requests = await receiver.arrived(3);
    expect(requests.map(({ headers }) => headers["x-webhook-attempt"])).toEqual(["1", "2", "3"]);
    expect(requests.map(({ headers }) => headers["x-webhook-id"])).toEqual([ref.id, ref.id, ref.id]);
    expect(new Set(requests.map(({ body }) => body)).size).toBe(1);
    expect(new Set(requests.map(({ headers }) => headers["x-webhook-signature"])).size).toBe(1);
    const [first = 0, second = 0, third = 0] = requests.map((request) => request.at);
    expect(second - first).toBeGreaterThanOrEqual(1_000);
    expect(third - second).toBeGreaterThanOrEqual(2_000);

    const done = await delivery(tenant, ref, "succeeded");
    expect(done).toMatchObject({ attempts: 3, lastStatusCode: 200, lastError: null, nextAttemptAt: null });
    expect(Date.parse(done.finishedAt)).toBeGreaterThanOrEqual(third);
    const told = ["number", "statusCode", "error", "trigger"] as const;
    expect(done.attemptLog.map((attempt: Answered["body"]) => told.map((field) => attempt[field]))).toEqual([
      [1, 500, "status", "scheduled"],
      [2, 503, "status", "scheduled"],
      [3, 200, null, "scheduled"],
    ]);
    expect(done.attemptLog[1].response.body).toBe("busy");
    expect(new Set(done.attemptLog.map(({ id }: { id: string }) => id)).size).toBe(3);
    for (const attempt of done.attemptLog) expect(attempt.request.body).toBe(requests[0]?.body);
  });

  it("has failed once its schedule is used up, and nothing is due any more", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [1] });
    const [ref] = (await post(tenant)).deliveries;
    const ended = await delivery(tenant, ref, "failed");
    expect(ended).toMatchObject({ attempts: 2, lastStatusCode: 500, lastError: "status", nextAttemptAt: null });
    expect(ended.finishedAt).not.toBeNull();
    await nothingIsDue(expect, tenant, id);
    expect(await receiver.seen()).toHaveLength(2);
  });

  it("has failed at once when its endpoint has no retries", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [] });
    const [ref] = (await post(tenant)).deliveries;
    expect(await delivery(tenant, ref, "failed")).toMatchObject({ attempts: 1 });
    await nothingIsDue(expect, tenant, id);
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("is retried by the profile's schedule when the endpoint has none: first after 30 s", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    await newEndpoint(tenant, receiver.url);
    const [ref] = (await post(tenant)).deliveries;
    expectDelay(expect, await delivery(tenant, ref, "retrying"), 30, 33);
  });

  it("comes back a little later than its schedule says, each at a time of its own", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    // Two, so that no endpoint begins to fail for it.
    const refs: Answered["body"][] = [];
    for (let i = 0; i < 6; i++) await newEndpoint(tenant, receiver.url, { retry: [10_000] });
    for (let i = 0; i < 2; i++) refs.push(...(await post(tenant)).deliveries);
    const later: number[] = [];
    for (const ref of refs) {
      const { nextAttemptAt, attemptLog } = await delivery(tenant, ref, "retrying");
      const [{ at, durationMs }] = attemptLog;
      later.push(Date.parse(nextAttemptAt) - Date.parse(at) - durationMs - 10_000_000);
    }
    expect(Math.min(...later)).toBeGreaterThanOrEqual(0);
    // At most a tenth; a millisecond is for rounding.
    expect(Math.max(...later)).toBeLessThanOrEqual(1_000_001);
    // Chance gives two of them the same millisecond once in ten thousand times.
    expect(new Set(later).size).toBeGreaterThan(refs.length / 2);
  });

  it("is tried again though its object was evicted meanwhile", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 }, {});
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [2] });
    const [ref] = (await post(tenant)).deliveries;
    const waiting = await delivery(tenant, ref, "retrying");
    await evictDurableObject(endpointObject(tenant, id));
    expect((await delivery(tenant, ref, "retrying")).nextAttemptAt).toBe(waiting.nextAttemptAt);
    const [first, second] = await receiver.arrived(2);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(2_000);
    expect(await delivery(tenant, ref, "succeeded")).toMatchObject({ attempts: 2 });
  });

  it("is due when it is due, whatever the endpoint's other deliveries wait for", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 }, { status: 500 }, {});
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [4] });
    const late = (await post(tenant, "lead.late")).deliveries[0];
    await delivery(tenant, late, "retrying");
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${id}`, { retry: [1] });
    const soon = (await post(tenant, "lead.soon")).deliveries[0];
    const requests = await receiver.arrived(4);
    expect(requests.map(({ headers }) => headers["x-webhook-event"])).toEqual([
      "lead.late",
      "lead.soon",
      "lead.soon",
      "lead.late",
    ]);
    const [lateFirst = 0, soonFirst = 0, soonAgain = 0, lateAgain = 0] = requests.map(({ at }) => at);
    expect(soonAgain - soonFirst).toBeGreaterThanOrEqual(1_000);
    expect(lateAgain - lateFirst).toBeGreaterThanOrEqual(4_000);
    await delivery(tenant, soon, "succeeded");
    await delivery(tenant, late, "succeeded");
  });
});

/** That the next attempt is due so many seconds after the last one's end. */
function expectDelay(
  expect: import("vitest").ExpectStatic,
  { attemptLog, nextAttemptAt }: Answered["body"],
  least: number,
  most: number,
): void {
  const { at, durationMs } = attemptLog.at(-1);
  const delay = Date.parse(nextAttemptAt) - (Date.parse(at) + durationMs);
  expect(delay).toBeGreaterThanOrEqual(least * 1_000);
  expect(delay).toBeLessThanOrEqual(most * 1_000 + 1);
}

describe.concurrent("the delay before a retry", () => {
  const httpDate = (seconds: number) => new Date(Date.now() + seconds * 1_000).toUTCString();
  const answers: [what: string, answer: () => Answer, retry: number, least: number, most: number][] = [
    ["is the schedule's, at most 10 % longer", () => ({ status: 500 }), 100, 100, 110],
    ["is longer when a 503 asks so", () => ({ status: 503, headers: { "Retry-After": "120" } }), 1, 120, 120],
    ["is longer when a 429 asks so", () => ({ status: 429, headers: { "Retry-After": "120" } }), 1, 120, 120],
    ["is longer when a date asks so", () => ({ status: 503, headers: { "Retry-After": httpDate(120) } }), 1, 110, 121],
    ["is never shorter than the schedule's", () => ({ status: 503, headers: { "Retry-After": "1" } }), 60, 60, 66],
    [
      "is not shortened by a date that has passed",
      () => ({ status: 429, headers: { "Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT" } }),
      60,
      60,
      66,
    ],
    ["is 12 h at most", () => ({ status: 503, headers: { "Retry-After": "99999999999999999999" } }), 1, 43_200, 43_200],
    ["listens to nothing else that asks", () => ({ status: 500, headers: { "Retry-After": "120" } }), 60, 60, 66],
    ["does not mind nonsense", () => ({ status: 503, headers: { "Retry-After": "soon, -5" } }), 60, 60, 66],
  ];

  it.for(answers)("%s", async ([, answer, retry, least, most], { expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver(answer());
    await newEndpoint(tenant, receiver.url, { retry: [retry] });
    const [ref] = (await post(tenant)).deliveries;
    expectDelay(expect, await delivery(tenant, ref, "retrying"), least, most);
  });
});
