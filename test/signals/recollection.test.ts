import { describe, it } from "vitest";
import { newId } from "../../src/lib/ids";
import { DAY, MINUTE, SECOND } from "../../src/lib/time";
import { fired, firing, request, settleAll, T0, withRecollection } from "./recollections";

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
        for (const idempotency of [undefined, { key: `k${i}`, fingerprint: "" }]) {
          const before = sql.rowsWritten;
          const asked = request(rules, [value + i]);
          if (idempotency !== undefined) Object.assign(asked.observations[0] as object, { idempotency });
          const taken = recollection.observe(asked, T0 + i * SECOND);
          expect(fired(taken)[0]?.length).toBeGreaterThan(0);
          expect(sql.rowsWritten - before).toBe(1);
          settleAll(recollection);
          expect(sql.rowsWritten - before).toBe(2);
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

  it("is no room that grows: rows are taken anew when nobody needs them any more", async ({ expect }) => {
    await withRecollection((recollection, open, sql) => {
      const rules = [firing({ every: true })];
      const count = () => sql.first<{ n: number }>("SELECT count(*) AS n FROM observations")?.n;
      for (let i = 0; i < 30; i++) {
        recollection.observe(request(rules, [i]), T0 + i);
        settleAll(recollection);
      }
      expect(count()).toBe(1);
      const keyed = (i: number, now: number) => {
        const asked = request(rules, [i]);
        Object.assign(asked.observations[0] as object, { idempotency: { key: `k${i}`, fingerprint: "" } });
        const again = open();
        again.observe(asked, now);
        settleAll(again);
      };
      for (let i = 0; i < 10; i++) keyed(i, T0 + MINUTE);
      expect(count()).toBe(10);
      for (let i = 0; i < 10; i++) keyed(10 + i, T0 + MINUTE + DAY);
      expect(count()).toBe(10);
    });
  });
});

describe("a key", () => {
  it("answers its first observation for 24 hours, and another body under it is a conflict", async ({ expect }) => {
    await withRecollection((recollection, open) => {
      const rules = [firing({ every: true })];
      const ask = (fingerprint: string) => {
        const asked = request(rules, [1]);
        Object.assign(asked.observations[0] as object, { idempotency: { key: "k", fingerprint } });
        return asked;
      };
      const first = recollection.observe(ask("f"), T0);
      settleAll(recollection);
      for (const again of [recollection, open()]) {
        const repeat = again.observe(ask("f"), T0 + DAY - 1);
        if (first.kind !== "observed" || repeat.kind !== "observed") throw new Error("a conflict");
        expect(repeat.observations[0]).toMatchObject({ duplicate: true, row: { pending: null } });
        expect(repeat.observations[0]?.row?.outcome.events).toHaveLength(1);
        expect(again.observe(ask("g"), T0 + 1)).toEqual({ kind: "conflict" });
      }
      expect(recollection.observe(ask("g"), T0 + DAY)).toMatchObject({ observations: [{ duplicate: false }] });
    });
  });

  it("that conflicts keeps the whole request from being observed", async ({ expect }) => {
    await withRecollection((recollection) => {
      const rules = [firing({ once: true })];
      const keyed = (fingerprint: string) => {
        const asked = request([], [0]);
        Object.assign(asked.observations[0] as object, { idempotency: { key: "k", fingerprint } });
        return asked;
      };
      recollection.observe(keyed("f"), T0);
      const both = request(rules, [1, 2]);
      Object.assign(both.observations[1] as object, { idempotency: { key: "k", fingerprint: "other" } });
      expect(recollection.observe(both, T0)).toEqual({ kind: "conflict" });
      expect(fired(recollection.observe(request(rules, [1]), T0))[0]).toHaveLength(1);
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
      if (row !== undefined) after.settle(row, { events: [], refused: [] });
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
      Object.assign(asked.observations[0] as object, { idempotency: { key: "k", fingerprint: "" } });
      recollection.observe(asked, T0);
      expect(sql.rowsWritten - before).toBe(1);
      const again = open().observe(asked, T0);
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
