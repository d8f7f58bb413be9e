import { afterEach, describe, type ExpectStatic, it } from "vitest";
import type { DeliveryMessage } from "../../src/contracts/messages";
import { LANES, SLOTS } from "../../src/endpoint/policy/admission";
import { SECOND } from "../../src/lib/time";
import { until } from "../lib/api";
import { Batches, type Invocation } from "./batches";

afterEach(() => Batches.end());

const idsOf = (...messages: DeliveryMessage[]) => messages.flatMap(({ deliveries }) => deliveries.map(({ id }) => id));
const sorted = (ids: Iterable<string>) => [...ids].sort();

/** The batch is let go as a whole, while requests of its own are under way still. */
async function letGo(expect: ExpectStatic, invocation: Invocation): Promise<void> {
  await until("the batch to be let go", async () => invocation.over);
  expect([invocation.acked, invocation.returned]).toEqual([invocation.messages, 0]);
}

/** Everything was sent once, and the attempt of each is written down once. */
async function eachOnce(expect: ExpectStatic, batches: Batches, ids: readonly string[]): Promise<void> {
  expect(batches.requests).toHaveLength(ids.length);
  expect(sorted(batches.requests)).toEqual(sorted(ids));
  const rows = (await Promise.all(batches.endpoints.map((_, i) => batches.rows(i)))).flat();
  expect(sorted(rows.map(({ id }) => id))).toEqual(sorted(ids));
  for (const { status, log } of rows) expect([status, log.length]).toEqual(["succeeded", 1]);
}

describe("in one batch with an endpoint's delivery", () => {
  it("one that hangs, with many ahead of it, does not hold it up, nor the batch", async ({ expect }) => {
    const batches = await Batches.create(2);
    batches.held.add(0);
    const bad = [await batches.message(0, 100), await batches.message(0, 100), await batches.message(0, 100)];
    const good = await batches.message(1, 1);
    const invocation = batches.consume([...bad, good]);
    // No time has passed, so nobody knows yet that the other hangs.
    const [id = ""] = idsOf(good);
    await until("the good one's delivery", async () => batches.requests.includes(id));
    expect(batches.answered).toBe(0);
    await until("all lanes to be taken", async () => batches.heldBack === LANES);
    expect(invocation.over).toBe(false);

    batches.passUntilHanging();
    await letGo(expect, invocation);
    expect(batches.answered).toBe(0);
    expect(batches.requests).toHaveLength(1 + LANES);
    // All of them have rows: those that hang with their leases, the others due.
    const waiting = await batches.rows(0);
    expect(sorted(waiting.map((row) => row.id))).toEqual(sorted(idsOf(...bad)));
    expect(waiting.filter(({ due }) => (due ?? Number.POSITIVE_INFINITY) > Date.now())).toHaveLength(LANES);

    // What has not begun comes by the slow lane, while the first hang still.
    await batches.alarms();
    expect(batches.queued.length).toBeGreaterThan(0);
    expect(new Set(batches.queued.map(({ queue }) => queue))).toEqual(new Set(["deliveries-slow"]));
    expect(batches.queued.flatMap(({ body }) => body.deliveries)).toHaveLength(SLOTS - LANES);

    await batches.answer();
    await batches.settle();
    await eachOnce(expect, batches, idsOf(...bad, good));
  });

  it("a dozen that begin to hang at once do not keep it until they end", async ({ expect }) => {
    const batches = await Batches.create(13);
    const bad: DeliveryMessage[] = [];
    for (let i = 0; i < 12; i++) {
      batches.held.add(i);
      bad.push(await batches.message(i, 10));
    }
    const good = await batches.message(12, 1);
    const [id = ""] = idsOf(good);
    let [invocation] = [batches.consume([...bad, good])];
    // Each batch finds six out by an attempt each and is let go; what it has not begun comes with the next.
    for (let round = 1; round <= 3; round++) {
      await until("all lanes to be taken", async () => invocation.over || batches.heldBack === LANES * round);
      batches.passUntilHanging();
      await letGo(expect, invocation);
      if (batches.requests.includes(id)) break;
      await batches.alarms();
      [invocation] = batches.handOn("deliveries") as [Invocation];
    }
    expect(batches.requests).toContain(id);
    expect(batches.answered).toBe(0);

    await batches.answer();
    await batches.settle();
    await eachOnce(expect, batches, idsOf(...bad, good));
  });

  it("two that answer, but slowly, with many ahead of it, do not keep it until they answer", async ({ expect }) => {
    const batches = await Batches.create(3);
    batches.held.add(0).add(1);
    const bad: DeliveryMessage[] = [];
    for (const i of [0, 1, 0, 1]) bad.push(await batches.message(i, 50));
    const good = await batches.message(2, 1);
    const invocation = batches.consume([...bad, good]);
    await until("all lanes to be taken", async () => batches.heldBack === LANES);
    batches.passUntilHanging();
    await letGo(expect, invocation);
    const [id = ""] = idsOf(good);
    await batches.alarms();
    // The slow ones' go to the slow lane, the good one's does not.
    const slow = batches.queued.filter(({ queue }) => queue === "deliveries-slow");
    expect(new Set(slow.map(({ body }) => body.endpoint))).toEqual(new Set(batches.endpoints.slice(0, 2)));
    for (const { ended } of batches.handOn("deliveries")) await ended;
    expect(batches.requests).toContain(id);
    expect(batches.answered).toBe(0);

    // They answer well, and are slow all the same: what comes next waits for its like.
    batches.pass(2 * SECOND);
    await batches.answer();
    const next = await batches.message(0, 1);
    await letGo(expect, batches.consume([next]));
    expect(batches.requests).not.toContain(idsOf(next)[0]);
    await batches.settle();
    await eachOnce(expect, batches, idsOf(...bad, good, next));
  });
});

describe("an invocation of 15 s", () => {
  it.for(["deliveries", "deliveries-slow"])(
    "by %s takes nothing on any more, and what is left has rows",
    async (queue, { expect }) => {
      const batches = await Batches.create(1);
      // Each request takes a tenth of a second of everybody's time.
      batches.onRequest = () => batches.pass(100);
      const messages: DeliveryMessage[] = [];
      for (let i = 0; i < 4; i++) messages.push(await batches.message(0, 100));
      const invocation = batches.consume(messages, queue);
      await invocation.ended;
      expect([invocation.acked, invocation.returned]).toEqual([4, 0]);
      // 150 requests, and what was granted before the time was over.
      expect(batches.requests.length).toBeGreaterThanOrEqual(150);
      expect(batches.requests.length).toBeLessThanOrEqual(150 + SLOTS);
      const rows = await batches.rows(0);
      expect(sorted(rows.map(({ id }) => id))).toEqual(sorted(idsOf(...messages)));
      const waiting = rows.filter(({ status }) => status === "pending");
      expect(waiting).toHaveLength(400 - batches.requests.length);
      for (const { due } of waiting) expect(due).toBeLessThanOrEqual(Date.now());
      await batches.settle();
      await eachOnce(expect, batches, idsOf(...messages));
    },
  );
});
