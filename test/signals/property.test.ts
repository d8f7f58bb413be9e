import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { it } from "vitest";
import type { Firing } from "../../src/contracts/entity";
import type { When } from "../../src/contracts/signal";
import { Sql } from "../../src/lib/sql";
import { DAY } from "../../src/lib/time";
import { Recollection } from "../../src/signals/recollection";
import { fresh } from "../lib/fresh";
import { holdsAsync } from "../lib/property";
import { firing, settleAll, T0 } from "./recollections";

/** An observation of the history, as the reference sees it: all there is to know of it. */
interface Past {
  v: unknown;
  at: number;
  /** It was more than a day ahead of the clock, and still is: the histories are shorter. */
  ahead: boolean;
  listed: boolean;
}

/**
 * Whether a rule fires at the last observation of a history that it looked at: the contract's sentences, each put to the
 * whole history, with nothing remembered but when it fired.
 */
function reference(when: When, history: readonly Past[], firedAt: readonly number[]): boolean {
  const now = history.at(-1) as Past;
  const before = history.slice(0, -1);
  if ("every" in when) return true;
  if ("once" in when) return before.length === 0;
  if ("inList" in when) return now.listed;
  if ("returnsAfter" in when) {
    // The latest time counts; one ahead of the clock only for those that are so too.
    const known = before.filter(({ ahead }) => now.ahead || !ahead);
    return known.length > 0 && known.every(({ at }) => now.at - at >= when.returnsAfter.seconds * 1_000);
  }
  if (typeof now.v !== "number") return false;
  const numbers = before.filter(({ v }) => typeof v === "number").map(({ v }) => v as number);
  if ("crosses" in when) {
    const threshold = Number(when.crosses.threshold);
    const last = numbers.at(-1);
    return now.v >= threshold && (last === undefined || last < threshold);
  }
  const lastFired = firedAt.at(-1);
  const from = lastFired === undefined ? numbers[0] : (history[lastFired]?.v as number);
  // Whole numbers: here nothing is rounded.
  return from !== undefined && Math.abs(now.v - from) >= Number(when.changesBy.atLeast);
}

const small = fc.integer({ min: -3, max: 12 });
const when: fc.Arbitrary<When> = fc.oneof(
  fc.constant<When>({ every: true }),
  fc.constant<When>({ once: true }),
  fc.constant<When>({ inList: "l" }),
  small.map((threshold): When => ({ crosses: { path: "v", threshold } })),
  fc.integer({ min: 1, max: 6 }).map((atLeast): When => ({ changesBy: { path: "v", atLeast } })),
  fc.integer({ min: 1, max: 300 }).map((seconds): When => ({ returnsAfter: { seconds } })),
);
const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: small },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(undefined, null, "7", [7], { n: 7 }, true) },
);
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant("observe" as const),
      /** Seconds since the last one; below zero: it comes late. */
      after: fc.oneof(
        { weight: 5, arbitrary: fc.nat(200) },
        { weight: 1, arbitrary: fc.integer({ min: -200, max: 0 }) },
      ),
      /** Days that it says it is ahead of the clock. */
      ahead: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(0.1, 2, 30) }),
      values: fc.array(fc.record({ v: value, listed: fc.boolean() }), { minLength: 1, maxLength: 3 }),
      /** Which rules look at it. */
      mask: fc.oneof({ weight: 3, arbitrary: fc.constant(-1) }, fc.nat(63)),
      keyed: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("repeat" as const), pick: fc.nat(30) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("emit" as const) }) },
);

it("over any history each rule fires when the contract's sentence says so", { timeout: 120_000 }, async () => {
  await holdsAsync(
    fc.asyncProperty(
      fc.array(when, { minLength: 1, maxLength: 6 }),
      fc.array(step, { minLength: 5, maxLength: 60, size: "max" }),
      async (forms, steps) => {
        const stub = env.ENTITY.getByName(`t/0/${fresh("p")}`) as unknown as DurableObjectStub;
        await runInDurableObject(stub, (_, state) => {
          const sql = new Sql(state.storage.sql);
          const rules = forms.map((form): Firing => firing(form));
          // By rule: the observations that it looked at, and those of them at which it fired.
          const histories = rules.map((): Past[] => []);
          const fires = rules.map((): number[] => []);
          /** Posted under a key: the request, and what it must be answered again. */
          const posted: { request: Parameters<Recollection["observe"]>[0]; fired: string[][] }[] = [];
          const emitted: string[] = [];
          const expected: string[] = [];
          let recollection = new Recollection(sql);
          let now = T0;
          const emit = () => {
            for (const { seq, pending } of settleAll(recollection, now)) {
              for (const { rule } of pending?.emissions ?? []) emitted.push(`${seq} ${rule}`);
            }
          };
          for (const [n, next] of steps.entries()) {
            if (next.do === "restart") recollection = new Recollection(sql);
            if (next.do === "emit") emit();
            if (next.do === "repeat") {
              const known = posted[next.pick % Math.max(posted.length, 1)];
              if (known !== undefined) compare(recollection.observe(known.request, now), known.fired, true);
            }
            if (next.do !== "observe") continue;
            now = Math.max(now, now + next.after * 1_000);
            const at = (next.after < 0 ? now + next.after * 1_000 : now) + next.ahead * DAY;
            const ahead = next.ahead > 1;
            const concerned = rules.map((_, i) => i).filter((i) => (next.mask >> i) & 1);
            const wanted = next.values.map(({ v, listed }) =>
              concerned.flatMap((i) => {
                const history = histories[i] as Past[];
                history.push({ v, at, ahead, listed });
                if (!reference(forms[i] as When, history, fires[i] as number[])) return [];
                fires[i]?.push(history.length - 1);
                return [(rules[i] as Firing).id];
              }),
            );
            const request = {
              rules,
              live: rules.map(({ id }) => id),
              asOf: T0,
              observations: next.values.map(({ v, listed }, i) => ({
                text: JSON.stringify({ v }),
                at,
                rules: concerned,
                listed: listed ? ["l"] : [],
                ...(next.keyed ? { idempotency: { key: `${n}:${i}`, claimed: now, fingerprint: "" } } : {}),
              })),
            };
            const taken = recollection.observe(request, now);
            compare(taken, wanted, false);
            if (taken.kind === "observed") {
              for (const { row } of taken.observations) {
                for (const { rule } of row?.pending?.emissions ?? []) expected.push(`${row?.seq} ${rule}`);
              }
            }
            if (next.keyed) posted.push({ request, fired: wanted });
          }
          emit();
          if (JSON.stringify(emitted) !== JSON.stringify(expected)) {
            throw new Error(`emitted ${JSON.stringify(emitted)} and not ${JSON.stringify(expected)}`);
          }
        });
      },
    ),
    150,
  );
});

/** That each observation is answered as it should be, whether its events are emitted already or not. */
function compare(taken: ReturnType<Recollection["observe"]>, wanted: string[][], duplicate: boolean): void {
  if (taken.kind !== "observed") throw new Error(`a ${taken.kind} request`);
  const got = taken.observations.map(({ row }) => {
    const answered = row?.pending?.emissions ?? row?.outcome.events ?? [];
    return answered.map(({ rule }) => rule);
  });
  if (JSON.stringify(got) !== JSON.stringify(wanted)) {
    throw new Error(`fired ${JSON.stringify(got)} and not ${JSON.stringify(wanted)}`);
  }
  if (taken.observations.some((one) => one.duplicate !== duplicate))
    throw new Error("a repeat is not told from the first");
}
