import { describe, it } from "vitest";
import type { DeliveryFilter } from "../../src/contracts/endpoint";
import { sumOf, sumsOf } from "../../src/contracts/figures";
import { lifetime } from "../../src/endpoint/jobs/expiry";
import { EXPIRE_AT_ONCE } from "../../src/endpoint/jobs/jobs";
import type { Ledger } from "../../src/endpoint/ledger";
import { encodeTime } from "../../src/lib/ids";
import type { Sql } from "../../src/lib/sql";
import { DAY, HOUR, MINUTE, SECOND } from "../../src/lib/time";
import { attempt, delivery, fire, outcomeOf, SCHEDULE, SETTINGS, SLOW, T0, tellOperator, withLedger } from "./ledgers";

const LIFETIME = lifetime(SCHEDULE);
const ANY: DeliveryFilter = { statuses: null, event: null, codes: null, since: null, until: null };
const ENABLED = { enabled: true, disabledReason: null, disabledAt: null };

/** Unfinished rows as a long outage leaves them: every other one tried, all due at T0. */
function backlog(sql: Sql, count: number, began = T0): void {
  sql.all(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
     INSERT INTO deliveries (id, event, status, attempts, due, began)
     SELECT 'dlv_${encodeTime(T0)}' || printf('%016d0', i), 'e', iif(i % 2, 'pending', 'retrying'), i % 2 = 0, ${T0}, ${began}
     FROM n`,
  );
}

function countOf(sql: Sql, where: string): number {
  return sql.first<{ n: number }>(`SELECT count(*) AS n FROM deliveries WHERE ${where}`)?.n ?? 0;
}

/** All that the operator is to be told. */
function toldOf(ledger: Ledger, now: number): { event: string; delivery?: { id: string } }[] {
  const told = ledger.outbox.due(now);
  for (const { id } of told) ledger.outbox.remove(id);
  const parsed = told.map(({ type, data }) => ({ event: type, delivery: JSON.parse(data).delivery }));
  return told.length === 0 ? [] : [...parsed, ...toldOf(ledger, now)];
}

/** Opens the breaker and keeps it open: every alarm is played, and every probe fails, from T0 until `until`. */
function keepFailing(ledger: Ledger, until: number): void {
  for (let i = 0; i < 10; i++) if (!attempt(ledger, delivery(T0), "timeout", T0)) fire(ledger, "timeout", T0);
  let now = T0;
  while (now < until) {
    tellOperator(ledger, now);
    const next = ledger.nextAlarm(now);
    if (next === null) return;
    now = Math.min(next, until);
    fire(ledger, "timeout", now);
  }
}

describe("a delivery that could not be tried", () => {
  it("expires after its whole schedule and 24 h, untried, and the operator is told", async ({ expect }) => {
    expect(LIFETIME).toBe((30 + 120 + 600 + 3_600 + 14_400) * SECOND + DAY);
    await withLedger(
      (ledger) => {
        const many = Array.from({ length: 500 }, () => delivery(T0));
        ledger.adopt(many, 0, T0);
        keepFailing(ledger, T0 + LIFETIME - MINUTE);
        const ids = many.map(({ id }) => id);
        const waits = ledger.reading.look(ids, T0 + LIFETIME - MINUTE).filter((record) => record?.attempts === 0);
        expect(waits.length).toBeGreaterThan(100);
        expect(waits.every((record) => record?.status === "pending" && record.waitReason === "breaker")).toBe(true);
        const now = T0 + LIFETIME + MINUTE;
        ledger.release(now);
        const [expired] = ledger.reading.look([waits[0]?.id ?? ""], now);
        expect(expired).toMatchObject({
          status: "failed",
          lastError: "expired",
          attempts: 0,
          waitReason: null,
          nextAttemptAt: null,
          finishedAt: now,
        });
        const told = toldOf(ledger, now).filter(({ delivery }) => delivery?.id === expired?.id);
        expect(told).toMatchObject([{ event: "delivery.exhausted", delivery: { attempts: 0, lastError: "expired" } }]);
      },
      { disableAfter: 0 },
    );
  });

  it.for<[string, number | null]>([
    ["slots", null],
    ["rate", 1],
  ])("expires as well when it was held back by %s", ([reason, rateLimit], { expect }) =>
    withLedger(
      (ledger) => {
        const all = Array.from({ length: 60 }, () => delivery(T0));
        const first = ledger.admit(all, T0).admissions;
        // Nobody is there to come back with the others.
        const later = all.filter((_, i) => first[i]?.do === "later");
        const admissions = [...first, ...ledger.admit(later, T0).admissions];
        const waiting = admissions.find((admission) => admission.do === "wait")?.id ?? "";
        expect(ledger.reading.look([waiting], T0)[0]?.waitReason).toBe(reason);
        // What can go goes, though it is as old; the rest has waited for too long.
        const late = T0 + LIFETIME + MINUTE;
        const released = ledger.release(late).deliveries.map(({ id }) => id);
        expect(released.length).toBeGreaterThan(0);
        const left = ledger.reading.look(
          all.map(({ id }) => id),
          late,
        );
        const expired = left.filter((record) => record?.lastError === "expired");
        expect(expired.length).toBeGreaterThanOrEqual(10);
        expect(expired.every((record) => record !== null && !released.includes(record.id))).toBe(true);
      },
      { rateLimit },
    ),
  );

  it("is sent, however old, when it can be: an outage of ours ends nothing", async ({ expect }) => {
    await withLedger((ledger, open, sql) => {
      backlog(sql, 100);
      const now = T0 + 3 * DAY;
      // The alarm was due at T0 and fires three days later, after which all but 25 still wait.
      const { deliveries } = ledger.release(now, T0);
      expect(deliveries).toHaveLength(25);
      expect(countOf(sql, "status = 'failed'")).toBe(0);
      for (const ref of deliveries) attempt(ledger, ref, null, now);
      open().release(now + HOUR);
      expect(countOf(sql, "status = 'failed'")).toBe(0);
    });
  });

  it("does not expire while it is held, nor soon after a person has asked for it again", async ({ expect }) => {
    await withLedger((ledger, _, sql) => {
      const [held, asked] = [delivery(T0), delivery(T0)];
      ledger.disable("manual", T0);
      ledger.admit([held, asked], T0);
      const now = T0 + 30 * DAY;
      ledger.release(now);
      expect(ledger.reading.look([held.id], now)[0]?.status).toBe("held");
      ledger.enable(now);
      ledger.resend(asked, now);
      backlog(sql, 100, now);
      ledger.release(now);
      ledger.release(now + LIFETIME - MINUTE);
      expect(countOf(sql, "error = 'expired'")).toBe(0);
      ledger.release(now + LIFETIME + MINUTE);
      expect(countOf(sql, "error = 'expired'")).toBeGreaterThan(0);
    });
  });

  it("expires instead of waiting once more when its message finds the breaker open", async ({ expect }) => {
    await withLedger(
      (ledger) => {
        const refs = Array.from({ length: 12 }, () => delivery(T0));
        ledger.adopt(refs, 0, T0);
        const now = T0 + LIFETIME;
        const { deliveries } = ledger.release(now);
        expect(deliveries).toHaveLength(12);
        expect(deliveries.map((ref) => attempt(ledger, ref, "timeout", now, "slow"))).toEqual([
          ...Array(10).fill(true),
          false,
          false,
        ]);
        const last = ledger.reading.look([deliveries[11]?.id ?? ""], now)[0];
        expect(last).toMatchObject({ status: "failed", lastError: "expired", attempts: 0 });
      },
      { disableAfter: 0 },
    );
  });

  it("is found among 100,000 in steps, each of a bounded size, that the alarm goes on with", async ({ expect }) => {
    await withLedger((ledger, _, sql) => {
      backlog(sql, 5_000);
      ledger.state.configure({ ...SETTINGS, version: 2, rateLimit: 1 }, ENABLED);
      const now = T0 + LIFETIME + HOUR;
      let steps = 0;
      for (; steps < 50 && countOf(sql, "error = 'expired'") < 4_900; steps++) {
        const before = { expired: countOf(sql, "error = 'expired'"), rows: sql.rowsWritten };
        ledger.release(now);
        tellOperator(ledger, now);
        expect(countOf(sql, "error = 'expired'") - before.expired).toBeLessThanOrEqual(EXPIRE_AT_ONCE);
        expect(ledger.nextAlarm(now)).toBeLessThanOrEqual(now + SECOND);
      }
      expect(steps).toBeLessThanOrEqual(11);
    });
  });
});

describe("what a waiting delivery says", () => {
  it("is told from how things stand, also for what was adopted or recovered, without a row written", async ({
    expect,
  }) => {
    await withLedger((ledger, _, sql) => {
      const adopted = Array.from({ length: 30 }, () => delivery(T0));
      ledger.adopt(adopted, 0, T0);
      const written = sql.rowsWritten;
      const reasons = (now: number) => {
        const records = ledger.reading.look(
          adopted.map(({ id }) => id),
          now,
        );
        return new Set(records.map((record) => record?.waitReason ?? null));
      };
      expect(reasons(T0)).toEqual(new Set([null]));
      const { deliveries } = ledger.release(T0);
      // What is on its way holds no slot, and what is not waits for none yet.
      expect(reasons(T0)).toEqual(new Set([null]));
      const { admissions } = ledger.admit(deliveries, T0);
      expect(reasons(T0)).toEqual(new Set([null, "slots"]));
      expect(sql.rowsWritten - written).toBeGreaterThan(0);
      const before = sql.rowsWritten;
      ledger.state.configure({ ...SETTINGS, version: 2, rateLimit: 1 }, ENABLED);
      const rows = sql.rowsWritten - before; // the settings
      for (const [i, admission] of admissions.slice(0, 3).entries()) {
        const ref = deliveries[i];
        if (admission.do !== "send" || ref === undefined) throw new Error("not admitted");
        ledger.record([outcomeOf(ref, admission.attemptId, 1, "status", T0 + SECOND)], T0 + SECOND);
      }
      expect(rows).toBe(1);
      expect(ledger.release(T0 + SECOND).deliveries).toHaveLength(1);
      expect(reasons(T0 + SECOND).has("rate")).toBe(true);
      expect(ledger.reading.list(ANY, 50, null, T0 + SECOND).deliveries.map(({ waitReason }) => waitReason)).toContain(
        "rate",
      );
    });
  });

  it("is its rate for what was adopted and is due, beyond what the rate lets go", async ({ expect }) => {
    await withLedger(
      (ledger) => {
        const adopted = Array.from({ length: 3 }, () => delivery(T0));
        ledger.adopt(adopted, 0, T0);
        expect(ledger.release(T0).deliveries).toEqual(adopted.slice(0, 1));
        const records = ledger.reading.look(
          adopted.map(({ id }) => id),
          T0,
        );
        expect(records.map((record) => record?.waitReason)).toEqual([null, "rate", "rate"]);
      },
      { rateLimit: 1 },
    );
  });

  it("is slow once the endpoint has begun to fail, also for a retry that is on its way", async ({ expect }) => {
    await withLedger((ledger) => {
      const a = delivery(T0);
      attempt(ledger, a, "timeout", T0);
      expect(ledger.reading.look([a.id], T0)[0]).toMatchObject({ status: "retrying", waitReason: null });
      const now = T0 + 30 * SECOND;
      expect(ledger.reading.look([a.id], now)[0]?.waitReason).toBe("slow");
      expect(ledger.release(now)).toMatchObject({ lane: "slow", deliveries: [a] });
      expect(ledger.reading.look([a.id], now)[0]).toMatchObject({ waitReason: "slow", nextAttemptAt: null });
      expect(ledger.admit([a], now, SLOW).admissions).toMatchObject([{ do: "send" }]);
      expect(ledger.reading.look([a.id], now)[0]).toMatchObject({ waitReason: null, nextAttemptAt: null });
    });
  });
});

describe("an attempt that hangs", () => {
  it("sends later deliveries to the slow lane before it times out, until one answers", async ({ expect }) => {
    await withLedger((ledger) => {
      const [hanging, later] = [delivery(T0), delivery(T0)];
      const [admission] = ledger.admit([hanging], T0).admissions;
      if (admission?.do !== "send") throw new Error("not admitted");
      const { attemptId, leasedUntil } = admission;
      ledger.lag([{ delivery: hanging, attemptId, leasedUntil }], T0 + 5 * SECOND);
      expect(ledger.admit([later], T0 + 6 * SECOND).admissions).toMatchObject([{ do: "wait" }]);
      expect(ledger.reading.look([later.id], T0 + 6 * SECOND)[0]?.waitReason).toBe("slow");
      expect(ledger.release(T0 + 6 * SECOND)).toMatchObject({ lane: "slow", deliveries: [later] });
      // It has answered after all.
      ledger.record([outcomeOf(hanging, attemptId, 1, null, T0)], T0 + 7 * SECOND);
      expect(ledger.admit([delivery(T0)], T0 + 8 * SECOND).admissions).toMatchObject([{ do: "send" }]);
      // Told of too late: it has ended.
      ledger.lag([{ delivery: hanging, attemptId, leasedUntil }], T0 + 8 * SECOND);
      expect(ledger.admit([delivery(T0)], T0 + 8 * SECOND).admissions).toMatchObject([{ do: "send" }]);
      // What nothing is heard of any more counts no longer than its timeout.
      const lost = delivery(T0);
      const [grant] = ledger.admit([lost], T0 + 10 * SECOND).admissions;
      if (grant?.do !== "send") throw new Error("not admitted");
      ledger.lag([{ delivery: lost, attemptId: grant.attemptId, leasedUntil: grant.leasedUntil }], T0 + 10 * SECOND);
      expect(ledger.admit([delivery(T0)], T0 + 19 * SECOND).admissions).toMatchObject([{ do: "wait" }]);
      expect(ledger.admit([delivery(T0)], T0 + 20 * SECOND).admissions).toMatchObject([{ do: "send" }]);
    });
  });
});

describe("disabling an endpoint with 100,000 unfinished deliveries", () => {
  it("holds them in steps of a bounded size, and nobody sees the steps", async ({ expect }) => {
    await withLedger((ledger, open, sql) => {
      backlog(sql, 10_000);
      const written = sql.rowsWritten;
      ledger.disable("manual", T0 + HOUR);
      expect(sql.rowsWritten - written).toBeLessThanOrEqual(5 * 2_000);
      expect(countOf(sql, "status = 'held'")).toBe(2_000);
      const again = open();
      expect(again.nextAlarm(T0 + HOUR)).toBe(T0 + HOUR + 1);
      const filter = { ...ANY, statuses: ["held" as const] };
      const { deliveries } = again.reading.list(filter, 1_000, null, T0 + HOUR);
      expect(deliveries).toHaveLength(1_000);
      expect(deliveries[0]).toMatchObject({ status: "held", nextAttemptAt: null, waitReason: null });
      expect(again.reading.list({ ...ANY, statuses: ["pending"] }, 50, null, T0).deliveries).toEqual([]);
      const { hours, ...standing } = again.reading.figures(T0, T0 + HOUR);
      const { held, pending, retrying } = sumsOf(sumOf(Object.values(hours[T0]?.codes ?? {})));
      expect([held, pending, retrying]).toEqual([10_000, 0, 0]);
      expect(standing).toEqual({ waiting: 0, oldestWaitingAt: null, held: 10_000 });
      const span = { since: 0, until: T0 + HOUR, statuses: ["held" as const], dryRun: true };
      expect(again.recover(span, T0 + HOUR)).toMatchObject({ count: 10_000 });
      // Enabled before all are held: those that were there stay held, a new one goes out, and a recovery gets all.
      again.enable(T0 + HOUR);
      expect(again.recover({ ...span, dryRun: false }, T0 + HOUR)).toMatchObject({ count: 10_000 });
      expect(attempt(again, delivery(T0 + HOUR), null, T0 + HOUR)).toBe(true);
      const fresh = delivery(T0 + HOUR);
      again.adopt([fresh], 0, T0 + HOUR);
      expect(again.reading.look([fresh.id], T0 + HOUR)[0]?.status).toBe("pending");
      expect(again.release(T0 + HOUR).deliveries).toEqual([]);
      let rounds = 0;
      while (countOf(sql, "status = 'held'") > 0 || rounds < 5) {
        const before = sql.rowsWritten;
        again.release(T0 + HOUR + ++rounds);
        expect(sql.rowsWritten - before).toBeLessThanOrEqual(10 * 2_000);
        expect(rounds).toBeLessThan(20);
      }
      expect(countOf(sql, "status IN ('pending', 'retrying') AND due IS NOT NULL AND manual = 1")).toBe(10_000);
      expect(again.reading.look([fresh.id], T0 + HOUR)[0]?.status).toBe("pending");
    });
  });

  it("sends none of them meanwhile, though their messages arrive", async ({ expect }) => {
    await withLedger((ledger, _, sql) => {
      const refs = Array.from({ length: 20 }, () => delivery(T0 + MINUTE));
      backlog(sql, 3_000);
      ledger.adopt(refs, 0, T0);
      const queued = ledger.release(T0 + 2 * MINUTE).deliveries;
      ledger.disable("manual", T0 + HOUR);
      expect(ledger.admit([...queued, ...refs], T0 + HOUR).admissions.every((one) => one.do === "wait")).toBe(true);
      ledger.enable(T0 + HOUR);
      expect(ledger.admit([...queued, ...refs], T0 + HOUR).admissions.every((one) => one.do === "wait")).toBe(true);
      for (let now = T0 + HOUR + 1; ledger.nextAlarm(now) !== null && now < T0 + HOUR + 20; now++) {
        tellOperator(ledger, now);
        ledger.state.mirrored(true, now);
        expect(ledger.release(now).deliveries).toEqual([]);
      }
      expect(countOf(sql, "status = 'held' AND due IS NULL")).toBe(3_020);
    });
  });

  it("cancels them in steps when it is deleted", async ({ expect }) => {
    await withLedger((ledger, open, sql) => {
      backlog(sql, 5_000);
      ledger.close(T0 + HOUR);
      expect(countOf(sql, "status = 'canceled'")).toBeLessThanOrEqual(2_000);
      const last = sql.first<{ id: string }>("SELECT id FROM deliveries ORDER BY id DESC LIMIT 1")?.id ?? "";
      expect(ledger.reading.look([last], T0 + HOUR)[0]).toMatchObject({ status: "canceled", finishedAt: T0 + HOUR });
      const again = open();
      for (let now = T0 + HOUR; again.nextAlarm(now) !== null && now < T0 + HOUR + 20; now++) again.release(now);
      expect(countOf(sql, "status = 'canceled' AND due IS NULL")).toBe(5_000);
    });
  });
});
