import fc from "fast-check";
import { describe, it } from "vitest";
import type { Delivery } from "../../src/contracts/event";
import type { Ledger } from "../../src/endpoint/ledger";
import { quietAfter, quietAfterSuccess, quietUntil } from "../../src/endpoint/policy/quiet";
import { HOUR, SECOND } from "../../src/lib/time";
import { holds } from "../lib/property";
import { attempt, delivery, fire, outcomeOf, SETTINGS, SLOW, T0, withLedger } from "./ledgers";

const ENABLED = { enabled: true, disabledReason: null, disabledAt: null };

/** Lets a delivery go at `now`. */
function granted(ledger: Ledger, ref: Delivery, now = T0): string {
  const [admission] = ledger.admit([ref], now).admissions;
  if (admission?.do !== "send") throw new Error(`${ref.id} is not let through`);
  return admission.attemptId;
}

/** A delivery is answered 429 at `now`, with `Retry-After: seconds`. */
function asks(ledger: Ledger, seconds: number, now = T0): Delivery {
  const ref = delivery(now);
  ledger.record([outcomeOf(ref, granted(ledger, ref, now), 1, "status", now, seconds)], now);
  return ref;
}

function recordOf(ledger: Ledger, { id }: Delivery, now: number) {
  return ledger.reading.look([id], now)[0];
}

describe("the time that a receiver asks for", () => {
  it("is an hour at most, and the longest that was asked for", ({ expect }) => {
    const minute = quietAfter(null, 60, T0);
    expect(quietUntil(minute, T0)).toBe(T0 + 60 * SECOND);
    expect(quietUntil(minute, T0 + 60 * SECOND - 1)).toBe(T0 + 60 * SECOND);
    expect(quietUntil(minute, T0 + 60 * SECOND)).toBeNull();
    expect(quietUntil(quietAfter(minute, 1e20, T0), T0)).toBe(T0 + HOUR);
    expect(quietAfter(minute, 5, T0 + SECOND)).toBe(minute);
    for (const nothing of [null, 0]) {
      expect(quietAfter(null, nothing, T0)).toBeNull();
      expect(quietAfter(minute, nothing, T0)).toBe(minute);
    }
  });

  it("never ends sooner for a further wish, nor for the success of what was under way before", ({ expect }) => {
    holds(
      fc.property(fc.option(fc.nat(100_000)), fc.option(fc.nat(100_000)), fc.nat(10_000), (first, second, later) => {
        const quiet = quietAfter(null, first, T0);
        const then = quietAfter(quiet, second, T0 + later);
        expect(then?.until ?? 0).toBeGreaterThanOrEqual(quiet?.until ?? 0);
        expect((then?.until ?? 0) - T0 - later).toBeLessThanOrEqual(HOUR);
        expect(quietAfterSuccess(quiet, T0 - 1)).toBe(quiet);
        expect(quietAfterSuccess(quiet, T0)).toBeNull();
      }),
      500,
    );
  });
});

describe("an endpoint whose receiver has asked for quiet", () => {
  it("is sent nothing until then: what comes, what was released and what is due waits as asked", ({ expect }) =>
    withLedger((ledger, open) => {
      const older = delivery(T0);
      attempt(ledger, older, "status", T0 - 20 * SECOND); // due at T0 + 10 s
      const released = delivery(T0);
      ledger.adopt([released], 0, T0);
      expect(ledger.release(T0).deliveries).toEqual([released]);
      const its = asks(ledger, 60);
      const end = T0 + 60 * SECOND;
      const fresh = delivery(T0);
      for (const ref of [fresh, released]) expect(ledger.admit([ref], T0).admissions).toMatchObject([{ do: "wait" }]);
      const handedOver = delivery(T0);
      ledger.adopt([handedOver], 0, T0);
      // Its own first message arrives after all.
      expect(ledger.admit([handedOver], T0).admissions).toMatchObject([{ do: "wait" }]);

      const now = T0 + 30 * SECOND;
      for (const seen of [ledger, open()]) {
        for (const ref of [older, fresh, released, handedOver]) {
          expect(recordOf(seen, ref, now)).toMatchObject({ waitReason: "asked", nextAttemptAt: end });
        }
        expect(recordOf(seen, its, now)).toMatchObject({ waitReason: null, nextAttemptAt: end });
        expect(seen.state.health(now)).toMatchObject({ state: "failing", quietUntil: end });
        expect(seen.release(now).deliveries).toEqual([]);
        const next = { version: 1, deliveries: [], ...SLOW };
        expect(seen.record([], now, next)).toMatchObject({ claims: [], shut: true });
        expect(seen.nextAlarm(now)).toBe(end);
      }

      expect(fire(ledger, null, end).toSorted()).toEqual(
        [its, older, fresh, released, handedOver].map(({ id }) => id).toSorted(),
      );
      expect(ledger.state.health(end)).toMatchObject({ state: "healthy", quietUntil: null });
    }));

  it("is not woken before, and not again and again after", ({ expect }) =>
    withLedger((ledger) => {
      asks(ledger, 600);
      for (let i = 0; i < 30; i++) ledger.admit([delivery(T0)], T0);
      let now = T0;
      let wakes = 0;
      while (now < T0 + 600 * SECOND) {
        now = ledger.nextAlarm(now) ?? Number.POSITIVE_INFINITY;
        wakes++;
        if (now < T0 + 600 * SECOND) expect(ledger.release(now).deliveries).toEqual([]);
      }
      expect([now, wakes]).toEqual([T0 + 600 * SECOND, 1]);
      expect(ledger.release(now).deliveries).toHaveLength(25);
    }));

  it("is left alone for an hour at most, and the delivery itself for as long as was asked", ({ expect }) =>
    withLedger((ledger) => {
      const its = asks(ledger, 7_200);
      const other = delivery(T0);
      ledger.admit([other], T0);
      expect(recordOf(ledger, other, T0)).toMatchObject({ waitReason: "asked", nextAttemptAt: T0 + HOUR });
      expect(recordOf(ledger, its, T0)).toMatchObject({ waitReason: null, nextAttemptAt: T0 + 2 * HOUR });
      expect(fire(ledger, null, T0 + HOUR)).toEqual([other.id]);
      expect(ledger.nextAlarm(T0 + HOUR)).toBe(T0 + 2 * HOUR);
    }));

  it("is sent tests, and their answers ask for nothing", ({ expect }) =>
    withLedger((ledger) => {
      asks(ledger, 60);
      const test = { ...delivery(T0), test: true };
      expect(attempt(ledger, test, null, T0)).toBe(true);
      expect(attempt(ledger, delivery(T0), null, T0)).toBe(false);
      ledger.enable(T0);
      const later = T0 + 61 * SECOND;
      const other = { ...delivery(T0), test: true };
      ledger.record([outcomeOf(other, granted(ledger, other, later), 1, "status", later, 600)], later);
      expect(ledger.state.health(later).quietUntil).toBeNull();
    }));

  it("is not sent what was granted before, if it has not begun; a test is", ({ expect }) =>
    withLedger((ledger) => {
      const [waits, test] = [delivery(T0), { ...delivery(T0), test: true }];
      const ids = [granted(ledger, waits), granted(ledger, test)];
      const stands = (now: number) => [waits, test].map((ref, i) => ledger.stands(ref, ids[i] ?? "", 1, now));
      expect(stands(T0)).toEqual([true, true]);
      asks(ledger, 5);
      expect(stands(T0 + SECOND)).toEqual([false, true]);
      expect(stands(T0 + 5 * SECOND)).toEqual([true, true]);
      ledger.record([{ kind: "unsent", delivery: waits, attemptId: ids[0] ?? "" }], T0);
      expect(recordOf(ledger, waits, T0)).toMatchObject({ waitReason: "asked", attempts: 0 });
    }));

  it("waits on when something succeeds that was under way before, and not when it has begun since", ({ expect }) =>
    withLedger((ledger) => {
      const [early, late] = [delivery(T0), delivery(T0)];
      const [first, second] = [granted(ledger, early), granted(ledger, late)];
      asks(ledger, 60);
      const now = T0 + SECOND;
      ledger.record([outcomeOf(early, first, 1, null, T0 - 1)], now);
      expect(ledger.state.health(now)).toMatchObject({ state: "healthy", quietUntil: T0 + 60 * SECOND });
      const waits = delivery(T0);
      expect(ledger.admit([waits], now).admissions).toMatchObject([{ do: "wait" }]);
      ledger.record([outcomeOf(late, second, 1, null, now)], now);
      expect(ledger.state.health(now).quietUntil).toBeNull();
      expect(fire(ledger, null, now)).toEqual([waits.id]);
    }));

  it.for<[what: string, end: (ledger: Ledger) => void]>([
    [
      "another URL",
      (ledger) => ledger.state.configure({ ...SETTINGS, version: 2, url: "https://other.example/" }, ENABLED),
    ],
    [
      "being enabled again",
      (ledger) => {
        ledger.disable("manual", T0);
        ledger.enable(T0);
      },
    ],
  ])("need not wait any more after %s", ([, end], { expect }) =>
    withLedger((ledger) => {
      asks(ledger, 60);
      end(ledger);
      expect(ledger.state.health(T0).quietUntil).toBeNull();
      expect(attempt(ledger, delivery(T0), null, T0)).toBe(true);
    }),
  );

  it("waits on after any other change, and through a breaker that opens meanwhile", ({ expect }) =>
    withLedger((ledger) => {
      const many = Array.from({ length: 12 }, () => delivery(T0));
      const ids = many.map((ref) => granted(ledger, ref));
      asks(ledger, 60);
      ledger.state.configure({ ...SETTINGS, version: 2, timeout: 5 }, ENABLED);
      for (const [i, ref] of many.entries()) {
        ledger.record([outcomeOf(ref, ids[i] ?? "", 1, "timeout", T0)], T0);
      }
      const { breaker, quietUntil } = ledger.state.health(T0);
      expect([breaker, quietUntil]).toEqual([{ state: "open", until: T0 + 30 * SECOND }, T0 + 60 * SECOND]);
      expect(ledger.release(T0 + 31 * SECOND).deliveries).toEqual([]);
      expect(ledger.nextAlarm(T0 + 31 * SECOND)).toBe(T0 + 60 * SECOND);
      expect(fire(ledger, null, T0 + 60 * SECOND)).toHaveLength(1);
    }));

  it("costs no row besides those of the failed attempt", ({ expect }) =>
    withLedger((ledger, _, sql) => {
      const [plain, asking] = [delivery(T0), delivery(T0)];
      const [first, second] = [granted(ledger, plain), granted(ledger, asking)];
      const rowsOf = (change: () => void) => {
        const before = sql.rowsWritten;
        change();
        return sql.rowsWritten - before;
      };
      const without = rowsOf(() => ledger.record([outcomeOf(plain, first, 1, "status", T0)], T0));
      expect(rowsOf(() => ledger.record([outcomeOf(asking, second, 1, "status", T0, 60)], T0))).toBe(without);
    }));
});
