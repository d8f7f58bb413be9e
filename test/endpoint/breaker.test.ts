import fc from "fast-check";
import { describe, it } from "vitest";
import type { DeliveryError } from "../../src/contracts/delivery";
import type { Delivery } from "../../src/contracts/event";
import type { Ledger } from "../../src/endpoint/ledger";
import * as breaking from "../../src/endpoint/policy/breaker";
import { HOUR, MINUTE, SECOND } from "../../src/lib/time";
import { holds } from "../lib/property";
import { attempt, delivery, fire, outcomeOf, SETTINGS, SLOW, T0, tellOperator, withLedger } from "./ledgers";

type Failed = { error: DeliveryError; statusCode: number | null };

const COUNTING: Failed[] = [
  { error: "timeout", statusCode: null },
  { error: "timeout", statusCode: 200 },
  { error: "connection", statusCode: null },
  { error: "status", statusCode: 429 },
  { error: "status", statusCode: 500 },
  { error: "status", statusCode: 599 },
];
const OTHER: Failed[] = [
  { error: "status", statusCode: 400 },
  { error: "status", statusCode: 404 },
  { error: "status", statusCode: 499 },
  { error: "redirect", statusCode: 302 },
  { error: "gone", statusCode: 410 },
];

function failing(breaker: breaking.Breaker, failed: Failed[], now = T0): breaking.Breaker {
  return failed.reduce((before, how, i) => breaking.afterFailed(before, { id: `att_${i}`, ...how }, now), breaker);
}

describe("the breaker", () => {
  it("opens for 30 s after ten failures in a row that count, of whatever kind, and not before", ({ expect }) => {
    const ten = [...COUNTING, ...COUNTING].slice(0, 10);
    const nine = failing(breaking.CLOSED, ten.slice(0, 9));
    expect(breaking.stateOf(nine, T0)).toBe("closed");
    const open = failing(nine, ten.slice(9));
    expect(breaking.stateOf(open, T0)).toBe("open");
    expect(breaking.stateOf(open, T0 + 30 * SECOND - 1)).toBe("open");
    expect(breaking.stateOf(open, T0 + 30 * SECOND)).toBe("half-open");
    for (const other of OTHER) {
      const broken = failing(nine, [other, ...ten.slice(0, 9)]);
      expect(breaking.stateOf(broken, T0), JSON.stringify(other)).toBe("closed");
    }
  });

  it("doubles to ten minutes with each failed probe, and closes when the receiver answers", ({ expect }) => {
    let breaker = failing(breaking.CLOSED, Array(10).fill(COUNTING[0]));
    let now = T0;
    const lengths: number[] = [];
    for (let i = 0; i < 7; i++) {
      const until = breaking.probeAt(breaker) ?? 0;
      lengths.push((until - now) / SECOND);
      now = until;
      expect(breaking.mayProbe(breaker, now - 1)).toBe(false);
      expect(breaking.mayProbe(breaker, now)).toBe(true);
      breaker = breaking.probing(breaker, `probe_${i}`, now + MINUTE);
      breaker = breaking.afterFailed(breaker, { id: `probe_${i}`, error: "timeout", statusCode: null }, now);
    }
    expect(lengths).toEqual([30, 60, 120, 240, 480, 600, 600]);
    const probing = breaking.probing(breaker, "probe", now + HOUR);
    expect(breaking.afterFailed(probing, { id: "probe", error: "status", statusCode: 404 }, now)).toEqual(
      breaking.CLOSED,
    );
    expect(breaking.afterFailed(probing, { id: "old", error: "status", statusCode: 404 }, now)).toEqual(probing);
  });

  it("agrees with a plain account of the rule, over any history, and never has two probes under way", ({ expect }) => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant("send" as const) }) },
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant("end" as const),
          pick: fc.nat(20),
          how: fc.oneof(
            { weight: 12, arbitrary: fc.constantFrom(...COUNTING) },
            { weight: 1, arbitrary: fc.constantFrom(...OTHER) },
            { weight: 1, arbitrary: fc.constant("success" as const) },
            { weight: 1, arbitrary: fc.constant("nothing" as const) },
          ),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant("tick" as const), seconds: fc.constantFrom(1, 31, 61, 700) }),
      },
    );
    holds(
      fc.property(fc.array(step, { maxLength: 150, size: "max" }), (steps) => {
        let breaker: breaking.Breaker = breaking.CLOSED;
        let now = T0;
        let serial = 0;
        // The plain account: what came of each attempt since it last closed, and when it may probe.
        let row: boolean[] = [];
        let open: { from: number; failedProbes: number } | null = null;
        const flights: { id: string; probe: boolean; until: number }[] = [];
        for (const next of steps) {
          if (next.do === "tick") now += next.seconds * SECOND;
          if (next.do === "send") {
            const id = `att_${serial++}`;
            if (open === null) flights.push({ id, probe: false, until: now + MINUTE });
            const busy = flights.some(({ probe, until }) => probe && until > now);
            expect(breaking.mayProbe(breaker, now)).toBe(open !== null && now >= open.from && !busy);
            if (breaking.mayProbe(breaker, now)) {
              for (const flight of flights) flight.probe = false; // lost: its lease is over
              breaker = breaking.probing(breaker, id, now + MINUTE);
              flights.push({ id, probe: true, until: now + MINUTE });
            }
          }
          if (next.do === "end") {
            const [flight] = flights.splice(next.pick % Math.max(flights.length, 1), 1);
            if (flight === undefined) continue;
            const { id, probe } = flight;
            const { how } = next;
            if (how === "nothing") {
              breaker = breaking.afterNothing(breaker, id);
            } else if (how === "success") {
              breaker = breaking.CLOSED;
              [row, open] = [[], null];
              for (const other of flights) other.probe = false;
            } else {
              breaker = breaking.afterFailed(breaker, { id, ...how }, now);
              const counts = COUNTING.includes(how);
              if (open === null) {
                row.push(counts);
                const failed = row.length >= 10 && row.slice(-10).every(Boolean);
                if (failed) open = { from: now + 30 * SECOND, failedProbes: 0 };
              } else if (probe && counts) {
                const failedProbes: number = open.failedProbes + 1;
                open = { from: now + Math.min(30 * 2 ** failedProbes, 600) * SECOND, failedProbes };
              } else if (probe) [row, open] = [[], null];
            }
          }
          const state = open === null ? "closed" : now < open.from ? "open" : "half-open";
          expect(breaking.stateOf(breaker, now)).toBe(state);
        }
      }),
      500,
    );
  });
});

/** Ten failed attempts, one after the other, all by `now`; the slow lane is taken where it must be. */
function breakIt(ledger: Ledger, now: number, error: DeliveryError = "status"): void {
  for (let i = 0; i < 10; i++) {
    const ref = delivery(now);
    if (!attempt(ledger, ref, error, now)) fire(ledger, error, now);
  }
}

/** What messages bring while the breaker lets them: the attempts that are granted. */
function granted(ledger: Ledger, refs: { id: string; type: string }[], now: number) {
  return ledger.admit(refs, now, SLOW).admissions.flatMap((admission) => (admission.do === "send" ? [admission] : []));
}

describe("an endpoint whose breaker is open", () => {
  it("lets deliveries wait with a row, no attempt used, until it may probe, and says so", async ({ expect }) => {
    await withLedger((ledger) => {
      breakIt(ledger, T0);
      expect(ledger.state.health(T0).breaker).toEqual({ state: "open", until: T0 + 30 * SECOND });
      const [a, b] = [delivery(T0), delivery(T0)];
      expect(granted(ledger, [a, b], T0 + SECOND)).toEqual([]);
      expect(ledger.reading.look([a.id], T0 + SECOND)[0]).toMatchObject({
        status: "pending",
        waitReason: "breaker",
        attempts: 0,
        nextAttemptAt: T0 + 30 * SECOND,
      });
      // A retry that comes due before waits for it as well; one that comes due later does not.
      const { deliveries } = ledger.reading.list(
        { statuses: ["retrying"], event: null, codes: null, since: null, until: null },
        50,
        null,
        T0 + SECOND,
      );
      expect(deliveries).toHaveLength(10);
      expect(deliveries.every(({ waitReason }) => waitReason === "breaker")).toBe(true);
      tellOperator(ledger, T0);
      expect(ledger.nextAlarm(T0 + SECOND)).toBe(T0 + 30 * SECOND);
      expect(ledger.release(T0 + 30 * SECOND - 1).deliveries).toEqual([]);
      expect(ledger.state.health(T0 + 30 * SECOND).breaker).toEqual({ state: "half-open", until: null });
    });
  });

  it("is a half-open breaker that lets exactly one request through, whatever comes at the same time", async ({
    expect,
  }) => {
    await withLedger((ledger, open) => {
      // Released, and still on the queue, when it opens.
      breakIt(ledger, T0);
      const waiting = Array.from({ length: 40 }, () => delivery(T0));
      ledger.admit(waiting, T0);
      const now = T0 + 30 * SECOND;
      const { deliveries } = ledger.release(now);
      expect(deliveries).toHaveLength(1);
      expect(ledger.release(now).deliveries).toEqual([]);
      // All of them at once, twice over, among new ones.
      const everything = [...deliveries, ...waiting, delivery(now), ...deliveries, ...waiting];
      const [probe, ...more] = granted(ledger, everything, now);
      expect(probe?.id).toBe(deliveries[0]?.id);
      expect(more).toEqual([]);
      // And after the object has lost its memory, while the probe is under way.
      const again = open();
      expect(granted(again, everything, now + SECOND)).toEqual([]);
      expect(again.release(now + SECOND).deliveries).toEqual([]);
      expect(again.state.health(now + SECOND).breaker.state).toBe("half-open");
      again.record([outcomeOf({ id: probe?.id ?? "", type: "e" }, probe?.attemptId ?? "", 1, null, now)], now + SECOND);
      expect(again.state.health(now + SECOND).breaker).toEqual({ state: "closed", until: null });
      expect(again.release(now + 2 * SECOND).deliveries).toHaveLength(25);
    });
  });

  it("lets the first of several released messages probe, and the others wait once more", async ({ expect }) => {
    await withLedger((ledger) => {
      const early = Array.from({ length: 5 }, () => delivery(T0));
      for (let i = 0; i < 3; i++) attempt(ledger, delivery(T0), "status", T0);
      ledger.admit(early, T0); // slow: they have rows
      expect(ledger.release(T0).deliveries).toHaveLength(5);
      for (let i = 0; i < 7; i++) {
        ledger.resend(delivery(T0), T0);
        fire(ledger, "status", T0);
      }
      expect(ledger.state.health(T0).breaker.state).toBe("open");
      expect(granted(ledger, early.slice(0, 2), T0 + SECOND)).toEqual([]);
      expect(granted(ledger, early.slice(2), T0 + 31 * SECOND)).toHaveLength(1);
      expect(ledger.reading.look([early[0]?.id ?? ""], T0 + SECOND)[0]).toMatchObject({
        attempts: 0,
        waitReason: "breaker",
      });
    });
  });

  it("sends another probe when one is lost, and only then", async ({ expect }) => {
    await withLedger((ledger) => {
      breakIt(ledger, T0);
      ledger.admit([delivery(T0), delivery(T0)], T0);
      const [lost] = ledger.release(T0 + 30 * SECOND).deliveries; // its message is lost
      const now = T0 + 90 * SECOND;
      expect(ledger.nextAlarm(T0 + 31 * SECOND)).toBe(now);
      expect(ledger.release(now - 1).deliveries).toEqual([]);
      const [second] = ledger.release(now).deliveries;
      const [probe] = granted(ledger, second ? [second] : [], now);
      expect(probe).toBeDefined();
      // The consumer dies with it: the lease, a row, ends after a minute. The first message comes at last, in vain.
      expect(granted(ledger, lost ? [lost] : [], now + 59 * SECOND)).toEqual([]);
      expect(ledger.release(now + 59 * SECOND).deliveries).toEqual([]);
      const [third] = ledger.release(now + MINUTE).deliveries;
      expect(granted(ledger, third ? [third] : [], now + MINUTE)).toHaveLength(1);
    });
  });

  it("stays open for twice as long after a failed probe, and closes after one that succeeds", async ({ expect }) => {
    await withLedger((ledger) => {
      breakIt(ledger, T0);
      let now = T0 + 30 * SECOND;
      for (const seconds of [60, 120, 240, 480, 600, 600]) {
        expect(fire(ledger, "status", now)).toHaveLength(1);
        expect(ledger.state.health(now).breaker).toEqual({ state: "open", until: now + seconds * SECOND });
        now += seconds * SECOND;
      }
      expect(fire(ledger, null, now)).toHaveLength(1);
      expect(ledger.state.health(now).breaker).toEqual({ state: "closed", until: null });
      expect(attempt(ledger, delivery(now), null, now)).toBe(true);
    });
  });

  it("has neither breaker nor failure state lost on eviction or idle", async ({ expect }) => {
    await withLedger((ledger, open) => {
      breakIt(ledger, T0);
      expect(open().state.health(T0 + SECOND)).toEqual(ledger.state.health(T0 + SECOND));
      expect(granted(open(), [delivery(T0)], T0 + SECOND)).toEqual([]);
      expect(fire(open(), "status", T0 + 30 * SECOND)).toHaveLength(1);
      expect(open().state.health(T0 + MINUTE).breaker).toEqual({ state: "open", until: T0 + 90 * SECOND });
    });
  });

  it("has no failure record kept after re-enabling: the next failures count from one", async ({ expect }) => {
    await withLedger((ledger) => {
      breakIt(ledger, T0);
      ledger.disable("manual", T0 + SECOND);
      ledger.enable(T0 + 2 * SECOND);
      expect(ledger.state.health(T0 + 2 * SECOND)).toMatchObject({
        state: "healthy",
        consecutiveFailures: 0,
        breaker: { state: "closed", until: null },
      });
      for (let i = 0; i < 9; i++) {
        const ref = delivery(T0);
        if (!attempt(ledger, ref, "status", T0 + 3 * SECOND)) fire(ledger, "status", T0 + 3 * SECOND);
      }
      expect(ledger.state.health(T0 + 3 * SECOND)).toMatchObject({
        consecutiveFailures: 9,
        breaker: { state: "closed" },
      });
    });
  });

  it("does not wait for the old receiver's time once its URL is another", async ({ expect }) => {
    await withLedger((ledger) => {
      breakIt(ledger, T0);
      const enabled = { enabled: true, disabledReason: null, disabledAt: null };
      ledger.state.configure({ ...SETTINGS, version: 2, timeout: 5 }, enabled);
      expect(ledger.state.health(T0 + SECOND).breaker.state).toBe("open");
      ledger.state.configure({ ...SETTINGS, version: 3, url: "https://other.example/" }, enabled);
      ledger.admit([delivery(T0)], T0 + SECOND);
      expect(fire(ledger, null, T0 + SECOND)).toHaveLength(1);
      expect(ledger.state.health(T0 + SECOND).breaker.state).toBe("closed");
    });
  });

  it("lets a probe go at once when somebody asks for it, with what is due first, and never a second one", async ({
    expect,
  }) => {
    await withLedger((ledger) => {
      breakIt(ledger, T0);
      // None of what failed is due yet.
      expect(fire(ledger, null, T0 + SECOND)).toEqual([]);
      ledger.probe(T0 + SECOND);
      expect(ledger.state.health(T0 + SECOND).breaker.state).toBe("half-open");
      const [called, ...more] = ledger.release(T0 + SECOND, T0 + SECOND).deliveries;
      expect([called === undefined, more]).toEqual([false, []]);
      ledger.probe(T0 + 2 * SECOND);
      expect(ledger.release(T0 + 2 * SECOND, T0 + 2 * SECOND).deliveries).toEqual([]);
      const [granted] = ledger.admit([called as Delivery], T0 + 2 * SECOND, SLOW).admissions;
      if (granted?.do !== "send") throw new Error("no probe");
      ledger.record([outcomeOf(called as Delivery, granted.attemptId, 2, null, T0 + 2 * SECOND)], T0 + 2 * SECOND);
      expect(ledger.state.health(T0 + 2 * SECOND).breaker.state).toBe("closed");
    });
  });

  it("changes nothing by being asked for a probe while it is closed, the endpoint disabled or to be left alone", async ({
    expect,
  }) => {
    await withLedger((ledger) => {
      attempt(ledger, delivery(T0), "status", T0);
      ledger.probe(T0);
      expect(fire(ledger, null, T0)).toEqual([]);
    });
    await withLedger((ledger) => {
      breakIt(ledger, T0);
      ledger.disable("manual", T0);
      ledger.probe(T0);
      expect(ledger.release(T0, T0).deliveries).toEqual([]);
    });
  });

  it("is never opened by blocked attempts or tests, and a test goes out while it is open", async ({ expect }) => {
    await withLedger((ledger) => {
      for (let i = 0; i < 9; i++) if (!attempt(ledger, delivery(T0), "status", T0)) fire(ledger, "status", T0);
      for (let i = 0; i < 5; i++) {
        attempt(ledger, { ...delivery(T0), test: true }, "status", T0);
        ledger.admit([delivery(T0)], T0);
        expect(fire(ledger, "blocked", T0)).toHaveLength(1);
      }
      expect(ledger.state.health(T0).breaker.state).toBe("closed");
      ledger.admit([delivery(T0)], T0);
      fire(ledger, "status", T0);
      expect(ledger.state.health(T0).breaker.state).toBe("open");
      expect(attempt(ledger, { ...delivery(T0), test: true }, null, T0)).toBe(true);
      expect(ledger.state.health(T0).breaker.state).toBe("open");
    });
  });

  it("is not closed by a test's retry, which keeps no probe from going either", async ({ expect }) => {
    await withLedger((ledger) => {
      const tests = [1, 2].map(() => ({ ...delivery(T0), test: true }));
      for (const test of tests) attempt(ledger, test, "status", T0 - SECOND);
      breakIt(ledger, T0);
      const now = T0 + 30 * SECOND;
      // Theirs is the first turn.
      for (const { id } of tests) expect(fire(ledger, null, now)).toEqual([id]);
      expect(ledger.state.health(now).breaker.state).toBe("half-open");
      expect(fire(ledger, null, now)).toHaveLength(1);
      expect(ledger.state.health(now).breaker.state).toBe("closed");
    });
  });

  it("lets another delivery probe when the probe told nothing of the receiver", async ({ expect }) => {
    await withLedger((ledger) => {
      breakIt(ledger, T0);
      ledger.admit([delivery(T0), delivery(T0), delivery(T0)], T0);
      const now = T0 + 30 * SECOND;
      const [first] = ledger.release(now).deliveries;
      const [probe] = granted(ledger, first ? [first] : [], now);
      ledger.record([{ kind: "unsent", delivery: first ?? delivery(now), attemptId: probe?.attemptId ?? "" }], now);
      expect(ledger.state.health(now).breaker.state).toBe("half-open");
      expect(fire(ledger, "blocked", now)).toHaveLength(1);
      expect(fire(ledger, "status", now)).toHaveLength(1);
      expect(ledger.state.health(now).breaker).toEqual({ state: "open", until: now + MINUTE });
    });
  });

  it("rewrites none of its backlog when it opens, however long that is", async ({ expect }) => {
    const written = async (backlog: number) =>
      withLedger((ledger, _, sql) => {
        for (let i = 0; i < 9; i++) if (!attempt(ledger, delivery(T0), "status", T0)) fire(ledger, "status", T0);
        ledger.admit([delivery(T0)], T0);
        const [last] = ledger.release(T0).deliveries;
        const [probe] = granted(ledger, last ? [last] : [], T0);
        ledger.adopt(
          Array.from({ length: backlog }, () => delivery(T0)),
          0,
          T0,
        );
        const before = sql.rowsWritten;
        ledger.record([outcomeOf(last ?? delivery(T0), probe?.attemptId ?? "", 1, "status", T0)], T0);
        expect(ledger.state.health(T0).breaker.state).toBe("open");
        expect(ledger.nextAlarm(T0)).toBe(T0 + 30 * SECOND);
        expect(fire(ledger, "status", T0 + 30 * SECOND)).toHaveLength(1);
        return sql.rowsWritten - before;
      });
    expect(await written(500)).toBe(await written(1));
  });
});
