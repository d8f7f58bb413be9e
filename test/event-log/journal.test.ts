import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it, vi } from "vitest";
import { type AppendRequest, LOG_FULL } from "../../src/contracts/event-log";
import { eventLogStub } from "../../src/contracts/find";
import { Journal } from "../../src/event-log/journal/journal";
import { Sql } from "../../src/lib/sql";
import { addDays, DAY, dayOf, dayStart, MINUTE, SECOND } from "../../src/lib/time";
import { fresh } from "../lib/fresh";

// Far enough ahead that the object's own alarm has nothing to do.
const DAY_OF_TEST = dayOf(Date.now() + 400 * DAY);
const T0 = dayStart(DAY_OF_TEST);
const REQUEST: AppendRequest = { type: "e", data: "{}", matches: [{ endpoint: "ep_a" }, { endpoint: "ep_b" }] };

function withJournal<T>(
  use: (journal: Journal, open: (most?: number) => Journal, rowsRead: () => number, sql: Sql) => T,
): Promise<T> {
  const stub = env.EVENT_LOG.getByName(`${fresh("t")}/${DAY_OF_TEST}`) as unknown as DurableObjectStub;
  return runInDurableObject(stub, (_, state) => {
    const sql = new Sql(state.storage.sql);
    const open = (most?: number) => new Journal(sql, DAY_OF_TEST, most);
    return use(open(), open, () => sql.rowsRead, sql);
  });
}

function ulidOf(result: ReturnType<Journal["append"]>): string {
  if (result.kind !== "appended" && result.kind !== "duplicate") throw new Error(result.kind);
  return result.event.ulid;
}

describe("the event log", () => {
  it("mints rising ids inside its day, also after an eviction and with a clock that goes back", async ({ expect }) => {
    const ulids = await withJournal((journal, open) => [
      ulidOf(journal.append(REQUEST, T0 + MINUTE)),
      ulidOf(open().append(REQUEST, T0 + SECOND)),
      ulidOf(open().append(REQUEST, T0 + 5 * DAY)),
    ]);
    expect([...ulids].sort()).toEqual(ulids);
    expect(new Set(ulids).size).toBe(3);
  });

  it("is full within a hundredth of its bounds, and does not ask for its size at each event", async ({ expect }) => {
    await withJournal((_, open, __, sql) => {
      const asked = vi.spyOn(Sql.prototype, "bytes", "get");
      const most = sql.bytes + 4_000_000;
      const journal = open(most);
      const large = { ...REQUEST, data: JSON.stringify("x".repeat(10_000)) };
      let taken = 0;
      expect(() => {
        for (; taken < 1_000; taken++) journal.append(large, T0);
      }).toThrow(LOG_FULL);
      const asks = asked.mock.calls.length;
      asked.mockRestore();
      expect(sql.bytes).toBeGreaterThanOrEqual(most);
      expect(sql.bytes).toBeLessThan(most + 40_000);
      expect(asks).toBeLessThan(taken);
      // Full is full: it looks again each time.
      expect(() => journal.append(REQUEST, T0)).toThrow(LOG_FULL);
    });
  });

  it("writes a row for an event, one more for each value that it is found by, and takes those away with its content", async ({
    expect,
  }) => {
    await withJournal((journal, _, __, sql) => {
      const written = (what: () => unknown) => {
        const before = sql.rowsWritten;
        what();
        return sql.rowsWritten - before;
      };
      const values = () =>
        sql.all<{ value: string }>("SELECT value FROM found_by ORDER BY value").map((row) => row.value);
      journal.append(REQUEST, T0);
      expect(written(() => journal.append(REQUEST, T0))).toBe(1);
      let ulid = "";
      const found = () => {
        ulid = ulidOf(journal.append({ ...REQUEST, foundBy: ["4711", "acme.com"] }, T0));
      };
      expect(written(found)).toBe(3);
      journal.append({ ...REQUEST, foundBy: ["acme.com"] }, T0);
      expect(values()).toEqual(["4711", "acme.com", "acme.com"]);
      const search = (text: string) =>
        journal.list({ search: text, before: null, from: null, limit: 10, rows: 10 }).events.length;
      expect([search("ACME.com "), search("4711"), search("471")]).toEqual([2, 1, 0]);
      journal.erase(ulid, T0);
      expect(values()).toEqual(["acme.com"]);
      expect([search("acme.com"), search("4711")]).toEqual([1, 0]);
    });
  });

  it("reads no more of a value that many events have than a page, and looks at no others", async ({ expect }) => {
    await withJournal((journal, _, rowsRead) => {
      for (let i = 0; i < 300; i++) journal.append({ ...REQUEST, foundBy: [i % 3 === 0 ? "rare" : "often"] }, T0);
      const read = (limit: number) => {
        const before = rowsRead();
        const { events, next } = journal.list({ search: "often", before: null, from: null, limit, rows: 1_000 });
        expect([events.length, next]).toEqual([limit, events.at(-1)?.ulid]);
        return rowsRead() - before;
      };
      expect(read(10)).toBeLessThan(50);
      expect(read(20)).toBeLessThan(100);
    });
  });

  it("owns the contacts that are to be revealed until they are", async ({ expect }) => {
    await withJournal((journal, open) => {
      const reveal = { since: 1, actions: [{ action: "a", endpoint: "ep_a", persona: null, limit: 2 }] };
      const ulid = ulidOf(journal.append({ ...REQUEST, matches: [], reveal }, T0));
      journal.append({ ...REQUEST, matches: [] }, T0);
      const first = journal.pointer.handover(T0 + SECOND);
      expect(first.reveals).toEqual([ulid]);
      expect(journal.toReveal(ulid)).toMatchObject({ event: { ulid, data: "{}" }, reveal });
      journal.pointer.confirm(first, new Set(), new Set([ulid]));
      const again = open();
      expect(again.pointer.next(T0, 300 * SECOND)).toBe(T0 + 150 * SECOND);
      const second = again.pointer.handover(T0 + SECOND);
      expect(second.reveals).toEqual([ulid]);
      again.pointer.confirm(second, new Set());
      expect(again.pointer.handover(T0 + SECOND).reveals).toEqual([]);
      expect(open().pointer.next(T0, 300 * SECOND)).toBeNull();
    });
  });

  it("hands over what is old enough, and moves its pointer past it", async ({ expect }) => {
    await withJournal((journal) => {
      const old = ulidOf(journal.append(REQUEST, T0));
      const young = ulidOf(journal.append(REQUEST, T0 + 200 * SECOND));
      const handover = journal.pointer.handover(T0 + 150 * SECOND);
      expect([...handover.refs]).toEqual([
        ["ep_a", [{ id: `dlv_${old}0`, type: "e" }]],
        ["ep_b", [{ id: `dlv_${old}1`, type: "e" }]],
      ]);
      journal.pointer.confirm(handover, new Set());
      expect(journal.pointer.next(T0 + 300 * SECOND, 300 * SECOND)).toBe(T0 + 500 * SECOND);
      const next = journal.pointer.handover(T0 + 350 * SECOND);
      expect(next.refs.get("ep_a")).toEqual([{ id: `dlv_${young}0`, type: "e" }]);
      journal.pointer.confirm(next, new Set());
      expect(journal.pointer.next(T0 + 500 * SECOND, 300 * SECOND)).toBeNull();
    });
  });

  it("keeps what an endpoint out of reach has not taken, and keeps nobody else waiting", async ({ expect }) => {
    await withJournal((journal, open) => {
      const ulid = ulidOf(journal.append(REQUEST, T0));
      journal.pointer.confirm(journal.pointer.handover(T0 + 150 * SECOND), new Set(["ep_b"]));
      const again = open();
      expect(again.pointer.next(T0 + 300 * SECOND, 300 * SECOND)).toBe(T0 + 450 * SECOND);
      const handover = again.pointer.handover(T0 + 450 * SECOND);
      expect([...handover.refs]).toEqual([["ep_b", [{ id: `dlv_${ulid}1`, type: "e" }]]]);
      again.pointer.confirm(handover, new Set());
      expect(again.pointer.next(T0 + 450 * SECOND, 300 * SECOND)).toBeNull();
    });
  });

  it("gives each its turn: one out of reach with a long list keeps nobody behind it waiting", async ({ expect }) => {
    await withJournal((journal) => {
      for (let i = 0; i < 600; i++) journal.append({ ...REQUEST, matches: [{ endpoint: "ep_a" }] }, T0);
      journal.append({ ...REQUEST, matches: [{ endpoint: "ep_b" }] }, T0 + 1);
      const away = new Set(["ep_a", "ep_b"]);
      for (let i = 0; i < 2; i++) journal.pointer.confirm(journal.pointer.handover(T0 + DAY), away);
      const turns = [1, 2, 3].map(() => {
        const handover = journal.pointer.handover(T0 + DAY);
        journal.pointer.confirm(handover, new Set(["ep_a"]));
        // In the middle of a round it goes on at once.
        const goesOn = journal.pointer.next(T0 + DAY, 300 * SECOND) === T0 + DAY + 1;
        return { b: handover.refs.get("ep_b")?.length ?? 0, goesOn };
      });
      expect(turns.map(({ b }) => b).reduce((sum, b) => sum + b)).toBe(1);
      expect(turns.some(({ goesOn }) => goesOn)).toBe(true);
    });
  });

  it("finds callbacks without looking at the other events", async ({ expect }) => {
    await withJournal((journal, _, rowsRead) => {
      for (let i = 0; i < 50; i++) journal.append(REQUEST, T0);
      const called = journal.append({ ...REQUEST, matches: [{ endpoint: "", url: "https://a.example/" }] }, T0);
      const before = rowsRead();
      expect(journal.ending.callbacks().map(({ ulid }) => ulid)).toEqual([ulidOf(called)]);
      expect(rowsRead() - before).toBeLessThanOrEqual(3);
    });
  });

  it("hands over page by page, each delivery once", async ({ expect }) => {
    await withJournal((journal) => {
      for (let i = 0; i < 1_100; i++) journal.append({ ...REQUEST, matches: [{ endpoint: "ep_a" }] }, T0);
      const seen = new Set<string>();
      let pages = 0;
      for (; journal.pointer.next(T0 + DAY, 0) !== null; pages++) {
        const handover = journal.pointer.handover(T0 + DAY);
        for (const { id } of handover.refs.get("ep_a") ?? []) seen.add(id);
        journal.pointer.confirm(handover, new Set());
      }
      expect({ pages, seen: seen.size }).toEqual({ pages: 3, seen: 1_100 });
    });
  });

  it("answers the first event to a repeat of its key, and a conflict to another body", async ({ expect }) => {
    await withJournal((journal) => {
      const keyed = { ...REQUEST, idempotency: { key: "k", fingerprint: "f" } };
      const first = ulidOf(journal.append(keyed, T0));
      expect(journal.append(keyed, T0 + SECOND)).toMatchObject({ kind: "duplicate", event: { ulid: first } });
      const other = { ...keyed, idempotency: { key: "k", fingerprint: "other" } };
      expect(journal.append(other, T0 + SECOND)).toEqual({ kind: "conflict", by: "key" });
    });
  });
});

describe("events appended together", () => {
  const ALL = { events: [REQUEST, { ...REQUEST, type: "f" }, REQUEST] };

  it("are written in their order, one row each, with ids that follow each other", async ({ expect }) => {
    await withJournal((journal, open) => {
      const result = journal.appendAll(ALL, T0);
      if (result.kind !== "appended") throw new Error(result.kind);
      const ulids = result.events.map(({ event }) => event.ulid);
      expect(ulids).toEqual(ulids.toSorted());
      expect(open().read(ulids)).toEqual(result.events.map(({ event }) => event));
    });
  });

  it("are none of them written when one key conflicts or the day is sealed", async ({ expect }) => {
    await withJournal((journal) => {
      const keyed = (fingerprint: string) => ({ ...REQUEST, idempotency: { key: "k", fingerprint } });
      journal.append(keyed("f"), T0);
      expect(journal.appendAll({ events: [REQUEST, keyed("g")] }, T0)).toEqual({
        kind: "conflict",
        index: 1,
        by: "key",
      });
      const refused = { ...REQUEST, refused: true as const };
      expect(journal.appendAll({ events: [REQUEST, refused] }, T0)).toEqual({ kind: "refused" });
      journal.seal();
      const fresh = { ...REQUEST, idempotency: { key: "l", fingerprint: "f" } };
      expect(journal.appendAll({ events: [REQUEST, keyed("f"), fresh] }, T0)).toEqual({ kind: "sealed" });
      const whole = { ...ALL, idempotency: { key: "l", fingerprint: "f" } };
      expect(journal.appendAll(whole, T0)).toEqual({ kind: "sealed" });
      expect(journal.list(EVERYTHING).events).toHaveLength(1);
    });
  });
});

const EVERYTHING = { before: null, from: null, limit: 250, rows: 1_000 };

describe("a page of a day", () => {
  it("looks at no more rows than it may, and goes on where it stopped", async ({ expect }) => {
    await withJournal((journal) => {
      const ulids: string[] = [];
      for (let i = 0; i < 20; i++) {
        ulids.push(ulidOf(journal.append({ ...REQUEST, type: i === 3 ? "rare" : "e" }, T0)));
      }
      const query = { ...EVERYTHING, event: "rare", rows: 10 };
      const first = journal.list(query);
      expect(first).toEqual({ events: [], looked: 10, next: ulids[10] });
      const second = journal.list({ ...query, before: first.next });
      expect(second.events.map(({ ulid }) => ulid)).toEqual([ulids[3]]);
      expect(journal.list({ ...query, before: second.next })).toEqual({ events: [], looked: 0, next: null });
    });
  });

  it("has one after it only where there is more of what fits", async ({ expect }) => {
    await withJournal((journal) => {
      const ulids = ["rare", "e", "rare", "e", "e"].map((type, i) =>
        ulidOf(journal.append({ ...REQUEST, type }, T0 + i)),
      );
      const page = (limit: number, event?: string) => journal.list({ ...EVERYTHING, limit, ...(event && { event }) });
      expect([page(5), page(6)].map(({ events, next }) => [events.length, next])).toEqual([
        [5, null],
        [5, null],
      ]);
      expect(page(4)).toMatchObject({ next: ulids[1] });
      expect([page(2, "rare"), page(3, "rare")].map(({ events, next }) => [events.length, next])).toEqual([
        [2, null],
        [2, null],
      ]);
      expect(page(1, "rare")).toMatchObject({ events: [{ ulid: ulids[2] }], next: ulids[2] });
    });
  });

  it("costs the same however long the day is", async ({ expect }) => {
    await withJournal((journal, _open, read) => {
      const cost = () => {
        const before = read();
        journal.list({ ...EVERYTHING, limit: 50 });
        return read() - before;
      };
      for (let i = 0; i < 100; i++) journal.append(REQUEST, T0);
      const few = cost();
      for (let i = 0; i < 2_000; i++) journal.append(REQUEST, T0);
      expect(cost()).toBe(few);
    });
  });
});

describe("deliveries that a replay adds", () => {
  it("are owned by the log although its pointer is past the event", async ({ expect }) => {
    await withJournal((journal, open) => {
      const ulid = ulidOf(journal.append(REQUEST, T0));
      journal.pointer.confirm(journal.pointer.handover(T0 + DAY), new Set());
      expect(journal.pointer.next(T0 + DAY, 300 * SECOND)).toBeNull();
      const result = journal.addMatches(ulid, ["ep_b", "ep_c"]);
      expect(result?.added).toEqual([2]);
      const again = open();
      expect(again.pointer.next(T0 + DAY, 300 * SECOND)).not.toBeNull();
      const handover = again.pointer.handover(T0 + DAY);
      expect([...handover.refs]).toEqual([["ep_c", [{ id: `dlv_${ulid}2`, type: "e" }]]]);
      again.pointer.confirm(handover, new Set());
      expect(again.pointer.next(T0 + DAY, 300 * SECOND)).toBeNull();
    });
  });

  it("are none for an event that is erased, or not there", async ({ expect }) => {
    await withJournal((journal) => {
      const ulid = ulidOf(journal.append(REQUEST, T0));
      const erased = { event: { data: "null", erasedAt: T0 + SECOND }, origin: null, derived: [] };
      expect(journal.erase(ulid, T0 + SECOND)).toMatchObject(erased);
      expect(journal.addMatches(ulid, ["ep_c"])?.added).toEqual([]);
      expect(journal.addMatches("01JD0000000000000000000000", ["ep_c"])).toBeNull();
      expect(journal.erase("01JD0000000000000000000000", T0)).toBeNull();
    });
  });
});

describe("what is derived from an event", () => {
  it("is remembered with it, a row each, and told by its erasure and after it", async ({ expect }) => {
    await withJournal((journal, open) => {
      const origin = { room: "1/abc", observation: "obs_1" };
      const ulid = ulidOf(journal.append({ ...REQUEST, origin }, T0));
      expect(journal.noteDerived(ulid)).toBe(false);
      for (const derived of ["B", "A", "B"]) expect(journal.noteDerived(ulid, derived)).toBe(false);
      expect(open().erase(ulid, T0)).toMatchObject({ origin, derived: ["A", "B"] });
      expect(open().noteDerived(ulid)).toBe(true);
      expect(open().noteDerived(ulid, "C")).toBe(true);
      expect(open().erase(ulid, T0)?.derived).toEqual(["A", "B", "C"]);
      expect(journal.noteDerived("01JD0000000000000000000000", "A")).toBe(false);
    });
  });
});

describe("keys across midnight", () => {
  it("are decided by one log, for isolates whose clocks differ", async ({ expect }) => {
    const tenant = fresh("t");
    const today = eventLogStub(env, tenant, DAY_OF_TEST);
    const tomorrow = eventLogStub(env, tenant, addDays(DAY_OF_TEST, 1));
    const keyed = (key: string) => ({ ...REQUEST, idempotency: { key, fingerprint: "f" } });

    const first = await today.append(keyed("before"));
    expect(first.kind).toBe("appended");
    // An isolate that is ahead repeats it in the next day's log ...
    expect(await tomorrow.append(keyed("before"))).toMatchObject({ kind: "duplicate" });
    expect((await tomorrow.append(keyed("after"))).kind).toBe("appended");
    // ... and from then on one that is behind is sent there for new keys, while old ones are still found here.
    expect(await today.append(keyed("after"))).toEqual({ kind: "sealed" });
    expect(await today.append(keyed("before"))).toMatchObject({ kind: "duplicate" });
    expect((await today.append(REQUEST)).kind).toBe("appended");
  });
});
