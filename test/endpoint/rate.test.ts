import fc from "fast-check";
import { describe, it } from "vitest";
import type { Ledger } from "../../src/endpoint/ledger";
import { SLOTS } from "../../src/endpoint/policy/admission";
import {
  type Bucket,
  bucketAfterLoss,
  filled,
  fullBucket,
  taken,
  tokensAt,
  tokensOf,
} from "../../src/endpoint/policy/rate";
import { MINUTE, SECOND } from "../../src/lib/time";
import { holds } from "../lib/property";
import { attempt, delivery, outcomeOf, SETTINGS, T0, withLedger } from "./ledgers";

/** Whether no window sees more sends than the rate allows it, and one burst. */
function keepsTo(rate: number, sends: readonly number[]): boolean {
  return sends.every((from, i) => sends.slice(i).every((until, n) => n + 1 <= rate * ((until - from) / SECOND) + rate));
}

describe("the bucket", () => {
  it("never lets more than rate * t + one burst through in any window, whatever is asked when", ({ expect }) => {
    holds(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.tuple(fc.oneof(fc.nat(50), fc.nat(1_500)), fc.nat(40), fc.boolean()), { maxLength: 40 }),
        (rate, schedule) => {
          let now = T0;
          let bucket: Bucket = fullBucket(rate, now);
          let sentUntil = 0;
          const sends: number[] = [];
          for (const [wait, asked, lost] of schedule) {
            now += wait;
            bucket = lost ? bucketAfterLoss(rate, sentUntil, now) : filled(bucket, rate, now);
            for (let i = 0; i < asked && tokensOf(bucket) > 0; i++) {
              bucket = taken(bucket);
              sends.push(now);
              if (now >= sentUntil) sentUntil = now + 10 * SECOND;
            }
          }
          expect(keepsTo(rate, sends)).toBe(true);
        },
      ),
      1_000,
    );
  });

  it("names the first ms at which there are so many tokens", ({ expect }) => {
    holds(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.nat(1_000_000), fc.nat(1_200), (rate, level, count) => {
        const bucket = { level: level % (rate * 1_000), at: T0 };
        const at = tokensAt(bucket, rate, count);
        expect(at === null).toBe(count > rate);
        if (at === null) return;
        expect(tokensOf(filled(bucket, rate, at))).toBeGreaterThanOrEqual(count);
        if (at > T0) expect(tokensOf(filled(bucket, rate, at - 1))).toBeLessThan(count);
      }),
      1_000,
    );
  });

  it("is not filled by a clock that goes back", ({ expect }) => {
    const empty = { level: 0, at: T0 };
    expect(filled(filled(empty, 10, T0 - MINUTE), 10, T0)).toEqual(empty);
  });
});

describe("an endpoint with a rate limit", () => {
  /** Plays alarm, queue and receiver from `from` on until nothing is due; answers when each request went out. */
  function drain(ledger: Ledger, from: number, latency: number, until: number): number[] {
    const sends: number[] = [];
    let now = from;
    const arriving: { at: number; refs: { id: string; type: string }[] }[] = [];
    while (now < until) {
      const { deliveries } = ledger.release(now);
      if (deliveries.length > 0) arriving.push({ at: now + latency, refs: deliveries });
      while ((arriving[0]?.at ?? Number.POSITIVE_INFINITY) <= now) {
        for (const ref of arriving.shift()?.refs ?? []) if (attempt(ledger, ref, null, now)) sends.push(now);
      }
      const next = Math.min(
        ledger.nextAlarm(now) ?? Number.POSITIVE_INFINITY,
        arriving[0]?.at ?? Number.POSITIVE_INFINITY,
      );
      if (next === Number.POSITIVE_INFINITY) return sends;
      now = Math.max(next, now + 1);
    }
    return sends;
  }

  it("lets what is over the rate wait as a row, due when a token is free, with no attempt used", async ({ expect }) => {
    await withLedger(
      (ledger) => {
        const all = Array.from({ length: 5 }, () => delivery(T0));
        const { admissions } = ledger.admit(all, T0);
        expect(admissions.map((admission) => admission.do)).toEqual(["send", "send", "wait", "wait", "wait"]);
        const third = all[2] as { id: string; type: string };
        expect(ledger.reading.look([third.id], T0)[0]).toMatchObject({
          status: "pending",
          waitReason: "rate",
          attempts: 0,
          nextAttemptAt: T0 + SECOND / 2,
        });
        expect(ledger.nextAlarm(T0)).toBe(T0 + SECOND / 2);
        expect(ledger.release(T0 + SECOND / 2 - 1).deliveries).toEqual([]);
        expect(ledger.release(T0 + SECOND / 2).deliveries).toHaveLength(1);
        expect(ledger.release(T0 + SECOND / 2).deliveries).toEqual([]);
      },
      { rateLimit: 2 },
    );
  });

  it("is never sent more than its rate and one burst, over alarms, a slow queue and lost memory", async ({
    expect,
  }) => {
    for (const [rate, latency] of [
      [1, 700],
      [7, 0],
      [20, 300],
    ] as const) {
      await withLedger(
        (ledger, open) => {
          const all = Array.from({ length: 12 * rate }, () => delivery(T0));
          const sends = all.filter((ref) => attempt(ledger, ref, null, T0)).map(() => T0);
          expect(sends).toHaveLength(rate);
          sends.push(...drain(ledger, T0, latency, T0 + 2 * SECOND));
          sends.push(...drain(open(), T0 + 2 * SECOND, latency, T0 + 5 * MINUTE));
          expect(keepsTo(rate, sends)).toBe(true);
          const records = ledger.reading.look(
            all.map(({ id }) => id),
            T0,
          );
          expect(records.every((record) => record?.status === "succeeded" && record.attempts === 1)).toBe(true);
        },
        { rateLimit: rate },
      );
    }
  });

  it("sends a new delivery at once when it has been quiet, also after it lost its memory", async ({ expect }) => {
    await withLedger(
      (ledger, open) => {
        expect(attempt(ledger, delivery(T0), null, T0)).toBe(true);
        // Lost at once: what was sent is not known, so the bucket is taken for empty.
        expect(attempt(open(), delivery(T0), null, T0)).toBe(false);
        expect(attempt(open(), delivery(T0), null, T0 + MINUTE)).toBe(false); // one waits already
        const quiet = open();
        drain(quiet, T0 + MINUTE, 0, T0 + 2 * MINUTE);
        expect(attempt(open(), delivery(T0), null, T0 + 3 * MINUTE)).toBe(true);
      },
      { rateLimit: 1 },
    );
  });

  it("does not let new deliveries overtake those that wait", async ({ expect }) => {
    await withLedger(
      (ledger) => {
        const [a, b, c] = [delivery(T0), delivery(T0), delivery(T0)];
        ledger.admit([a, b], T0);
        expect(attempt(ledger, c, null, T0 + SECOND)).toBe(false);
        expect(ledger.release(T0 + SECOND).deliveries).toEqual([b]);
        expect(attempt(ledger, delivery(T0), null, T0 + SECOND)).toBe(false);
        expect(attempt(ledger, b, null, T0 + SECOND)).toBe(true);
      },
      { rateLimit: 1 },
    );
  });

  it("lets a released delivery wait once more when the rate was lowered meanwhile", async ({ expect }) => {
    await withLedger(
      (ledger, open) => {
        const all = Array.from({ length: 8 }, () => delivery(T0));
        for (const ref of all) attempt(ledger, ref, null, T0);
        const { deliveries } = ledger.release(T0 + SECOND);
        expect(deliveries).toHaveLength(4);
        const after = open();
        after.state.configure(
          { ...SETTINGS, rateLimit: 1, version: 2 },
          { enabled: true, disabledReason: null, disabledAt: null },
        );
        const { admissions } = after.admit(deliveries, T0 + SECOND);
        expect(admissions.map((admission) => admission.do)).toEqual(["wait", "wait", "wait", "wait"]);
        expect(after.reading.look([deliveries[0]?.id ?? ""], T0)[0]).toMatchObject({
          status: "pending",
          waitReason: "rate",
          attempts: 0,
        });
        expect(drain(after, T0 + SECOND, 0, T0 + MINUTE)).toHaveLength(4);
      },
      { rateLimit: 4 },
    );
  });

  it("writes one row more in ten seconds of sending, and none without a limit", async ({ expect }) => {
    for (const [rateLimit, rows] of [
      [1_000, 21],
      [null, 20],
    ] as const) {
      await withLedger(
        (ledger, _, sql) => {
          const before = sql.rowsWritten;
          for (let i = 0; i < 20; i++) attempt(ledger, delivery(T0), null, T0 + i * 100);
          expect(sql.rowsWritten - before).toBe(rows);
        },
        { rateLimit },
      );
    }
  });

  it("is still sent no more at once than there are slots", async ({ expect }) => {
    await withLedger(
      (ledger) => {
        const all = Array.from({ length: 40 }, () => delivery(T0));
        const { admissions } = ledger.admit(all, T0);
        const sent = admissions.filter((admission) => admission.do === "send");
        expect(sent).toHaveLength(SLOTS);
        ledger.admit(all.slice(SLOTS), T0);
        const [first] = sent;
        if (first?.do !== "send") throw new Error("not admitted");
        ledger.record([outcomeOf({ id: first.id, type: "e" }, first.attemptId, 1, null, T0)], T0);
        expect(ledger.release(T0 + 1).deliveries).toHaveLength(1);
      },
      { rateLimit: 1_000 },
    );
  });
});
