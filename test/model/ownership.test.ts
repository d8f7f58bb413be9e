import fc from "fast-check";
import { it } from "vitest";
import type { DeliveryError } from "../../src/contracts/delivery";
import { SECOND } from "../../src/lib/time";
import { patient } from "../lib/patience";
import { holds } from "../lib/property";
import { type Few, type Sending, World } from "./world";

const pick = fc.nat(50);
const flag = fc.boolean();
const rarely = fc.integer({ min: 0, max: 9 }).map((n) => n === 0);
const sending: fc.Arbitrary<Sending> = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom<Sending[]>("messages", "direct") },
  { weight: 1, arbitrary: fc.constantFrom<Sending[]>("nothing", "direct, and dies") },
);
const few: fc.Arbitrary<Few> = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom<Few[]>("to the queue", "sent") },
  { weight: 1, arbitrary: fc.constant<Few>("granted, and the object dies") },
);
const side = fc.constantFrom(0, 1);
/** How many deliveries the consumer can begin. */
const room = fc.constantFrom(25, 6, 1, 0);
const error = fc.constantFrom<(DeliveryError | null)[]>(null, "status", "status", "timeout");
/** How receivers answer in the end: those that time out make the breaker take its time over it. */
const inTheEnd = fc.constantFrom<(DeliveryError | null)[]>(null, "redirect", null, "redirect", "timeout");

/** The steps the world may take, the everyday ones more often. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("append" as const), both: flag, sending }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant("admit" as const), pick, dies: rarely, room }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("finish" as const),
      pick,
      error,
      lost: rarely,
      room: fc.constantFrom(0, 0, 1, 6),
      claimsLost: rarely,
      asked: fc.constantFrom(null, null, null, 5, 120, 100_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("hang" as const), pick }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant("tick" as const), seconds: fc.constantFrom(1, 20, 61, 200, 700) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("tick" as const), seconds: fc.constantFrom(60_000, 100_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("break" as const) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("alarm" as const), side, lost: rarely, few }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("reconcile" as const), out: fc.option(side), dies: rarely }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("repeat" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("duplicate" as const), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("lose" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("queues" as const), bound: fc.constantFrom(1, 2, 3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("evict" as const), side }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("kill" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("switch" as const), side, on: flag }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("recover" as const), side }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("resend" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("close" as const), sure: rarely }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function take(world: World, step: Step): void {
  switch (step.do) {
    case "append":
      world.append(step.both, step.sending);
      return;
    case "admit":
      world.admit(step.pick, step.dies, step.room);
      return;
    case "finish":
      world.finish(
        step.pick,
        step.error,
        step.lost,
        step.room,
        step.claimsLost,
        step.error === "status" ? step.asked : null,
      );
      return;
    case "hang":
      world.hang(step.pick);
      return;
    case "tick":
      world.now += step.seconds * SECOND;
      return;
    case "alarm":
      world.alarm(step.side, step.lost, step.few);
      if (step.few === "granted, and the object dies") world.evict(step.side);
      return;
    case "reconcile":
      world.reconcile(step.out, step.dies);
      return;
    case "repeat":
      world.repeatOutcome(step.pick);
      return;
    case "duplicate":
      world.queues.repeat(step.pick);
      return;
    case "lose":
      world.queues.take(step.pick);
      return;
    case "queues":
      world.queues.bound = step.bound;
      return;
    case "break":
      world.breakDown();
      return;
    case "evict":
      world.evict(step.side);
      return;
    case "kill":
      world.killAll();
      return;
    case "switch":
      world.enable(step.side, step.on);
      return;
    case "recover":
      world.recover(step.side);
      return;
    case "resend":
      world.resend(step.pick);
      return;
    case "close":
      if (step.sure) world.close(1);
  }
}

it("every unfinished delivery has exactly one durable owner", { timeout: patient(900_000) }, () => {
  holds(
    fc.property(fc.array(step, { minLength: 10, maxLength: 80, size: "max" }), inTheEnd, (steps, end) => {
      const world = World.create();
      for (const next of steps) {
        take(world, next);
        world.checkOwners();
      }
      world.quiesce(end);
    }),
    600,
  );
});
