import { describe, it } from "vitest";
import type { DeliveryStatus } from "../../src/contracts/delivery";
import type { RecoverRequest } from "../../src/contracts/endpoint";
import { AT_ONCE, COUNT_MOST, MOST_RECOVERIES } from "../../src/endpoint/jobs/jobs";
import type { Ledger } from "../../src/endpoint/ledger";
import { SLOTS } from "../../src/endpoint/policy/admission";
import { encodeTime } from "../../src/lib/ids";
import type { Sql } from "../../src/lib/sql";
import { HOUR, MINUTE, SECOND } from "../../src/lib/time";
import { attempt, delivery, T0, withLedger } from "./ledgers";

const ALL: RecoverRequest = { since: T0, until: T0 + HOUR, statuses: ["failed", "held"], dryRun: false };

/** Deliveries of a long outage: every other one held, the rest failed, each with a log of some size. */
function outage(sql: Sql, count: number): void {
  sql.all(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
     INSERT INTO deliveries (id, event, status, attempts, code, finished, log)
     SELECT 'dlv_${encodeTime(T0)}' || printf('%016d0', i), 'e', iif(i % 2, 'held', 'failed'), i % 2 = 0, 500,
       iif(i % 2, NULL, ${T0}), '[]' FROM n`,
  );
}

function countOf(sql: Sql, where: string): number {
  return sql.first<{ n: number }>(`SELECT count(*) AS n FROM deliveries WHERE ${where}`)?.n ?? 0;
}

/** Plays alarm and receiver, each round a second; answers the ids in the order in which they were sent. */
function leave(ledger: Ledger, from: number, rounds: number): { sent: string[]; most: number; now: number } {
  const sent: string[] = [];
  let [most, now] = [0, from];
  for (let round = 0; round < rounds && ledger.nextAlarm(now) !== null; round++) {
    now = Math.max(now + 1, ledger.nextAlarm(now) ?? now);
    const { deliveries } = ledger.release(now);
    most = Math.max(most, deliveries.length);
    sent.push(...deliveries.filter((ref) => attempt(ledger, ref, null, now)).map(({ id }) => id));
  }
  return { sent, most, now };
}

describe("a recovery of 10,000 deliveries", () => {
  it("leaves oldest first, within the slots, each once, though the object is evicted half way", async ({ expect }) => {
    await withLedger((ledger, open, sql) => {
      outage(sql, 10_000);
      expect(ledger.recover(ALL, T0 + HOUR)).toMatchObject({ count: 10_000 });
      // Not all is due at once: the first eviction comes before the rest of it is.
      expect(countOf(sql, "status IN ('failed', 'held')")).toBe(10_000 - AT_ONCE);
      const first = leave(ledger, T0 + HOUR, 2);
      const second = leave(open(), first.now, 200);
      const third = leave(open(), second.now, 1_000);
      const sent = [...first.sent, ...second.sent, ...third.sent];
      expect(Math.max(first.most, second.most, third.most)).toBe(SLOTS);
      expect(sent).toHaveLength(10_000);
      expect(sent).toEqual([...new Set(sent)].sort());
      expect(countOf(sql, "status = 'succeeded'")).toBe(10_000);
      expect(open().nextAlarm(third.now)).toBeNull();
    });
  });

  it("puts no more onto the queue than there are slots, those counted that are on their way", async ({ expect }) => {
    await withLedger((ledger, _, sql) => {
      outage(sql, 3 * SLOTS);
      ledger.recover(ALL, T0 + HOUR);
      const first = ledger.release(T0 + HOUR + 1).deliveries;
      expect(first).toHaveLength(SLOTS);
      expect(ledger.release(T0 + HOUR + 2).deliveries).toEqual([]);
      for (const ref of first.slice(0, 10)) attempt(ledger, ref, null, T0 + HOUR + 3);
      expect(ledger.release(T0 + HOUR + 4).deliveries).toHaveLength(10);
    });
  });

  it("leaves within the rate", async ({ expect }) => {
    await withLedger(
      (ledger, _, sql) => {
        outage(sql, 10_000);
        ledger.recover(ALL, T0 + HOUR);
        const { sent, now } = leave(ledger, T0 + HOUR, 200);
        expect(sent.length).toBeGreaterThan(100);
        expect(sent.length).toBeLessThanOrEqual(20 * ((now - T0 - HOUR) / SECOND) + 20);
      },
      { rateLimit: 20 },
    );
  });

  it("makes due what was meant and no more: not what fails later, and nothing twice", async ({ expect }) => {
    await withLedger(
      (ledger, _, sql) => {
        outage(sql, AT_ONCE + 10);
        ledger.recover(ALL, T0 + HOUR);
        const late = delivery(T0 + 1);
        attempt(ledger, late, "redirect", T0 + HOUR + 1);
        const { deliveries } = ledger.release(T0 + HOUR + 2);
        for (const ref of deliveries) attempt(ledger, ref, "redirect", T0 + HOUR + 2, "slow");
        ledger.release(T0 + HOUR + 3);
        expect(ledger.reading.look([late.id], T0)[0]?.status).toBe("failed");
        // All are due or done; those that failed again stay so.
        expect(countOf(sql, "status = 'failed'")).toBe(deliveries.length + 1);
        expect(countOf(sql, "status = 'held'")).toBe(0);
      },
      { retry: [] },
    );
  });

  it("leaves alone what has failed since it was asked for, also among those of a later step", ({ expect }) =>
    withLedger((ledger, open, sql) => {
      outage(sql, AT_ONCE + 10);
      ledger.recover(ALL, T0 + HOUR);
      // Of the second step's span, and failed for good after the recovery was asked for.
      const late = `dlv_${encodeTime(T0)}${String(AT_ONCE + 5).padStart(16, "0")}5`;
      sql.all("INSERT INTO deliveries (id, event, status, finished) VALUES (?, 'e', 'failed', ?)", late, T0 + HOUR + 1);
      open().release(T0 + HOUR + 2);
      expect(countOf(sql, "status = 'held'")).toBe(0);
      expect(sql.all("SELECT id FROM deliveries WHERE status = 'failed'")).toEqual([{ id: late }]);
    }));

  it("ends when the endpoint is disabled", async ({ expect }) => {
    await withLedger((ledger, open, sql) => {
      outage(sql, 2 * AT_ONCE);
      ledger.recover(ALL, T0 + HOUR);
      ledger.disable("manual", T0 + HOUR);
      open().release(T0 + HOUR + 1);
      expect(countOf(sql, "due IS NOT NULL")).toBe(0);
    });
  });
});

describe("what a recovery sends", () => {
  /** Ten deliveries, a second apart, by turns failed and held, and beside each one that is none of both. */
  function ten(sql: Sql): string[] {
    const refs = Array.from({ length: 10 }, (_, i) => delivery(T0 + i * SECOND));
    for (const [i, { id }] of refs.entries()) {
      const status = i % 2 === 0 ? "failed" : "held";
      sql.all(
        "INSERT INTO deliveries (id, event, status, attempts, finished) VALUES (?, 'e', ?, 1, ?)",
        id,
        status,
        T0,
      );
      const beside = delivery(T0 + i * SECOND).id;
      const other = ["succeeded", "canceled", "retrying"][i % 3] as string;
      sql.all("INSERT INTO deliveries (id, event, status) VALUES (?, 'e', ?)", beside, other);
    }
    return refs.map(({ id }) => id);
  }
  const every = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

  it.for<[what: string, asked: Partial<RecoverRequest>, sent: number[]]>([
    ["all of a span", {}, every],
    ["nothing that was accepted before it", { since: T0 + 3 * SECOND }, every.slice(3)],
    ["nothing that was accepted before it by a ms", { since: T0 + 2 * SECOND + 1 }, every.slice(3)],
    ["nothing that was accepted at its end or later", { until: T0 + 7 * SECOND }, every.slice(0, 7)],
    ["what was accepted in its last ms", { until: T0 + 7 * SECOND + 1 }, every.slice(0, 8)],
    ["its middle", { since: T0 + 2 * SECOND, until: T0 + 5 * SECOND }, [2, 3, 4]],
    ["of its middle what is held", { since: T0 + 2 * SECOND, until: T0 + 6 * SECOND, statuses: ["held"] }, [3, 5]],
    ["of its middle what has failed", { since: T0 + 2 * SECOND, until: T0 + 6 * SECOND, statuses: ["failed"] }, [2, 4]],
    ["nothing where there is nothing", { since: T0 + 10 * SECOND }, []],
  ])("is %s, as many as it said, oldest first", ([, asked, sent], { expect }) =>
    withLedger((ledger, open, sql) => {
      const ids = ten(sql);
      const request = { ...ALL, ...asked };
      expect(ledger.recover({ ...request, dryRun: true }, T0 + HOUR)).toEqual({ count: sent.length });
      expect(leave(open(), T0 + HOUR, 50).sent).toEqual([]);
      expect(ledger.recover(request, T0 + HOUR)).toMatchObject({ count: sent.length });
      expect(leave(open(), T0 + HOUR, 50).sent).toEqual(sent.map((i) => ids[i]));
      expect(countOf(sql, "status IN ('failed', 'held')")).toBe(10 - sent.length);
    }),
  );

  it("stays within its span in every later step, and after an eviction", ({ expect }) =>
    withLedger((ledger, open, sql) => {
      const early = delivery(T0 - 1);
      const late = delivery(T0 + 1);
      for (const { id } of [early, late]) {
        sql.all("INSERT INTO deliveries (id, event, status, finished) VALUES (?, 'e', 'failed', ?)", id, T0);
      }
      outage(sql, AT_ONCE + 10);
      expect(ledger.recover({ ...ALL, until: T0 + 1 }, T0 + HOUR)).toMatchObject({ count: AT_ONCE + 10 });
      const { sent } = leave(open(), T0 + HOUR, 400);
      expect(sent).toHaveLength(AT_ONCE + 10);
      const left = ledger.reading.look([early.id, late.id], T0 + HOUR);
      expect(left.map((record) => record?.status)).toEqual(["failed", "failed"]);
    }));
});

describe("several recoveries", () => {
  it("over the same span count what the first has yet to make due only once", ({ expect }) =>
    withLedger((ledger, open, sql) => {
      outage(sql, 3 * AT_ONCE);
      expect(ledger.recover(ALL, T0 + HOUR)).toMatchObject({ count: 3 * AT_ONCE });
      // Two thirds of them are still failed and held.
      expect(countOf(sql, "status IN ('failed', 'held')")).toBe(2 * AT_ONCE);
      expect(ledger.recover(ALL, T0 + HOUR + 1)).toMatchObject({ count: 0 });
      expect(open().recover({ ...ALL, statuses: ["held"] }, T0 + HOUR + 1)).toMatchObject({ count: 0 });
      // What fails after it was asked for is another matter.
      const late = delivery(T0 + 1);
      attempt(ledger, late, "gone", T0 + HOUR + 2);
      ledger.enable(T0 + HOUR + 3);
    }));

  it("wait only so many at a time", ({ expect }) =>
    withLedger((ledger, _, sql) => {
      const failed = Array.from({ length: MOST_RECOVERIES + 3 }, (_, i) => delivery(T0 + i * SECOND));
      for (const { id } of failed) {
        sql.all("INSERT INTO deliveries (id, event, status, finished) VALUES (?, 'e', 'failed', ?)", id, T0);
      }
      // What a long outage left has to be held first, so that none is carried out at once.
      sql.all(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
         INSERT INTO deliveries (id, event, status, due) SELECT 'dlv_${encodeTime(T0 - HOUR)}' || printf('%016d0', i), 'e', 'pending', 1 FROM n`,
      );
      ledger.disable("manual", T0 + HOUR);
      ledger.enable(T0 + HOUR);
      const span = (i: number) => ({ ...ALL, since: T0 + i * SECOND, until: T0 + (i + 1) * SECOND });
      const answers = failed.map((_, i) => ledger.recover(span(i), T0 + HOUR));
      expect(answers).toMatchObject([...Array(MOST_RECOVERIES).fill({ count: 1 }), "busy", "busy", "busy"]);
      // Those that were taken are carried out, and then there is room again.
      for (let now = T0 + HOUR + 1; now < T0 + HOUR + 20; now++) ledger.release(now);
      expect(countOf(sql, "status = 'failed'")).toBe(3);
      expect(ledger.recover(span(MOST_RECOVERIES), T0 + HOUR + 30)).toMatchObject({ count: 1 });
    }));
});

describe("what an earlier version left half done", () => {
  const keep = (sql: Sql, name: string, value: object) =>
    sql.all("INSERT INTO state (name, value) VALUES (?, ?)", name, JSON.stringify(value));
  const insert = (sql: Sql, status: string, ...ids: string[]) => {
    for (const id of ids) sql.all("INSERT INTO deliveries (id, event, status, due) VALUES (?, 'e', ?, 1)", id, status);
  };

  it("is gone on with: a recovery from where it stood", ({ expect }) =>
    withLedger((_, open, sql) => {
      const [a, b, c] = [delivery(T0), delivery(T0 + SECOND), delivery(T0 + 2 * SECOND)];
      insert(sql, "held", a.id, b.id, c.id);
      const span = { since: T0, until: T0 + 2 * SECOND, statuses: ["failed", "held"] };
      keep(sql, "recoveries", { list: [{ ...span, after: a.id, askedAt: T0 + HOUR }] });
      open().release(T0 + HOUR);
      const statuses = sql.all<{ status: string }>("SELECT status FROM deliveries ORDER BY id");
      expect(statuses.map(({ status }) => status)).toEqual(["held", "pending", "held"]);
      expect(open().nextAlarm(T0 + HOUR + 1)).not.toBe(T0 + HOUR + 2);
    }));

  it("is found by the index that it had", ({ expect }) =>
    withLedger((ledger, open, sql) => {
      sql.all("DROP INDEX deliveries_unsuccessful");
      sql.all("CREATE INDEX deliveries_unsuccessful ON deliveries (status, id) WHERE status <> 'succeeded'");
      const [a, b, c] = [delivery(T0), delivery(T0 + 1), delivery(T0 + 2)];
      attempt(ledger, a, "status", T0 + 10);
      insert(sql, "held", b.id);
      insert(sql, "failed", c.id);
      const list = (...statuses: DeliveryStatus[]) => {
        const filter = { statuses, event: null, codes: null, since: null, until: null };
        return open()
          .reading.list(filter, 10, null, T0 + HOUR)
          .deliveries.map(({ id }) => id);
      };
      expect(list("retrying", "held")).toEqual([b.id, a.id]);
      expect(open().recover(ALL, T0 + HOUR)).toMatchObject({ count: 2 });
      open().disable("manual", T0 + HOUR + 1);
      expect(list("held")).toEqual([c.id, b.id, a.id]);
    }));

  it("is in nobody's hands but those that had it", ({ expect }) =>
    withLedger((_, open, sql) => {
      const [a, b, c] = [delivery(T0), delivery(T0 + 1), delivery(T0 + 2)];
      insert(sql, "retrying", a.id, b.id, c.id);
      // As the version before leases left the rows.
      sql.all("DELETE FROM state WHERE name = 'fortune'");
      sql.all("DROP TABLE figures");
      sql.all("DELETE FROM migrations WHERE step >= (SELECT max(step) - 1 FROM migrations)");
      sql.all("ALTER TABLE deliveries DROP COLUMN text");
      sql.all("CREATE INDEX deliveries_leased ON deliveries (lease, due) WHERE lease IS NOT NULL");
      sql.all("UPDATE deliveries SET lease = 'att_1', due = ? WHERE id = ?", T0 + HOUR, a.id);
      sql.all("UPDATE deliveries SET lease = 'queued', due = ? WHERE id = ?", T0 + HOUR, b.id);
      const ledger = open();
      expect(ledger.stands(a, "att_1", 1, T0 + MINUTE)).toBe(true);
      expect(ledger.admit([a, b], T0 + MINUTE).admissions).toMatchObject([{ do: "wait" }, { do: "send" }]);
      expect(ledger.release(T0 + MINUTE).deliveries.map(({ id }) => id)).toEqual([c.id]);
      expect(open().stands(a, "att_1", 1, T0 + MINUTE)).toBe(true);
    }));

  it.for([
    ["held", "held"],
    ["canceled", "canceled"],
  ] as const)("is gone on with: what is to be %s", ([to, status], { expect }) =>
    withLedger((_, open, sql) => {
      const [a, b] = [delivery(T0), delivery(T0 + SECOND)];
      insert(sql, "retrying", a.id, b.id);
      keep(sql, "clearance", { plan: { to, at: T0 + HOUR, left: ["retrying"], after: a.id } });
      const ledger = open();
      expect(ledger.reading.look([b.id], T0 + HOUR)[0]?.status).toBe(status);
      expect(ledger.release(T0 + HOUR).deliveries).toEqual([]);
      expect(countOf(sql, `status = '${status}'`)).toBe(2);
      expect(open().nextAlarm(T0 + HOUR)).toBeNull();
    }),
  );
});

describe("a recovery of 100,000 deliveries", () => {
  it("is counted no further than to that", ({ expect }) =>
    withLedger((ledger, _, sql) => {
      outage(sql, COUNT_MOST + 10);
      expect(ledger.recover({ ...ALL, dryRun: true }, T0 + HOUR)).toEqual({ count: COUNT_MOST, truncated: true });
    }));

  it("never rewrites more rows in one step than a step may", async ({ expect }) => {
    await withLedger((ledger, _, sql) => {
      outage(sql, 100_000);
      const before = sql.rowsWritten;
      expect(ledger.recover({ ...ALL, dryRun: true }, T0 + HOUR)).toEqual({ count: 100_000 });
      expect(sql.rowsWritten).toBe(before);
      ledger.recover(ALL, T0 + HOUR);
      expect(sql.rowsWritten - before).toBeLessThanOrEqual(10 * AT_ONCE);
      expect(ledger.nextAlarm(T0 + HOUR)).toBe(T0 + HOUR + 1);
    });
  });
});

describe("a recovery's progress", () => {
  const only = (ledger: Ledger) => ledger.recoveries[0];

  it("is how many were sent again, whatever came of it, over an eviction", async ({ expect }) => {
    await withLedger((ledger, open, sql) => {
      outage(sql, 3_000);
      const asked = ledger.recover(ALL, T0 + HOUR);
      const id = typeof asked === "object" ? asked.id : undefined;
      expect(id).toMatch(/^rcv_/);
      const { dryRun: _, ...span } = ALL;
      const record = { id, ...span, at: T0 + HOUR, count: 3_000, done: 0, state: "running" };
      expect(ledger.recoveries).toEqual([record]);
      const { now, sent } = leave(ledger, T0 + HOUR, 10);
      expect(sent.length).toBeGreaterThan(0);
      expect(only(open())).toEqual({ ...record, done: sent.length });
      leave(open(), now, 1_000);
      expect(only(open())).toEqual({ ...record, done: 3_000, state: "done" });
      expect(open().stopRecovery(id as string, now + HOUR)).toBe(true);
      expect(only(open())?.state).toBe("done");
      expect(open().stopRecovery("rcv_other", now + HOUR)).toBe(false);
    });
  });

  it.for([1_000, 5_000])("of %i ends when it is canceled: what was not sent is as it was", (count, { expect }) =>
    withLedger((ledger, open, sql) => {
      outage(sql, count);
      const before = sql.all<{ id: string; status: string }>("SELECT id, status FROM deliveries");
      const asked = ledger.recover(ALL, T0 + HOUR) as { id: string };
      const { now, sent } = leave(ledger, T0 + HOUR, 4);
      // Some are with the receiver, some on the queue.
      const { deliveries } = ledger.release(now + 1);
      const [going, queued] = [deliveries.slice(0, 3), deliveries.slice(3)];
      ledger.admit(going, now + 1, { lane: "normal", room: SLOTS });
      expect(ledger.stopRecovery(asked.id, now + 2)).toBe(true);
      for (let i = 0; i < 10; i++) ledger.release(now + 3 + i);
      const rest = sent.length + going.length;
      expect(only(ledger)).toMatchObject({ state: "canceled", done: sent.length });
      expect(countOf(sql, "status IN ('failed', 'held') AND due IS NULL")).toBe(count - rest);
      for (const { id, status } of sql.all<{ id: string; status: string }>("SELECT id, status FROM deliveries")) {
        const was = before.find((row) => row.id === id)?.status;
        expect(status === was || sent.includes(id) || going.some((ref) => ref.id === id), id).toBe(true);
      }
      // Its message comes after all.
      const late = ledger.admit(queued, now + MINUTE, { lane: "normal", room: SLOTS }).admissions;
      expect(late.some((admission) => admission.do === "send")).toBe(false);
      expect(open().nextAlarm(now + HOUR)).not.toBeNull();
      // And it can be asked for again.
      expect(open().recover(ALL, now + HOUR)).toMatchObject({ count: count - rest });
    }),
  );

  it("ends where the endpoint is disabled meanwhile", async ({ expect }) => {
    await withLedger((ledger, open, sql) => {
      outage(sql, 1_000);
      ledger.recover(ALL, T0 + HOUR);
      const { now, sent } = leave(ledger, T0 + HOUR, 4);
      ledger.disable("manual", now);
      expect(only(open())).toMatchObject({ state: "canceled", done: sent.length, count: 1_000 });
    });
  });
});
