import { describe, it } from "vitest";
import { newId } from "../../src/lib/ids";
import { DAY, MINUTE, SECOND } from "../../src/lib/time";
import { fired, firing, keyed, request, settleAll, T0, withRecollection } from "./recollections";

const crossing = (threshold: number) => firing({ crosses: { path: "v", threshold } });

describe("what an observation costs", () => {
  it("is one row, and one more when something fired, whatever the number of rules", async ({ expect }) => {
    await withRecollection((recollection, _, sql) => {
      const rules = [
        ...Array.from({ length: 96 }, (_, i) => crossing(i)),
        firing({ every: true }),
        firing({ once: true }),
        firing({ changesBy: { path: "v", atLeast: 1 } }),
        firing({ returnsAfter: { seconds: 1 } }),
      ];
      for (const [i, value] of [50, 0, 95, 10, 10].entries()) {
        for (const key of [undefined, `k${i}`]) {
          const before = sql.rowsWritten;
          const asked = request(rules, [value + i]);
          const taken = recollection.observe(key === undefined ? asked : keyed(asked, key), T0 + i * SECOND);
          expect(fired(taken)[0]?.length).toBeGreaterThan(0);
          expect(sql.rowsWritten - before).toBe(1);
          settleAll(recollection);
          // The key another.
          expect(sql.rowsWritten - before).toBe(key === undefined ? 2 : 3);
        }
      }
      const quiet = rules.slice(0, 96);
      const before = sql.rowsWritten;
      expect(fired(recollection.observe(request(quiet, [1]), T0 + 9 * SECOND))).toEqual([[]]);
      expect(sql.rowsWritten - before).toBe(1);
    });
  });

  it("is nothing when nothing changes, but for a touch a day", async ({ expect }) => {
    await withRecollection((recollection, _, sql) => {
      const rules = [firing({ once: true }), crossing(5)];
      recollection.observe(request(rules, [1]), T0);
      settleAll(recollection);
      const before = sql.rowsWritten;
      for (let i = 1; i < 20; i++) recollection.observe(request(rules, [1]), T0 + i * MINUTE);
      expect(sql.rowsWritten - before).toBe(0);
      expect(recollection.seenAt).toBe(T0);
      recollection.observe(request(rules, [1]), T0 + DAY);
      expect(sql.rowsWritten - before).toBe(1);
      expect(recollection.seenAt).toBe(T0 + DAY);
    });
  });

  it("of many together is a row where something fired or has a key, and one for the rest", async ({ expect }) => {
    await withRecollection((recollection, _, sql) => {
      const rules = [crossing(100)];
      recollection.observe(request(rules, [1]), T0);
      const before = sql.rowsWritten;
      const values = [...Array(40).keys(), 100, ...Array(40).keys()];
      expect(fired(recollection.observe(request(rules, values), T0)).filter(({ length }) => length > 0)).toHaveLength(
        1,
      );
      expect(sql.rowsWritten - before).toBe(2);
      settleAll(recollection);
      expect(sql.rowsWritten - before).toBe(3);
    });
  });

  it("is no room that grows: rows go when nobody needs them any more", async ({ expect }) => {
    await withRecollection((recollection, open, sql) => {
      const rules = [firing({ every: true })];
      const count = () => sql.first<{ n: number }>("SELECT count(*) AS n FROM observations")?.n;
      for (let i = 0; i < 30; i++) {
        recollection.observe(request(rules, [i]), T0 + i);
        settleAll(recollection);
      }
      expect(count()).toBe(1);
      const observe = (i: number, now: number) => {
        const again = open();
        again.observe(keyed(request(i % 2 === 0 ? rules : [], [i]), `k${i}`, now), now);
        settleAll(again, now);
      };
      const keys = () => sql.first<{ n: number }>("SELECT count(*) AS n FROM known")?.n;
      for (let i = 0; i < 20; i++) observe(i, T0 + MINUTE);
      expect([count(), keys()]).toEqual([1, 20]);
      for (let i = 0; i < 20; i++) observe(20 + i, T0 + 2 * DAY);
      expect([count(), keys()]).toEqual([1, 20]);
    });
  });
});

describe("a key", () => {
  const rules = [firing({ every: true })];

  it("answers its first observation as long as its claim is the same, and 24 hours at least", async ({ expect }) => {
    await withRecollection((recollection, open) => {
      recollection.observe(keyed(request(rules, [1]), "k"), T0);
      const pending = open().observe(keyed(request(rules, [1]), "k"), T0);
      expect(pending).toMatchObject({ observations: [{ duplicate: true, row: { pending: { data: '{"v":1}' } } }] });
      settleAll(recollection);
      for (const again of [recollection, open()]) {
        const repeat = again.observe(keyed(request(rules, [1]), "k"), T0 + DAY);
        if (repeat.kind !== "observed") throw new Error(repeat.kind);
        expect(repeat.observations[0]).toMatchObject({ duplicate: true, row: { pending: null } });
        expect(repeat.observations[0]?.row?.outcome.events).toHaveLength(1);
      }
      const next = recollection.observe(keyed(request(rules, [1]), "k", T0 + DAY), T0 + DAY);
      expect(next).toMatchObject({ observations: [{ duplicate: false }] });
    });
  });

  it("that is claimed anew while its first events wait keeps what it was then", async ({ expect }) => {
    await withRecollection((recollection) => {
      const claims = [T0, T0 + DAY];
      for (const at of claims) recollection.observe(keyed(request(rules, [at]), "k", at), at);
      for (const [i, row] of recollection.pending().toReversed().entries()) {
        recollection.settle(row, { events: [{ rule: "r", id: `evt_${1 - i}`, event: "e" }], refused: [] }, T0 + DAY);
      }
      const again = recollection.observe(keyed(request(rules, [1]), "k", T0 + DAY), T0 + DAY + 1);
      expect(again).toMatchObject({ observations: [{ row: { outcome: { events: [{ id: "evt_1" }] } } }] });
    });
  });

  it("tells the memory of a request that repeats a part of another", async ({ expect }) => {
    await withRecollection((recollection, open) => {
      const hot = crossing(5);
      const first = keyed(request([hot], [9, 1]), "k");
      recollection.observe({ ...first, observations: first.observations.slice(1) }, T0);
      const taken = recollection.observe(first, T0);
      expect(taken).toMatchObject({ observations: [{ duplicate: false }, { duplicate: true }] });
      settleAll(recollection);
      expect(fired(open().observe(request([hot], [9]), T0))).toEqual([[]]);
    });
  });
});

describe("20,000 keyed observations of a day", () => {
  it("cost as much each as 200, and the same to open", { timeout: 300_000 }, async ({ expect }) => {
    await withRecollection((recollection, open, sql) => {
      const rules = [firing({ every: true }), firing({ once: true }), crossing(5)];
      const quiet = rules.slice(1);
      let n = 0;
      const observe = (count: number) => {
        for (const end = n + count; n < end; n++) {
          const now = T0 + n;
          // Every tenth fires.
          recollection.observe(keyed(request(n % 10 === 0 ? rules : quiet, [n % 7]), `k${n}`, now), now);
          settleAll(recollection, now);
        }
      };
      const counted = (run: () => void) => {
        const [read, written] = [sql.rowsRead, sql.rowsWritten];
        run();
        return { read: sql.rowsRead - read, written: sql.rowsWritten - written };
      };
      const costs = () => {
        // A repeat of the first, of the last, and one that is new.
        const repeat = (i: number) => () => {
          const asked = keyed(request(i % 10 === 0 ? rules : quiet, [i % 7]), `k${i}`, T0 + i);
          expect(recollection.observe(asked, T0 + n)).toMatchObject({ observations: [{ duplicate: true }] });
        };
        const found = [counted(repeat(0)), counted(repeat(n - 1)), counted(() => observe(1))];
        return [...found, counted(() => open())];
      };
      observe(200);
      const few = costs();
      observe(20_000 - n);
      const many = costs();
      for (const [i, { read, written }] of many.entries()) {
        expect(written).toBe(few[i]?.written);
        expect(read).toBeLessThanOrEqual((few[i]?.read ?? 0) + 2);
        expect(read).toBeLessThan(20);
      }
      // A day later all of them go, a few with each that comes.
      n = 2 * DAY;
      observe(1);
      const before = sql.first<{ n: number }>("SELECT count(*) AS n FROM known")?.n ?? 0;
      const cost = counted(() => observe(1));
      expect(sql.first<{ n: number }>("SELECT count(*) AS n FROM known")?.n).toBeLessThan(before);
      expect(cost.read).toBeLessThan(30);
    });
  });
});

describe("what fired", () => {
  it("is pending until it is emitted, over a restart too, and then its text is forgotten", async ({ expect }) => {
    await withRecollection((recollection, open, sql) => {
      const rule = firing({ every: true });
      recollection.observe(request([rule], ["a text"]), T0);
      expect(recollection.hasPending).toBe(true);
      const after = open();
      expect(after.hasPending).toBe(true);
      const [row] = settleAll(after);
      expect(row?.pending).toMatchObject({ data: '{"v":"a text"}', timestamp: T0, emissions: [{ rule: rule.id }] });
      expect(after.hasPending || open().hasPending).toBe(false);
      expect(JSON.stringify(sql.all("SELECT * FROM observations"))).not.toContain("a text");
      // A late answer to an emission whose row has another observation by now.
      after.observe(request([rule], ["another"]), T0);
      if (row !== undefined) after.settle(row, { events: [], refused: [] }, T0);
      expect(after.hasPending).toBe(true);
    });
  });

  it("keeps its row while others come and go", async ({ expect }) => {
    await withRecollection((recollection) => {
      const rule = firing({ every: true });
      for (let i = 0; i < 5; i++) recollection.observe(request([rule], [i]), T0 + i);
      expect(settleAll(recollection).map(({ pending }) => pending?.data)).toEqual(
        [0, 1, 2, 3, 4].map((v) => `{"v":${v}}`),
      );
    });
  });

  it("may have a text of 1 MiB full of what JSON escapes", async ({ expect }) => {
    await withRecollection((recollection) => {
      const text = `{"v":"${'\\"'.repeat(500_000)}"}`;
      const asked = request([firing({ every: true })], [1]);
      Object.assign(asked.observations[0] as object, { text });
      recollection.observe(asked, T0);
      expect(recollection.pending()[0]?.pending?.data).toBe(text);
    });
  });
});

describe("what a schema refuses", () => {
  const rule = firing({ once: true });
  const schemas = new Map([[rule.emit, '{"required":["w"]}']]);

  it("costs a row only for its key, and leaves the memory as it was", async ({ expect }) => {
    await withRecollection((recollection, open, sql) => {
      const other = crossing(100);
      recollection.observe(request([other], [1]), T0);
      const before = sql.rowsWritten;
      const refused = [{ rule: rule.id, path: "data.w", message: "is required" }];
      const asked = request([rule], [1], { schemas, live: [other.id, rule.id] });
      expect(recollection.observe(asked, T0)).toMatchObject({ observations: [{ row: null, refused }] });
      for (const strict of ["observe", "judge"] as const) {
        expect(recollection.observe({ ...asked, strict }, T0)).toEqual({ kind: "refused", refused: [refused] });
      }
      expect(sql.rowsWritten - before).toBe(0);
      recollection.observe(keyed(asked, "k"), T0);
      expect(sql.rowsWritten - before).toBe(1);
      const again = open().observe(keyed(asked, "k"), T0);
      expect(again).toMatchObject({
        observations: [{ duplicate: true, row: { pending: null, outcome: { refused } } }],
      });
      expect(fired(open().observe(request([rule], [1]), T0))).toEqual([[rule.id]]);
    });
  });

  it("is asked about without a trace", async ({ expect }) => {
    await withRecollection((recollection, _, sql) => {
      const before = sql.rowsWritten;
      const asked = request([rule], [1], { strict: "judge" });
      expect(recollection.observe(asked, T0)).toEqual({ kind: "observed", observations: [] });
      expect(sql.rowsWritten - before).toBe(0);
      expect(fired(recollection.observe(request([rule], [1]), T0))).toEqual([[rule.id]]);
    });
  });
});

describe("rules that are deleted", () => {
  it("leave nothing behind, once the configuration that lacks them is not older than they are", async ({ expect }) => {
    await withRecollection((recollection, _, sql) => {
      const [gone, young] = [firing({ once: true }), firing({ once: true }, { id: newId("sig", T0) })];
      recollection.observe(request([gone, young], [1]), T0);
      const kept = firing({ once: true });
      const memory = () =>
        Object.keys(
          JSON.parse(
            sql.first<{ memory: string }>("SELECT memory FROM observations ORDER BY seq DESC LIMIT 1")?.memory ?? "",
          ),
        );
      recollection.observe(request([kept], [1], { asOf: T0 }), T0);
      expect(memory().toSorted()).toEqual([young.id, kept.id].toSorted());
      recollection.observe(request([kept], [1], { asOf: T0 + 2 * MINUTE }), T0);
      expect(memory()).toEqual([kept.id]);
    });
  });
});

describe("contacts", () => {
  const contacts = (...names: string[]) => names.map((name) => ({ identity: name, text: `{"name":"${name}"}` }));
  const ask = (trigger: string, limit: number | null, ...names: string[]) => ({
    trigger,
    action: "aut_1",
    endpoint: "ep_1",
    limit,
    contacts: contacts(...names),
  });

  it("are revealed once each, up to the limit over time, also after a restart", async ({ expect }) => {
    await withRecollection((recollection, open) => {
      const first = recollection.reveal(ask("1", 3, "a", "b", "a"), T0);
      expect(first?.pending).toMatchObject({ data: '[{"name":"a"},{"name":"b"}]', emissions: [{ endpoint: "ep_1" }] });
      settleAll(recollection);
      expect(open().reveal(ask("2", 3, "b", "c", "d"), T0)?.pending?.data).toBe('[{"name":"c"}]');
      expect(open().reveal(ask("3", 3, "e"), T0)).toBeNull();
      expect(open().reveal({ ...ask("3", 3, "a"), action: "aut_2" }, T0)?.pending?.data).toBe('[{"name":"a"}]');
      expect(open().reveal(ask("4", null, "a", "e"), T0 + 99 * DAY)?.pending?.data).toBe('[{"name":"e"}]');
    });
  });

  it("of an event that comes again change nothing", async ({ expect }) => {
    await withRecollection((recollection, open) => {
      const first = recollection.reveal(ask("1", 2, "a"), T0);
      const again = open().reveal(ask("1", 2, "a"), T0);
      expect(again).toEqual(first);
      settleAll(recollection);
      expect(open().reveal(ask("1", 2, "a", "b"), T0)?.pending).toBeNull();
    });
  });

  it("leave the rules' memory as it is", async ({ expect }) => {
    await withRecollection((recollection, open) => {
      const once = firing({ once: true });
      recollection.observe(request([once], [1]), T0);
      recollection.reveal(ask("1", 2, "a"), T0);
      expect(fired(open().observe(request([once], [1]), T0))).toEqual([[]]);
    });
  });
});
