import { beforeAll, describe, it } from "vitest";
import type { DeliveryFilter } from "../../src/contracts/endpoint";
import type { Ledger } from "../../src/endpoint/ledger";
import { LIST_LOOK } from "../../src/endpoint/read/read";
import { encodeTime } from "../../src/lib/ids";
import type { Sql } from "../../src/lib/sql";
import { attempt, delivery, T0, withLedger } from "./ledgers";

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
