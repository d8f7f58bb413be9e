import { beforeAll, describe, it } from "vitest";
import type { DeliveryStatus } from "../../src/contracts/delivery";
import type { DeliveryFilter } from "../../src/contracts/endpoint";
import type { Ledger } from "../../src/endpoint/ledger";
import { LIST_LOOK, STATS_LOOK } from "../../src/endpoint/read/read";
import { encodeTime } from "../../src/lib/ids";
import type { Sql } from "../../src/lib/sql";
import { DAY, HOUR, SECOND } from "../../src/lib/time";
import { attempt, delivery, outcomeOf, T0, withLedger } from "./ledgers";

const ANY: DeliveryFilter = { statuses: null, event: null, codes: null, since: null, until: null };

/** Fills a ledger with `count` deliveries, one in a hundred of which failed, each with a log of some size. */
function fill(sql: Sql, count: number, at = T0, status = "iif(i % 100 = 0, 'failed', 'succeeded')"): void {
  sql.all(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
     INSERT INTO deliveries (id, event, status, attempts, code, finished, duration, log)
     SELECT 'dlv_${encodeTime(at)}' || printf('%016d0', i), 'e', ${status}, 1, iif(i % 100 = 0, 500, 200), ${at}, i % 100,
       '[' || printf('%.2000c', ' ') || ']' FROM n`,
  );
}

const FILTERS: [string, Partial<DeliveryFilter>][] = [
  ["nothing", {}],
  ["a status", { statuses: ["failed"] }],
  ["statuses that are rare", { statuses: ["pending", "retrying", "held"] }],
  ["success", { statuses: ["succeeded"] }],
  ["an event type that nobody posts", { event: "nobody" }],
  ["a code", { codes: { from: 500, to: 599 } }],
  ["a time span", { since: T0, until: T0 + 1 }],
  ["a status and an event type", { statuses: ["failed"], event: "nobody" }],
];

describe("a page of 50", () => {
  /** Rows read for the first page of each filter. */
  const costs = (count: number) =>
    withLedger((ledger, _, sql) => {
      fill(sql, count);
      return FILTERS.map(([, filter]) => {
        const before = sql.rowsRead;
        ledger.reading.list({ ...ANY, ...filter }, 50, null, T0);
        return sql.rowsRead - before;
      });
    });
  let [small, large]: number[][] = [];
  beforeAll(async () => {
    [small, large] = [await costs(2 * LIST_LOOK), await costs(100_000)];
  }, 60_000);

  it.for(FILTERS.map(([name, filter], i) => ({ name, filter, i })))(
    "by $name reads no more rows at 100,000 deliveries than the look allows",
    ({ filter, i }, { expect }) => {
      expect(large?.[i]).toBeLessThanOrEqual(2 * (LIST_LOOK + 1));
      // Where even the small ledger holds more than a page looks at, both cost the same.
      if (filter.statuses?.includes("failed") !== true) expect(large?.[i]).toBe(small?.[i]);
    },
  );

  it("without a filter reads hardly more than 50 rows", async ({ expect }) => {
    await withLedger((ledger, _, sql) => {
      fill(sql, 10_000);
      const before = sql.rowsRead;
      expect(ledger.reading.list(ANY, 50, null, T0).deliveries).toHaveLength(50);
      expect(sql.rowsRead - before).toBeLessThanOrEqual(53);
    });
  });
});

describe("the pages of a filter", () => {
  /** All pages, and how many there were. */
  function walk(ledger: Ledger, filter: Partial<DeliveryFilter>, limit = 50): { ids: string[]; pages: number } {
    const ids: string[] = [];
    let before: string | null = null;
    for (let pages = 1; ; pages++) {
      const page = ledger.reading.list({ ...ANY, ...filter }, limit, before, T0);
      ids.push(...page.deliveries.map(({ id }) => id));
      if (page.next === null) return { ids, pages };
      before = page.next;
    }
  }

  it.for<[string, Partial<DeliveryFilter>, number]>([
    ["status failed", { statuses: ["failed"] }, 50],
    ["two statuses", { statuses: ["failed", "held"] }, 50],
    ["status failed and succeeded", { statuses: ["failed", "succeeded"] }, 5_000],
    ["code 5xx", { codes: { from: 500, to: 599 } }, 50],
    ["code 500", { codes: { from: 500, to: 500 } }, 50],
    ["code 404", { codes: { from: 404, to: 404 } }, 0],
    ["event", { event: "e" }, 5_000],
    ["another event", { event: "other" }, 0],
    ["since later", { since: T0 + 1 }, 0],
    ["until then", { until: T0 }, 0],
    ["the very ms", { since: T0, until: T0 + 1 }, 5_000],
  ])("by %s hold each match once, newest first, though some pages are short", async ([, filter, count], { expect }) => {
    await withLedger((ledger, _, sql) => {
      fill(sql, 5_000);
      const { ids, pages } = walk(ledger, filter);
      expect(ids).toHaveLength(count);
      expect(ids).toEqual([...new Set(ids)].sort().reverse());
      expect(pages).toBeLessThanOrEqual(101);
    });
  });

  it("merge several statuses by time", async ({ expect }) => {
    await withLedger((ledger) => {
      ledger.disable("manual", T0);
      const held = [delivery(T0 + 1), delivery(T0 + 3)];
      ledger.admit(held, T0 + 5);
      ledger.enable(T0 + 5);
      const retrying = [delivery(T0 + 2), delivery(T0 + 4)];
      for (const ref of retrying) attempt(ledger, ref, "status", T0 + 5);
      const { ids } = walk(ledger, { statuses: ["held", "retrying"] }, 1);
      expect(ids).toEqual([retrying[1]?.id, held[1]?.id, retrying[0]?.id, held[0]?.id]);
    });
  });
});

describe("totals", () => {
  it("count by hour of acceptance, with attempts", async ({ expect }) => {
    await withLedger((ledger) => {
      attempt(ledger, delivery(T0), null, T0);
      attempt(ledger, delivery(T0 + HOUR - 1), null, T0 + HOUR);
      attempt(ledger, delivery(T0 + HOUR), "status", T0 + HOUR);
      const none: Record<DeliveryStatus, number> = {
        pending: 0,
        retrying: 0,
        succeeded: 0,
        failed: 0,
        held: 0,
        canceled: 0,
      };
      expect(ledger.reading.stats(T0, T0 + DAY)).toEqual({
        hours: [
          { hour: T0, ...none, succeeded: 2, attempts: 2 },
          { hour: T0 + HOUR, ...none, retrying: 1, attempts: 1 },
        ],
        truncated: false,
      });
      expect(ledger.reading.stats(T0 + 1, T0 + HOUR).hours).toEqual([{ hour: T0, ...none, succeeded: 1, attempts: 1 }]);
    });
  });

  it("say when there was more than they look at, and cost no more for it", async ({ expect }) => {
    await withLedger((ledger, _, sql) => {
      fill(sql, 30_000);
      const before = sql.rowsRead;
      const { hours, truncated } = ledger.reading.stats(T0, T0 + DAY);
      expect(truncated).toBe(true);
      expect(hours[0]).toMatchObject({ failed: STATS_LOOK / 100, succeeded: (STATS_LOOK * 99) / 100 });
      expect(sql.rowsRead - before).toBe(STATS_LOOK + 1);
    });
  });
});

describe("the last day", () => {
  it("has counts by status and the percentiles of successful attempts", async ({ expect }) => {
    await withLedger((ledger) => {
      expect(ledger.reading.recent(T0)).toMatchObject({
        latency: { p50: null, p95: null, p99: null },
        truncated: false,
      });
      for (let ms = 1; ms <= 100; ms++) {
        const ref = delivery(T0);
        const [admission] = ledger.admit([ref], T0).admissions;
        if (admission?.do !== "send") throw new Error("not admitted");
        const outcome = outcomeOf(ref, admission.attemptId, 1, null, T0);
        if (outcome.kind === "attempted") outcome.attempt.durationMs = ms;
        ledger.record([outcome], T0);
      }
      attempt(ledger, delivery(T0), "status", T0);
      const { counts, latency } = ledger.reading.recent(T0 + SECOND);
      expect(counts).toMatchObject({ succeeded: 100, retrying: 1, failed: 0 });
      expect(latency).toEqual({ p50: 50, p95: 95, p99: 99 });
      expect(ledger.reading.recent(T0 + DAY + 1).counts.succeeded).toBe(0);
    });
  });

  it("is told from the newest deliveries alone when there are many", async ({ expect }) => {
    await withLedger((ledger, _, sql) => {
      fill(sql, 5_000);
      const before = sql.rowsRead;
      expect(ledger.reading.recent(T0)).toMatchObject({ truncated: true, counts: { failed: 10, succeeded: 990 } });
      expect(sql.rowsRead - before).toBeLessThanOrEqual(1_001);
    });
  });
});
