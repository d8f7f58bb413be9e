import { afterEach, describe, it } from "vitest";
import { MINUTE } from "../../src/lib/time";
import { call } from "../lib/api";
import { World } from "./world";

afterEach(() => World.end());

/** The events of the world's tenant. */
async function eventsOf(world: World): Promise<unknown[]> {
  return (await call("GET", `/v1/tenants/${world.tenant}/events`)).body.data;
}

describe("while D1 is out of reach", () => {
  it("events are accepted and delivered as long as the configuration is cached", async ({ expect }) => {
    const world = await World.create();
    await world.post("before");
    await world.consume();
    world.d1Fails = true;
    world.pass(1_000);
    expect((await world.post("during")).status).toBe(202);
    await world.consume();
    await world.check();
    expect([...world.promised.values()].map(({ requests }) => requests)).toEqual([1, 1, 1, 1]);
    await world.settle("well");
  });

  it("and the configuration is not cached, posting is refused with 503 and writes nothing", async ({ expect }) => {
    const world = await World.create();
    await world.post("before");
    world.pass(10_000);
    world.d1Fails = true;
    const path = `/v1/tenants/${world.tenant}/events`;
    const { status, headers, body: problem } = await call("POST", path, { event: "lead.hot", data: {} });
    expect(status).toBe(503);
    expect(headers.get("Content-Type")).toBe("application/problem+json");
    expect(Number(headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(problem).toMatchObject({ status: 503, title: "Temporarily unavailable" });
    world.d1Fails = false;
    expect(await eventsOf(world)).toHaveLength(1);
    await world.settle("well");
  });

  it("an endpoint that has never been loaded keeps its messages on the queue", async ({ expect }) => {
    const world = await World.create();
    await world.post("one");
    world.d1Fails = true;
    for (let i = 0; i < 3; i++) {
      await world.consume();
      await world.check();
    }
    expect([...world.promised.values()].map(({ requests }) => requests)).toEqual([0, 0]);
    expect(world.queue.map(({ attempts }) => attempts)).toEqual([4]);
    await world.settle("well");
  });

  it("an endpoint that is gone is disabled all the same, and D1's copy follows", async ({ expect }) => {
    const world = await World.create(1);
    await world.post("one");
    await world.consume();
    world.d1Fails = true;
    world.mood = "gone";
    world.pass(1_000);
    await world.post("two");
    await world.consume();
    await world.post("three");
    await world.consume();
    // The third was not sent: its object knows.
    expect([...world.promised.values()].map(({ requests }) => requests)).toEqual([1, 1, 0]);
    world.d1Fails = false;
    const path = `/v1/tenants/${world.tenant}/endpoints/${world.endpoints[0]}`;
    expect((await call("GET", path)).body).toMatchObject({ enabled: true });
    world.pass(10 * MINUTE);
    await world.alarm(0);
    expect((await call("GET", path)).body).toMatchObject({ enabled: false, disabledReason: "gone" });
    await world.settle("well");
    expect([...world.promised.values()].map(({ requests }) => requests)).toEqual([1, 2, 1]);
  });
});

describe("while Queues is out of reach", () => {
  it.for(["wholly", "partly"] as const)("%s, an event is accepted and handed over later", async (how, { expect }) => {
    const world = await World.create(3);
    world.queueFails = how;
    expect((await world.post("one")).status).toBe(202);
    expect(world.queueFails).toBeNull();
    await world.check();
    await world.settle("well");
    expect([...world.promised.values()].map(({ requests }) => requests)).toEqual([1, 1, 1]);
  });

  it.for(["wholly", "partly"] as const)("%s, so is a batch of events", async (how, { expect }) => {
    const world = await World.create(2);
    world.queueFails = how;
    const events = Array.from({ length: 100 }, (_, n) => ({ event: "lead.hot", data: { n, text: "x".repeat(9_000) } }));
    const { status, body } = await call("POST", `/v1/tenants/${world.tenant}/events/batch`, { events });
    expect(status).toBe(202);
    world.promise(body.data);
    await world.check();
    await world.settle("well");
    const requests = [...world.promised.values()].map((promised) => promised.requests);
    expect(requests).toHaveLength(200);
    expect(new Set(requests)).toEqual(new Set([1]));
  });

  it("a retry that could not be queued comes up again", async ({ expect }) => {
    const world = await World.create(1);
    world.mood = "badly";
    await world.post("one");
    await world.consume();
    world.pass(40_000);
    world.queueFails = "wholly";
    await world.alarm(0);
    expect(world.queueFails).toBeNull();
    await world.check();
    await world.settle("well");
    expect([...world.promised.values()].map(({ requests }) => requests)).toEqual([2]);
  });
});
