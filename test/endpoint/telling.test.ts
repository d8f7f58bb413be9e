import { describe, it } from "vitest";
import { acceptedIn, type Figures } from "../../src/contracts/figures";
import type { Ledger } from "../../src/endpoint/ledger";
import { BY_ALARM, type Change, ENOUGH, isEnough, type LastTold, turnOf } from "../../src/endpoint/policy/telling";
import { afterFailed, failedLately } from "../../src/endpoint/policy/tries";
import { DAY, HOUR, MINUTE, SECOND } from "../../src/lib/time";
import { attempt, delivery, fire, SLOW, T0, withLedger } from "./ledgers";

const TOLD: LastTold = { at: T0, before: T0 - HOUR, state: "healthy", waiting: 0, held: 0 };
const SAME: Change = { state: "healthy", waiting: 0, held: 0, changes: 0, credit: 0, late: false };

describe("when D1 is told how an endpoint fares", () => {
  it.for<[string, LastTold | null, Partial<Change>, ReturnType<typeof turnOf>]>([
    ["nothing has changed", TOLD, {}, null],
    ["nothing was delivered yet", null, {}, null],
    ["something was, for the first time", null, { changes: 1 }, { at: 0, alarm: false }],
    ["it begins to fail", TOLD, { state: "failing", waiting: 1 }, { at: T0, alarm: true }],
    ["the first waits", TOLD, { waiting: 1 }, { at: T0, alarm: true }],
    ["none waits any more", { ...TOLD, waiting: 3 }, {}, { at: T0, alarm: true }],
    [
      "it does so twice within a minute",
      { ...TOLD, before: T0 - SECOND, waiting: 3 },
      {},
      { at: T0 + MINUTE, alarm: true },
    ],
    [
      "it is well again and some still waits",
      { ...TOLD, state: "failing", waiting: 3 },
      { waiting: 2 },
      { at: T0 + MINUTE, alarm: true },
    ],
    ["more waits", { ...TOLD, waiting: 3 }, { waiting: 45 }, { at: T0 + MINUTE, alarm: true }],
    ["figures of earlier days change", TOLD, { late: true }, { at: T0 + MINUTE, alarm: false }],
    ["few are delivered", TOLD, { changes: 99, credit: 99 }, { at: T0 + DAY, alarm: false }],
    ["a hundred are", TOLD, { changes: 100, credit: 199 }, { at: T0 + MINUTE, alarm: false }],
    ["a few are after many", TOLD, { changes: 1, credit: BY_ALARM }, { at: T0 + MINUTE, alarm: true }],
    [
      "it goes on failing",
      { ...TOLD, state: "failing", waiting: 1 },
      { state: "failing", waiting: 1, changes: 1 },
      { at: T0 + 10 * MINUTE, alarm: false },
    ],
  ])("%s", ([, told, change, turn], { expect }) => {
    expect(turnOf(told, { ...SAME, ...change })).toEqual(turn);
  });

  it("is a week for a few and a day for more", ({ expect }) => {
    expect(isEnough(TOLD, ENOUGH, T0 + DAY)).toBe(true);
    expect(isEnough(TOLD, ENOUGH - 1, T0 + DAY)).toBe(false);
    expect(isEnough(TOLD, 1, T0 + 7 * DAY)).toBe(true);
  });

  it("counts the failed attempts of the last hour", ({ expect }) => {
    let failed = afterFailed([], T0);
    for (let i = 1; i <= 10; i++) failed = afterFailed(failed, T0 + i * MINUTE);
    expect(failedLately(failed, T0 + 10 * MINUTE)).toBe(11);
    expect(failedLately(failed, T0 + 62 * MINUTE)).toBe(6);
    expect(afterFailed(failed, T0 + 2 * HOUR)).toEqual([[T0 + 2 * HOUR, 1]]);
  });
});

/** What D1 has of one endpoint. */
class Copy {
  hours: Figures = {};
  from = 0;
  readonly parts = new Map<number, Figures>();
  times = 0;

  /** Tells it whenever that is due. */
  listen(ledger: Ledger, now: number): void {
    if (!ledger.teller.isDue(now)) return;
    const { then, hours, from, over } = ledger.teller.telling(now, 0);
    this.hours = hours;
    this.from = from;
    for (const part of over) this.parts.set(part.from, part.hours);
    ledger.teller.told(then);
    this.times++;
  }

  get accepted(): number {
    const hours = [...this.parts.values(), this.hours].flatMap((figures) => Object.values(figures));
    return hours.reduce((sum, hour) => sum + acceptedIn(hour), 0);
  }
}

describe("the copy in D1", () => {
  it("has every delivery of a burst a minute after its end, and each tells a row of the object", async ({ expect }) => {
    await withLedger((ledger, _, sql) => {
      const copy = new Copy();
      let now = T0;
      for (let i = 0; i < 3_000; i++) {
        now = T0 + i * 100;
        attempt(ledger, delivery(now), null, now);
        copy.listen(ledger, now);
      }
      const alarm = ledger.nextAlarm(now);
      expect(alarm).not.toBeNull();
      expect((alarm as number) - now).toBeLessThanOrEqual(MINUTE);
      const written = sql.rowsWritten;
      copy.listen(ledger, alarm as number);
      expect(sql.rowsWritten - written).toBe(1);
      expect(copy.accepted).toBe(3_000);
      // Five minutes of ten a second.
      expect(copy.times).toBeLessThanOrEqual(7);
      expect(ledger.nextAlarm(alarm as number)).toBeNull();
    });
  });

  it("is told of a few at most once a day, and without an alarm", async ({ expect }) => {
    await withLedger((ledger, open) => {
      const copy = new Copy();
      let current = ledger;
      for (let hour = 0; hour < 10 * 24; hour++) {
        const now = T0 + hour * HOUR;
        attempt(current, delivery(now), null, now);
        copy.listen(current, now);
        // Its object leaves memory in between.
        current = open();
        expect(current.nextAlarm(now)).toBeNull();
      }
      expect(copy.times).toBeLessThanOrEqual(11);
      expect(copy.accepted).toBeGreaterThanOrEqual(10 * 24 - 24);
    });
  });

  it("shows at once that an endpoint fails, and then once a minute how much waits", async ({ expect }) => {
    await withLedger((ledger) => {
      const copy = new Copy();
      attempt(ledger, delivery(T0), null, T0);
      copy.listen(ledger, T0);
      const begin = T0 + HOUR;
      let times = copy.times;
      attempt(ledger, delivery(begin), "status", begin);
      copy.listen(ledger, begin);
      expect(copy.times).toBe(times + 1);
      const { state, failingSince, waiting, lastSuccessAt, lastFailure, failedShare } = ledger.teller.summary(begin);
      expect({ state, failingSince, waiting, lastSuccessAt, lastFailure, failedShare }).toEqual({
        state: "failing",
        failingSince: begin,
        waiting: 1,
        lastSuccessAt: T0,
        lastFailure: { at: begin, statusCode: 500, error: "status" },
        failedShare: 0.5,
      });
      times = copy.times;
      for (let second = 1; second <= 44; second++) {
        const now = begin + second * SECOND;
        const ref = delivery(now);
        if (!attempt(ledger, ref, "status", now)) ledger.admit([ref], now, SLOW);
        copy.listen(ledger, now);
      }
      expect(copy.times - times).toBeLessThanOrEqual(1);
      copy.listen(ledger, begin + 2 * MINUTE);
      expect(ledger.teller.summary(begin + 2 * MINUTE).waiting).toBe(45);
      expect(ledger.teller.turn(begin + 2 * MINUTE)?.alarm ?? false).toBe(false);
    });
  });

  it("knows the last success of before the object woke, also where it has stored an earlier one", async ({
    expect,
  }) => {
    await withLedger((ledger, open) => {
      attempt(ledger, delivery(T0), "status", T0);
      attempt(ledger, delivery(T0 + 1), null, T0 + 1);
      attempt(open(), delivery(T0 + HOUR), null, T0 + HOUR);
      const again = open();
      attempt(again, delivery(T0 + DAY), "status", T0 + DAY);
      expect(again.teller.summary(T0 + DAY).lastSuccessAt).toBe(T0 + HOUR);
      expect(open().teller.summary(T0 + DAY).lastSuccessAt).toBe(T0 + HOUR);
    });
  });

  it("has a day that is over as a part, and anew once something of it changes", async ({ expect }) => {
    await withLedger(
      (ledger, open) => {
        const copy = new Copy();
        attempt(ledger, delivery(T0), "status", T0);
        attempt(ledger, delivery(T0 + 1), null, T0 + 1);
        copy.listen(ledger, T0 + MINUTE);
        const later = T0 + 3 * DAY;
        for (let i = 0; i < ENOUGH; i++) attempt(ledger, delivery(later), null, later);
        copy.listen(ledger, later);
        expect(copy.from).toBe(later - DAY);
        const [part] = copy.parts.values();
        expect(Object.keys(part?.[T0]?.codes ?? {}).sort()).toEqual(["200", "500"]);
        expect(copy.accepted).toBe(2 + ENOUGH);
        const again = open();
        for (let now = later; now < later + 10 * MINUTE; now += MINUTE) {
          fire(again, null, now);
          copy.listen(again, now);
        }
        expect(Object.keys([...copy.parts.values()][0]?.[T0]?.codes ?? {})).toEqual(["200"]);
        expect(copy.accepted).toBe(2 + ENOUGH);
      },
      { retry: [3 * 86_400] },
    );
  });
});
