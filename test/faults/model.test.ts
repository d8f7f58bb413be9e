import fc from "fast-check";
import { afterEach, it } from "vitest";
import { holdsAsync } from "../lib/property";
import { FATES, type Fault } from "./doom";
import { type Mood, RECONCILE, World } from "./world";

afterEach(() => World.end());

const side = fc.constantFrom(0, 1);
const from = fc.nat(9);
/** Mostly none: what follows a fault matters as much as the fault. */
const fault: fc.Arbitrary<Fault | null> = fc.oneof(
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 3, arbitrary: fc.record({ step: fc.nat(7), fate: fc.constantFrom(...FATES) }) },
);
const change = fc.constantFrom("admit", "record", "adopt", "release");

/** The steps that the world may take, the everyday ones more often. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("post"), fault, big: fc.boolean(), direct: fc.boolean() }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("consume"), from, count: fc.integer({ min: 1, max: 5 }), fault }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("alarm"), side, times: fc.constantFrom(1, 1, 2) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("reconcile"), times: fc.constantFrom(1, 1, 2) }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("pass"), seconds: fc.constantFrom(1, 20, 61, 200, RECONCILE / 1_000) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("mood"), mood: fc.constantFrom<Mood[]>("well", "badly", "not at all") }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("evict"), side, logs: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("storage fails"), change, statement: fc.nat(10) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("queue fails"), how: fc.constantFrom("wholly", "partly") }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("D1"), fails: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("duplicate"), from }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lose"), from }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("switch"), side, on: fc.boolean() }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

let keys = 0;

async function take(world: World, next: Step): Promise<void> {
  switch (next.do) {
    case "post":
      world.direct = next.direct;
      await world.post(`key ${++keys}`, next.fault, next.big ? { text: "x".repeat(70_000) } : {});
      return;
    case "consume":
      await world.consume(next.from, next.count, next.fault);
      return;
    case "alarm":
      for (let i = 0; i < next.times; i++) await world.alarm(next.side);
      return;
    case "reconcile":
      for (let i = 0; i < next.times; i++) await world.reconcile();
      return;
    case "pass":
      return world.pass(next.seconds * 1_000);
    case "mood":
      world.mood = next.mood;
      return;
    case "evict":
      return next.logs ? world.evictLogs() : world.evict(next.side);
    case "storage fails":
      world.sqlFails = { change: next.change, statement: next.statement };
      return;
    case "queue fails":
      world.queueFails = next.how;
      return;
    case "D1":
      world.d1Fails = next.fails;
      return;
    case "duplicate": {
      const message = world.queue[next.from % Math.max(world.queue.length, 1)];
      if (message) world.queue.push({ ...message });
      return;
    }
    case "lose":
      world.queue.splice(next.from % Math.max(world.queue.length, 1), 1);
      return;
    case "switch":
      await world.enable(next.side, next.on);
  }
}

it("whatever fails in whatever order, each accepted event is delivered or visibly is not, and none twice for nothing", {
  timeout: 600_000,
}, async () => {
  const ends = fc.constantFrom<Mood[]>("well", "well", "badly", "not at all");
  await holdsAsync(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 40, size: "max" }), ends, async (steps, end) => {
      const world = await World.create();
      try {
        for (const next of steps) {
          // No two attempts at the same millisecond: the order of the window's oracle is theirs.
          world.pass(1_000);
          await take(world, next);
          await world.check();
        }
        await world.settle(end);
      } finally {
        World.end();
      }
    }),
    15,
  );
});
