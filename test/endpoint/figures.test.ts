import { describe, it } from "vitest";
import type { DeliveryError, DeliveryStatus } from "../../src/contracts/delivery";
import { acceptedIn, type HourFigures, sumOf, sumsOf } from "../../src/contracts/figures";
import { Ledger } from "../../src/endpoint/ledger";
import { encodeTime } from "../../src/lib/ids";
import type { Sql } from "../../src/lib/sql";
import { DAY, HOUR, MINUTE, SECOND } from "../../src/lib/time";
import { attempt, delivery, fire, outcomeOf, T0, withLedger } from "./ledgers";

/** Adds rows that one hour accepted, one in a hundred of which failed, behind the ledger's back. */
function fill(sql: Sql, count: number, at: number): void {
  sql.all(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
     INSERT INTO deliveries (id, event, status, attempts, code, error, finished, duration)
     SELECT 'dlv_${encodeTime(at)}' || printf('%016d0', i), 'e', iif(i % 100 = 0, 'failed', 'succeeded'), 1,
       iif(i % 100 = 0, 500, 200), iif(i % 100 = 0, 'status', NULL), ${at}, i % 100 FROM n`,
  );
}

const tallies = ({ codes }: HourFigures) => Object.values(codes);

/** What the ledger says of a span, added up. */
function sums(ledger: Ledger, since: number, until: number) {
  return sumsOf(sumOf(Object.values(ledger.reading.figures(since, until).hours).flatMap(tallies)));
}

/** The same as the rows say it, counted by SQLite. */
function counted(sql: Sql): Partial<Record<DeliveryStatus, number>> {
  const rows = sql.all<{ status: DeliveryStatus; n: number }>(
    "SELECT status, count(*) AS n FROM deliveries GROUP BY status",
  );
  return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
}

describe("figures", () => {
  it("count by hour of acceptance: by event type and by the last answer, each delivery once", async ({ expect }) => {
    await withLedger((ledger) => {
      attempt(ledger, { ...delivery(T0), type: "a" }, null, T0);
      attempt(ledger, { ...delivery(T0 + HOUR - 1), type: "b" }, null, T0 + HOUR);
      attempt(ledger, delivery(T0 + HOUR), "status", T0 + HOUR);
      const { hours, ...standing } = ledger.reading.figures(T0, T0 + DAY);
      expect(Object.keys(hours)).toEqual([String(T0), String(T0 + HOUR)]);
      const [first, second] = Object.values(hours) as [HourFigures, HourFigures];
      expect(Object.keys(first.events).sort()).toEqual(["a", "b"]);
      expect(sumsOf(first.codes["200"] ?? [])).toMatchObject({ accepted: 2, succeeded: 2, attempts: 2 });
      expect(sumsOf(second.codes["500"] ?? [])).toMatchObject({ accepted: 1, retrying: 1, attempts: 1 });
      expect(standing).toEqual({ waiting: 1, oldestWaitingAt: T0 + HOUR, held: 0 });
      // The hours that a span touches, whole.
      expect(sums(ledger, T0 + 1, T0 + HOUR).accepted).toBe(2);
      expect(sums(ledger, T0 + HOUR, T0 + HOUR + 1).accepted).toBe(1);
    });
  });

  it("count 30,000 deliveries of a day as 30,000, and read them once", async ({ expect }) => {
    await withLedger((ledger, open, sql) => {
      for (let hour = 0; hour < 24; hour++) fill(sql, 1_250, T0 + hour * HOUR);
      const now = T0 + DAY;
      expect(sums(ledger, T0, now)).toMatchObject({ accepted: 30_000, succeeded: 29_712, failed: 288 });
      expect(ledger.reading.recent(now - 1).counts).toMatchObject({ succeeded: 29_712, failed: 288 });
      let read = sql.rowsRead;
      expect(sums(ledger, T0, now).accepted).toBe(30_000);
      expect(sql.rowsRead - read).toBeLessThan(50);
      // What is over is written down, so that a new object does not read it again.
      const written = sql.rowsWritten;
      ledger.teller.telling(now + HOUR, 0);
      expect(sql.rowsWritten - written).toBe(24);
      const again = open();
      read = sql.rowsRead;
      expect(sums(again, T0, now).accepted).toBe(30_000);
      expect(sql.rowsRead - read).toBeLessThan(100);
    });
  });

  it("are what the rows say after whatever happens to them, in memory and to a new object", async ({ expect }) => {
    await withLedger((ledger, open, sql) => {
      const agree = (of: Ledger) => {
        const { accepted, attempts: _, latency: __, ...statuses } = sums(of, T0 - DAY, T0 + 10 * DAY);
        const rows = counted(sql);
        expect(statuses).toEqual({
          ...{ pending: 0, retrying: 0, succeeded: 0, failed: 0, held: 0, canceled: 0 },
          ...rows,
        });
        expect(accepted).toBe(Object.values(rows).reduce((sum, n) => sum + n, 0));
        const { waiting, held } = of.reading.figures(T0, T0);
        expect({ waiting, held }).toEqual({
          waiting: (rows.pending ?? 0) + (rows.retrying ?? 0),
          held: rows.held ?? 0,
        });
      };
      const both = (now: number) => {
        agree(ledger);
        ledger.teller.telling(now, 0);
        agree(ledger);
        agree(open());
      };
      fill(sql, 300, T0);
      agree(ledger);
      const refs = Array.from({ length: 8 }, (_, i) => delivery(T0 + i * MINUTE));
      for (const [i, ref] of refs.entries()) attempt(ledger, ref, i % 2 ? "status" : null, T0 + i * MINUTE);
      both(T0 + 2 * HOUR);
      // Retries of an hour that is written down: one fails for good, others succeed.
      for (let now = T0 + 2 * HOUR; now < T0 + 3 * DAY; now += HOUR) fire(ledger, "status", now);
      both(T0 + 3 * DAY);
      expect(ledger.resend(refs[1] as { id: string; type: string }, T0 + 3 * DAY)).toBe("resending");
      both(T0 + 3 * DAY);
      fire(ledger, null, T0 + 3 * DAY + SECOND);
      both(T0 + 3 * DAY + MINUTE);
      ledger.disable("manual", T0 + 4 * DAY);
      ledger.admit([delivery(T0 + 4 * DAY), delivery(T0 + 4 * DAY)], T0 + 4 * DAY);
      both(T0 + 4 * DAY);
      ledger.enable(T0 + 4 * DAY);
      ledger.recover({ since: T0, until: T0 + 5 * DAY, statuses: ["held", "failed"], dryRun: false }, T0 + 4 * DAY);
      both(T0 + 4 * DAY);
      ledger.erase([refs[3] as { id: string; type: string }], T0 + 4 * DAY);
      both(T0 + 4 * DAY);
      ledger.close(T0 + 5 * DAY);
      both(T0 + 5 * DAY);
      ledger.trim(T0 + HOUR, T0 + 5 * DAY);
      both(T0 + 5 * DAY);
    });
  });

  it("stay where rows are dropped before their time, and follow what is left", async ({ expect }) => {
    await withLedger((ledger, _, sql) => {
      const waits = delivery(T0 + MINUTE);
      attempt(ledger, waits, "status", T0 + MINUTE);
      fill(sql, 3_000, T0);
      fill(sql, 500, T0 + HOUR);
      const full = () => new Ledger(sql, () => 0, 2_000, 1);
      const dropping = full();
      for (let i = 0; i < 20; i++) dropping.release(T0 + DAY);
      expect(sql.first<{ n: number }>("SELECT count(*) AS n FROM deliveries")?.n).toBeLessThan(100);
      for (const of of [dropping, full()]) {
        expect(sums(of, T0, T0 + DAY)).toMatchObject({ accepted: 3_501, succeeded: 3_465, failed: 35, retrying: 1 });
      }
      fire(dropping, null, T0 + DAY + HOUR);
      for (const of of [dropping, full()]) {
        expect(sums(of, T0, T0 + DAY)).toMatchObject({ accepted: 3_501, succeeded: 3_466, retrying: 0 });
      }
    });
  });

  it("are right again after a change that was rolled back", async ({ expect }) => {
    await withLedger((ledger, open) => {
      attempt(ledger, delivery(T0), null, T0);
      expect(sums(ledger, T0, T0 + HOUR).accepted).toBe(1);
      // As changes.ts does it: what is in memory of the rows goes with the ledger.
      const reopen = ledger.checkpoint();
      const other = reopen();
      expect(sums(other, T0, T0 + HOUR).accepted).toBe(1);
      expect(sums(open(), T0, T0 + HOUR).accepted).toBe(1);
    });
  });

  it("tell apart so many event types, and put the others together", async ({ expect }) => {
    await withLedger((ledger) => {
      for (let i = 0; i < 60; i++) attempt(ledger, { ...delivery(T0), type: `e${i}` }, null, T0);
      const hour = () => ledger.reading.figures(T0, T0 + HOUR).hours[T0] as HourFigures;
      expect(Object.keys(hour().events)).toHaveLength(51);
      expect(sumsOf(hour().events["*"] ?? []).accepted).toBe(10);
      attempt(ledger, { ...delivery(T0), type: "e60" }, "status", T0);
      expect([acceptedIn(hour()), sumsOf(hour().events["*"] ?? []).retrying]).toEqual([61, 1]);
    });
  });
});

describe("a wholly down endpoint", () => {
  it("with 45 deliveries has 45 waiting, and says since when", async ({ expect }) => {
    await withLedger((ledger, open) => {
      for (let i = 0; i < 45; i++) {
        const ref = delivery(T0 + i);
        if (!attempt(ledger, ref, "connection", T0 + i)) ledger.admit([ref], T0 + i, { lane: "slow", room: 6 });
      }
      for (const of of [ledger, open()]) {
        const { waiting, oldestWaitingAt } = of.reading.figures(T0, T0 + HOUR);
        expect([waiting, oldestWaitingAt]).toEqual([45, T0]);
        const { pending, retrying } = sums(of, T0, T0 + HOUR);
        expect(pending + retrying).toBe(45);
      }
    });
  });
});

describe("the last day", () => {
  it("has counts by status and the percentiles of what succeeded, at most a tenth too long", async ({ expect }) => {
    await withLedger((ledger) => {
      const none = { p50: null, p95: null, p99: null };
      expect(ledger.reading.recent(T0).latency).toEqual(none);
      for (let ms = 1; ms <= 100; ms++) {
        const ref = delivery(T0);
        const [admission] = ledger.admit([ref], T0).admissions;
        if (admission?.do !== "send") throw new Error("not admitted");
        const outcome = outcomeOf(ref, admission.attemptId, 1, null, T0);
        if (outcome.kind === "attempted") outcome.attempt.durationMs = ms;
        ledger.record([outcome], T0);
      }
      attempt(ledger, delivery(T0), "status" satisfies DeliveryError, T0);
      const { counts, latency } = ledger.reading.recent(T0 + SECOND);
      expect(counts).toMatchObject({ succeeded: 100, retrying: 1, failed: 0 });
      for (const [name, ms] of [
        ["p50", 50],
        ["p95", 95],
        ["p99", 99],
      ] as const) {
        expect(latency[name]).toBeGreaterThanOrEqual(ms);
        expect(latency[name]).toBeLessThanOrEqual(ms * 1.101);
      }
      expect(ledger.reading.recent(T0 + DAY + HOUR).counts.succeeded).toBe(0);
    });
  });
});
