import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, describe, it, vi } from "vitest";
import type { AppendRequest } from "../../src/contracts/event-log";
import { eventLogStub } from "../../src/contracts/find";
import { Journal } from "../../src/event-log/journal/journal";
import { keyFilter, mayHold } from "../../src/event-log/journal/key-filter";
import { EventLog } from "../../src/event-log/object";
import { KeysBefore } from "../../src/event-log/shards/keys-before";
import { Sql } from "../../src/lib/sql";
import { addDays, DAY, dayOf, dayStart, HOUR, MINUTE } from "../../src/lib/time";
import { fresh } from "../lib/fresh";
import { holds } from "../lib/property";

// Far enough ahead that the objects' own alarms have nothing to do.
const TODAY = dayOf(Date.now() + 400 * DAY);
const YESTERDAY = addDays(TODAY, -1);
const MIDNIGHT = dayStart(TODAY);

const keyed = (key: string, fingerprint = "f"): AppendRequest => ({
  type: "e",
  data: "{}",
  matches: [],
  idempotency: { key, fingerprint },
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function at(ms: number): void {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(ms);
}

/** A tenant whose log of yesterday has these keys, and its logs; and how often yesterday's is asked from then on. */
async function world(...keys: string[]) {
  const tenant = fresh("t");
  at(MIDNIGHT - HOUR);
  const yesterday = eventLogStub(env, tenant, YESTERDAY);
  for (const key of keys) await yesterday.append(keyed(key));
  const today = eventLogStub(env, tenant, TODAY);
  const find = vi.spyOn(EventLog.prototype, "sealAndFind");
  const list = vi.spyOn(EventLog.prototype, "sealAndList");
  at(MIDNIGHT + MINUTE);
  return {
    tenant,
    today,
    yesterday,
    calls: () => ({ find: find.mock.calls.length, list: list.mock.calls.length }),
    evict: () => evictDurableObject(env.EVENT_LOG.getByName(`${tenant}/${TODAY}`)),
  };
}

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

describe("keyed events of a day whose day before had keys", () => {
  it("are repeats by a caller's own id as well, whatever key it came with", async ({ expect }) => {
    at(MIDNIGHT - HOUR);
    const tenant = fresh("t");
    const logs = [YESTERDAY, TODAY].map((day) => eventLogStub(env, tenant, day));
    const both = (key: string, fingerprint = "f") => ({ ...keyed(key, fingerprint), payloadId: "mine" });
    expect((await logs[0]?.append(both("k")))?.kind).toBe("appended");
    at(MIDNIGHT + MINUTE);
    for (const key of ["k", "new", "mine"]) expect((await logs[1]?.append(both(key)))?.kind).toBe("duplicate");
    expect(await logs[1]?.append(both("new", "other"))).toEqual({ kind: "conflict", by: "id" });
    expect((await logs[1]?.append({ ...both("new", "other"), payloadId: "another" }))?.kind).toBe("appended");
  });

  it("ask its log once, and not a thousand times", async ({ expect }) => {
    const { today, calls } = await world(...names("old", 200));
    for (const key of names("new", 1_000)) expect((await today.append(keyed(key))).kind).toBe("appended");
    const { find, list } = calls();
    expect(list).toBe(1);
    // A filter may be wrong, and is for one key in 2,000.
    expect(find).toBeLessThanOrEqual(5);
  });

  it("ask it once also when a thousand come at the same time, alone and in batches", async ({ expect }) => {
    const { today, calls } = await world(...names("old", 20));
    const batches = names("batch", 10).map((name) => ({ events: names(name, 100).map((key) => keyed(key)) }));
    const results = await Promise.all([
      ...names("new", 1_000).map((key) => today.append(keyed(key))),
      ...batches.map((batch) => today.appendAll(batch, new Map())),
    ]);
    expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(["appended"]));
    expect(calls().list).toBe(1);
    expect(calls().find).toBeLessThanOrEqual(8);
  });

  it("know it again after an eviction without asking", async ({ expect }) => {
    const { today, calls, evict } = await world("old");
    await today.append(keyed("new-1"));
    for (let i = 2; i < 5; i++) {
      await evict();
      expect((await today.append(keyed(`new-${i}`))).kind).toBe("appended");
    }
    expect(calls()).toEqual({ find: 0, list: 1 });
    expect((await today.append(keyed("old"))).kind).toBe("duplicate");
    expect(calls()).toEqual({ find: 1, list: 1 });
  });

  it("ask once too when it had none", async ({ expect }) => {
    const { today, calls, evict } = await world();
    for (const key of names("new", 10)) {
      await today.append(keyed(key));
      await evict();
    }
    expect(calls()).toEqual({ find: 0, list: 1 });
  });

  it("repeat an event of it while it is not a day old, and the same key with another body is a conflict", async ({
    expect,
  }) => {
    const { today, yesterday, calls } = await world("a", "b");
    const [first] = (await yesterday.sealAndFind(["a"], 0)).used;
    const ulid = first?.events[0]?.ulid;
    expect(await today.append(keyed("a"))).toMatchObject({ kind: "duplicate", event: { ulid } });
    expect(await today.append(keyed("a", "other"))).toEqual({ kind: "conflict", by: "key" });
    expect(await today.appendAll({ events: [keyed("c"), keyed("b", "other")] }, new Map())).toMatchObject({
      kind: "conflict",
      by: "key",
      index: 1,
    });
    at(MIDNIGHT + DAY - HOUR + 1);
    expect((await today.append(keyed("a"))).kind).toBe("appended");
    expect((await today.append(keyed("a"))).kind).toBe("duplicate");
    expect(calls().list).toBe(1);
  });

  it("are refused while its log is out of reach, and accepted once it is there", async ({ expect }) => {
    const { today } = await world("old");
    const out = vi.spyOn(EventLog.prototype, "sealAndList").mockRejectedValue(new Error("out of reach"));
    const tries = await Promise.allSettled(["a", "b"].map((key) => today.append(keyed(key))));
    expect(tries.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    out.mockRestore();
    expect((await today.append(keyed("a"))).kind).toBe("appended");
    expect((await today.append(keyed("old"))).kind).toBe("duplicate");
  });
});

/** Yesterday's journal with these keys, asked in pages of `most` keys, and how often it is asked. */
function withPages<T>(
  keys: readonly string[],
  most: number,
  use: (log: ConstructorParameters<typeof KeysBefore>[0], calls: { find: number; list: number }) => Promise<T>,
): Promise<T> {
  const stub = env.EVENT_LOG.getByName(`${fresh("t")}/${YESTERDAY}`) as unknown as DurableObjectStub;
  return runInDurableObject(stub, (_, { storage }) => {
    const journal = new Journal(new Sql(storage.sql), YESTERDAY);
    for (const key of keys) journal.append(keyed(key), MIDNIGHT - HOUR);
    const calls = { find: 0, list: 0 };
    const log = {
      sealAndFind: async (asked: string[], since: number) => {
        calls.find++;
        return { used: asked.map((key) => journal.keys.find(key, since)), shards: 1 };
      },
      sealAndList: async (key: string, since: number) => {
        calls.list++;
        return journal.keys.around(key, since, most);
      },
    };
    return use(() => log, calls);
  });
}

const NOW = MIDNIGHT + MINUTE;
const nothing = () => {};

describe("a day before with more keys than go into a page", () => {
  const KEYS = names("old", 2_000);
  const PAGE = 100;

  it.for([
    ["rising", (keys: string[]) => keys.toSorted()],
    ["falling", (keys: string[]) => keys.toSorted().reverse()],
    ["in no order", (keys: string[]) => keys.toSorted((a, b) => hash(a) - hash(b))],
  ] as const)("is asked page by page, for keys that come %s", ([, sorted], { expect }) =>
    withPages(KEYS, PAGE, async (log, calls) => {
      const before = new KeysBefore(log, null, nothing);
      for (const key of sorted(names("old", 3_000).map((key) => `${key}x`))) {
        expect((await before.find([key], NOW)).size).toBe(0);
      }
      expect(calls.list).toBeGreaterThan(2_000 / PAGE / 2);
      expect(calls.list).toBeLessThanOrEqual(5 * (2_000 / PAGE));
      expect(calls.find).toBeLessThanOrEqual(30);
    }),
  );

  it("never takes a key for unused that was used", ({ expect }) =>
    withPages(KEYS, PAGE, async (log) => {
      const before = new KeysBefore(log, null, nothing);
      for (const key of KEYS) expect((await before.find([key, `${key}x`], NOW)).has(key), key).toBe(true);
    }));

  it("is asked key by key once its filters would take too much memory", ({ expect }) =>
    withPages(KEYS, PAGE, async (log, calls) => {
      const before = new KeysBefore(log, null, nothing, 500);
      for (const key of KEYS) expect((await before.find([key], NOW)).has(key)).toBe(true);
      expect(calls.list).toBeLessThanOrEqual(4);
    }));

  it("keeps keys in the order of their bytes, whatever their characters", ({ expect }) => {
    // By UTF-16 the second would stand before the first.
    const keys = ["\uff5e", "\u{1f4a9}", "a", "é", "z", "~"].flatMap((key) => names(key, 4));
    return withPages(keys, 4, async (log) => {
      for (const first of keys) {
        const before = new KeysBefore(log, null, nothing);
        await before.find([first], NOW);
        for (const key of keys) expect((await before.find([key], NOW)).has(key), `${first} ${key}`).toBe(true);
      }
    });
  });

  it("is asked anew when many of its keys may be used again", ({ expect }) =>
    withPages(KEYS.slice(0, 1_000), 4_000, async (log, calls) => {
      const before = new KeysBefore(log, null, nothing);
      await before.find(["new"], NOW);
      // A day after they were used, the same keys come again.
      const later = MIDNIGHT - HOUR + DAY + 2 * MINUTE;
      for (const key of KEYS.slice(0, 1_000)) expect((await before.find([key], later)).size).toBe(0);
      expect(calls.find).toBeLessThanOrEqual(110);
      expect(calls.list).toBe(2);
    }));
});

/** Some number for a text, so that texts can be put in an order that is none. */
function hash(text: string): number {
  return [...text].reduce((sum, char) => Math.imul(sum ^ char.charCodeAt(0), 2_654_435_761), 7) >>> 0;
}

describe("a filter of keys", () => {
  it("holds every key that it is of", ({ expect }) => {
    holds(
      fc.property(fc.array(fc.string({ unit: "binary" }), { maxLength: 300 }), (keys) => {
        const filter = keyFilter(keys);
        expect(keys.every((key) => mayHold(filter, key))).toBe(true);
      }),
      200,
    );
  });

  it("takes few others for one of them, in two bytes a key", ({ expect }) => {
    const filter = keyFilter(names("order", 5_000));
    expect(filter.length).toBe(10_000);
    const wrong = names("other", 100_000).filter((key) => mayHold(filter, key)).length;
    expect(wrong).toBeLessThan(150);
    expect(mayHold(keyFilter([]), "a")).toBe(false);
  });
});

describe("whether a key is used", () => {
  it("is read from the index, whatever the events carry", ({ expect }) => {
    const stub = env.EVENT_LOG.getByName(`${fresh("t")}/${YESTERDAY}`) as unknown as DurableObjectStub;
    return runInDurableObject(stub, (_, { storage }) => {
      const { sql } = storage;
      const journal = new Journal(new Sql(sql), YESTERDAY);
      for (const key of names("k", 5)) journal.append(keyed(key), MIDNIGHT - HOUR);
      const exec = vi.spyOn(sql, "exec");
      const asks: [string, () => unknown][] = [
        ["knows", () => journal.keys.knows("k-1")],
        ["one that is too old", () => journal.keys.find("k-1", MIDNIGHT)],
        ["a page", () => journal.keys.around("k-2", 0)],
      ];
      for (const [what, ask] of asks) {
        exec.mockClear();
        ask();
        const statements = exec.mock.calls.map(([statement, ...parameters]) => ({ statement, parameters }));
        expect(statements.length).toBeGreaterThan(0);
        for (const { statement, parameters } of statements) {
          const plan = sql.exec(`EXPLAIN QUERY PLAN ${statement}`, ...parameters).toArray();
          expect(plan.map(({ detail }) => detail).join(), what).toMatch(/USING COVERING INDEX events_keyed/);
        }
      }
    });
  });
});
