import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { Ledger } from "../../src/endpoint/ledger";
import { encodeTime } from "../../src/lib/ids";
import { Sql } from "../../src/lib/sql";
import { DAY, HOUR } from "../../src/lib/time";
import { fresh } from "../lib/fresh";
import { attempt, delivery, SETTINGS, T0 } from "./ledgers";

const NOW = T0 + DAY;
/** Two thirds of what the deliveries below take: each has a page of its own for its log, beside its row. */
const MOST = 12_000_000;

/** A log as a delivery has one whose receiver answered with a kilobyte. */
const LOG = JSON.stringify([
  { id: "att_1", number: 1, response: { headers: {}, body: "x".repeat(1_000), truncated: false } },
]);

/** A ledger that may take so many bytes, on an object of its own with deliveries of every status from T0 on. */
function withFull<T>(most: number, use: (ledger: Ledger, sql: Sql, open: () => Ledger) => T): Promise<T> {
  const stub = env.ENDPOINT.getByName(`t/${fresh("ep")}`) as unknown as DurableObjectStub;
  return runInDurableObject(stub, (_, { storage }) => {
    const sql = new Sql(storage.sql);
    const open = () => new Ledger(sql, () => 0, undefined, most);
    const first = open();
    first.state.configure(SETTINGS, { enabled: true, disabledReason: null, disabledAt: null });
    first.state.mirrored(true, NOW);
    sql.all(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
       INSERT INTO deliveries (id, event, status, attempts, finished, log)
       SELECT 'dlv_${encodeTime(T0)}' || printf('%016d0', i), 'e',
         CASE i % 40 WHEN 1 THEN 'held' WHEN 2 THEN 'failed' WHEN 3 THEN 'canceled' ELSE 'succeeded' END, 1, ${T0}, ? FROM n`,
      LOG,
    );
    return use(open(), sql, open);
  });
}

const counts = (sql: Sql) =>
  sql.first<{ all: number; held: number; full: number }>(
    `SELECT count(*) AS "all", sum(status = 'held') AS held, sum(length(log) > 1000) AS full FROM deliveries`,
  );

/** Lets the alarm go on until it has nothing to do; answers how often it went off. */
function drain(ledger: Ledger): number {
  for (let times = 0; ; times++) {
    const next = ledger.nextAlarm(NOW);
    if (next === null || next > NOW + HOUR || times > 100) return times;
    ledger.release(NOW);
    for (const { id } of ledger.outbox.due(NOW)) ledger.outbox.remove(id);
  }
}

describe("an endpoint whose object has more than it may", () => {
  it("lets the oldest responses go first, and no delivery while that is enough", ({ expect }) =>
    withFull(MOST, (ledger, sql, open) => {
      const { bytes } = ledger.reading.storage();
      expect(bytes).toBeGreaterThan(MOST);
      expect(drain(ledger)).toBeGreaterThan(0);
      const after = counts(sql);
      expect(after).toMatchObject({ all: 4_000, held: 100 });
      // The newest are still there, and what is held was not touched.
      expect(after?.full).toBeGreaterThan(100);
      expect(after?.full).toBeLessThan(4_000);
      const kept = sql.all<{ id: string }>(
        "SELECT id FROM deliveries WHERE length(log) > 1000 AND status <> 'held' ORDER BY id",
      );
      const gone = sql.all<{ id: string }>(
        "SELECT id FROM deliveries WHERE length(log) < 1000 ORDER BY id DESC LIMIT 1",
      );
      expect((kept[0]?.id ?? "") > (gone[0]?.id ?? "")).toBe(true);
      const told = ledger.reading.storage();
      expect(told.bytes).toBeLessThanOrEqual(MOST);
      expect(told).toMatchObject({ most: MOST, responsesSince: T0, deliveriesSince: null });
      // It is not begun again by whoever wakes next, and goes on from where it was.
      expect(open().nextAlarm(NOW)).toBeNull();
      expect(open().reading.storage()).toEqual(told);
    }));

  it("lets deliveries go when that is not enough, the oldest first, and never what is unfinished or held", ({
    expect,
  }) =>
    withFull(400_000, (ledger, sql) => {
      drain(ledger);
      const { all = 0, held } = counts(sql) ?? {};
      expect(held).toBe(100);
      expect(all).toBeLessThan(4_000);
      expect(ledger.reading.storage()).toMatchObject({ deliveriesSince: T0 });
      const left = sql.all<{ id: string }>("SELECT id FROM deliveries WHERE status <> 'held' ORDER BY id");
      const last = sql.first<{ id: string }>("SELECT id FROM deliveries ORDER BY id DESC LIMIT 1");
      if (left.length > 0) expect(left.at(-1)?.id).toBe(last?.id);
    }));

  it("stops where nothing is left that may go, and does not spin", ({ expect }) =>
    withFull(1, (ledger, sql) => {
      expect(drain(ledger)).toBeLessThan(30);
      expect(counts(sql)).toMatchObject({ all: 100, held: 100 });
      expect(ledger.nextAlarm(NOW)).toBeNull();
    }));

  it("goes on delivering meanwhile, and what is new is kept", ({ expect }) =>
    withFull(MOST, (ledger, sql) => {
      const refs = Array.from({ length: 150 }, () => delivery(NOW));
      for (const ref of refs) expect(attempt(ledger, ref, null, NOW)).toBe(true);
      drain(ledger);
      expect(
        ledger.reading
          .look(
            refs.map(({ id }) => id),
            NOW,
          )
          .every((record) => record?.status === "succeeded"),
      ).toBe(true);
      expect(counts(sql)?.all).toBe(4_150);
    }));

  it("is found out while it grows, not only when it wakes", ({ expect }) =>
    withFull(100_000_000, (ledger, sql) => {
      expect(ledger.nextAlarm(NOW)).toBeNull();
      const smaller = new Ledger(sql, () => 0, undefined, (ledger.reading.storage().bytes ?? 0) + 50_000);
      expect(smaller.nextAlarm(NOW)).toBeNull();
      sql.all("UPDATE deliveries SET log = log || ?", " ".repeat(5_000));
      for (let i = 0; i < 120; i++) expect(attempt(smaller, delivery(NOW), null, NOW)).toBe(true);
      expect(smaller.nextAlarm(NOW)).toBe(NOW + 1);
    }));
});
