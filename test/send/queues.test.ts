import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import type { Env } from "../../src/contracts/env";
import type { EventsMessage } from "../../src/contracts/messages";
import { missingQueues, pairOf, queueOf, queuesOf } from "../../src/contracts/queues";
import { Announcer } from "../../src/event-log/announce";
import worker from "../../src/index";
import { newId } from "../../src/lib/ids";
import { isSlowQueue, queuePairs } from "../../src/lib/queue-names";
import { answered, requestTo } from "../lib/api";

afterEach(() => vi.restoreAllMocks());

const FIRST = ["DELIVERIES", "DELIVERIES_SLOW", "DELIVERIES_DEAD"];

/** A deployment with these bindings, each of which is its own name. */
function bindings(...names: string[]): Env {
  return Object.fromEntries(names.map((name) => [name, name])) as unknown as Env;
}

/** So many pairs of queues. */
function pairsOf(count: number): string[] {
  const more = Array.from({ length: count - 1 }, (_, i) => [`DELIVERIES_SLOW_${i + 1}`, `DELIVERIES_${i + 1}`]);
  return [...FIRST, ...more.flat()];
}

const ENDPOINTS = Array.from({ length: 8_000 }, () => newId("ep", Date.now()));

describe("the queues of a deployment", () => {
  it("are the pairs that are bound, in the order of their numbers", ({ expect }) => {
    const { pairs, missing } = queuePairs([...pairsOf(12), "DELIVERIES_X", "DELIVERIES_01", "DELIVERIES_0", "DB"]);
    expect(pairs.map(({ normal }) => normal)).toEqual([
      "DELIVERIES",
      ...Array.from({ length: 11 }, (_, i) => `DELIVERIES_${i + 1}`),
    ]);
    expect(pairs.map(({ slow }) => slow)).toEqual(pairs.map(({ normal }) => normal.replace("IES", "IES_SLOW")));
    expect(missing).toEqual([]);
  });

  it("share the endpoints evenly, and each endpoint has one of them for each lane", ({ expect }) => {
    for (const count of [1, 3, 16]) {
      const deployment = bindings(...pairsOf(count));
      const shares = Map.groupBy(ENDPOINTS, (endpoint) => queueOf(deployment, endpoint, "normal"));
      expect(shares.size).toBe(count);
      for (const [queue, endpoints] of shares) {
        expect(Math.abs(endpoints.length / (ENDPOINTS.length / count) - 1)).toBeLessThan(0.25);
        const slow = new Set(endpoints.map((endpoint) => queueOf(deployment, endpoint, "slow")));
        expect([...slow]).toEqual([String(queue).replace("IES", "IES_SLOW")]);
      }
    }
    // Stable over versions of the code: messages are under way when it changes.
    expect(["ep_01M8DRGYZDK1MQ0PT73YQTV5X2", "ep_a", "cb_x"].map((id) => pairOf(id, 16))).toEqual([12, 2, 5]);
  });

  it("do not include a pair of which one is not bound: /health names it, and all else goes on", async ({ expect }) => {
    const names = [...pairsOf(3).filter((name) => name !== "DELIVERIES_SLOW_1"), "DELIVERIES_SLOW_4"];
    const deployment = bindings(...names);
    expect(missingQueues(deployment)).toEqual(["DELIVERIES_SLOW_1", "DELIVERIES_4"]);
    expect(queuesOf(deployment, "normal")).toEqual(["DELIVERIES", "DELIVERIES_2"]);
    const used = new Set(ENDPOINTS.map((endpoint) => queueOf(deployment, endpoint, "slow")));
    expect([...used].sort()).toEqual(["DELIVERIES_SLOW", "DELIVERIES_SLOW_2"]);

    const half = { ...env, DELIVERIES_7: env.DELIVERIES } as Env;
    const get = async (path: string) => {
      const request = requestTo("GET", path, undefined, { Authorization: `Bearer ${env.OPERATOR_KEY}` });
      return answered(await worker.fetch(request as never, half, createExecutionContext()));
    };
    const { status, body } = await get("/health");
    expect([status, body.code, body.errors]).toEqual([
      503,
      "misconfigured",
      [{ path: "DELIVERIES_SLOW_7", message: expect.stringContaining("is not bound") }],
    ]);
    expect((await get("/v1/tenants")).status).toBe(200);
  });

  it("are told apart by how their names end, whatever they begin with", ({ expect }) => {
    for (const name of ["deliveries", "deliveries-1", "slow-deliveries-12", "staging-deliveries"]) {
      expect(isSlowQueue(name)).toBe(false);
    }
    for (const name of ["deliveries-slow", "deliveries-slow-1", "staging-deliveries-slow-15"]) {
      expect(isSlowQueue(name)).toBe(true);
    }
  });

  it("each get the messages of their endpoints from a log, and one that is out of reach keeps none of the others'", async ({
    expect,
  }) => {
    const brought: [string, string[]][] = [];
    const queue = (name: string) => ({
      sendBatch: async (messages: { body: EventsMessage }[]) => {
        if (name === "broken") throw new Error("Queues is out");
        brought.push([name, messages.flatMap(({ body }) => body.shares.map(({ endpoint }) => endpoint))]);
      },
    });
    const queues = { a: queue("first"), b: queue("broken"), c: queue("third") } as unknown as Record<string, Queue>;
    const announcer = new Announcer((endpoint) => queues[endpoint.slice(-1)] as Queue, "t");
    // Too large for one message: each is alone in its own.
    const data = JSON.stringify("x".repeat(59_990));
    const events = ["ep_a", "ep_b", "ep_c", "ep_a"].map((endpoint, i) => ({
      ulid: `01JD0000000000000000${String(i).padStart(6, "0")}`,
      type: "e",
      timestamp: 1_795_000_000_000,
      payloadId: "evt_x",
      data,
      matches: [{ endpoint }, { endpoint: `${endpoint.slice(0, -1)}x${endpoint.slice(-1)}` }],
    }));
    announcer.announce(events, new Map());
    await vi.waitFor(() => expect(brought.flatMap(([, endpoints]) => endpoints)).toHaveLength(6));
    expect(brought.filter(([name]) => name === "first").flatMap(([, endpoints]) => endpoints)).toEqual([
      "ep_a",
      "ep_xa",
      "ep_a",
      "ep_xa",
    ]);
    expect(brought.filter(([name]) => name === "third")).toEqual([["third", ["ep_c", "ep_xc"]]]);
  });
});
