import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { Sql } from "../../src/lib/sql";
import { DAY } from "../../src/lib/time";
import { Recollection } from "../../src/signals/recollection";
import { ENTITY_STEPS } from "../../src/signals/tables";
import { fresh } from "../lib/fresh";
import { fired, firing, keyed, request, settleAll, T0 } from "./recollections";

interface Stored {
  slot: number;
  seq: number;
  key?: string;
  fingerprint?: string;
  pending?: string;
  data?: string;
  outcome?: string;
  memory?: string;
}

/** Runs `use` on the tables of an entity as they were when each key had a row of observations. */
function withFormerTables(stored: Stored[], use: (open: () => Recollection, sql: Sql) => void): Promise<void> {
  const stub = env.ENTITY.getByName(`t/0/${fresh("e")}`) as unknown as DurableObjectStub;
  return runInDurableObject(stub, (_, { storage }) => {
    const sql = new Sql(storage.sql);
    sql.migrate(ENTITY_STEPS.slice(0, 1));
    for (const { slot, seq, key, fingerprint, pending, data, outcome, memory } of stored) {
      sql.all(
        `INSERT INTO observations (slot, seq, at, key, fingerprint, pending, data, outcome, memory)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        slot,
        seq,
        T0,
        key ?? null,
        fingerprint ?? null,
        pending ?? null,
        data ?? null,
        outcome ?? '{"events":[],"refused":[]}',
        memory ?? "{}",
      );
    }
    use(() => new Recollection(sql), sql);
  });
}

const rule = firing({ once: true });
const outcome = (id: string) => JSON.stringify({ events: [{ rule: rule.id, id, event: "it.fired" }], refused: [] });
const ULID = "01JD0000000000000000000000";
const emissions = [{ rule: rule.id, event: "it.fired" }];

describe("an entity stored when each key had a row of observations", () => {
  const stored: Stored[] = [
    { slot: 0, seq: 5, memory: JSON.stringify({ [rule.id]: { once: true } }) },
    { slot: 1, seq: 2, key: `o:0:${T0 - 5}:k:1`, fingerprint: "f", outcome: outcome("evt_k") },
    {
      slot: 2,
      seq: 3,
      key: `o:11:${T0 - 5}:waits`,
      fingerprint: "f",
      pending: JSON.stringify({ id: "obs_1", timestamp: T0, emissions }),
      data: '{"v":7}',
    },
    { slot: 3, seq: 1, key: `r:${ULID}:aut_1`, fingerprint: "", outcome: outcome("evt_r") },
    {
      slot: 4,
      seq: 4,
      key: `r:${ULID}:aut_2`,
      fingerprint: "",
      pending: JSON.stringify({ id: "obs_2", timestamp: T0, emissions: [{ ...emissions[0], endpoint: "ep_1" }] }),
      data: '[{"v":8}]',
    },
  ];

  it("knows its keys for the rest of their day, and its rules what they knew", async ({ expect }) => {
    await withFormerTables(stored, (open, sql) => {
      const repeat = open().observe(keyed(request([rule], [1]), "k:1", T0 + 9), T0 + DAY - 1);
      expect(repeat).toMatchObject({
        observations: [{ duplicate: true, row: { outcome: { events: [{ id: "evt_k" }] } } }],
      });
      const reveal = { trigger: ULID, action: "aut_1", endpoint: "ep_1", limit: null, contacts: [] };
      expect(open().reveal(reveal, T0 + 1)?.outcome.events).toMatchObject([{ id: "evt_r" }]);
      expect(fired(open().observe(request([rule], [1]), T0 + 1))).toEqual([[]]);
      const next = open().observe(keyed(request([rule], [1]), "k:1", T0 + DAY), T0 + DAY);
      expect(next).toMatchObject({ observations: [{ duplicate: false }] });
      // What waits has a row, and what the rules remember.
      expect(sql.first<{ n: number }>("SELECT count(*) AS n FROM observations")?.n).toBe(3);
    });
  });

  it("emits what waits, once, and knows its key too", async ({ expect }) => {
    await withFormerTables(stored, (open) => {
      const again = keyed(request([rule], Array(12).fill(1)), "waits", T0 + 9);
      const repeat = () => open().observe({ ...again, observations: again.observations.slice(11) }, T0 + 1);
      expect(repeat()).toMatchObject({ observations: [{ duplicate: true, row: { pending: { data: '{"v":7}' } } }] });
      const waiting = settleAll(open());
      expect(waiting.map(({ pending }) => [pending?.data, pending?.source])).toEqual([
        ['{"v":7}', undefined],
        ['[{"v":8}]', ULID],
      ]);
      expect(open().hasPending).toBe(false);
      expect(repeat()).toMatchObject({ observations: [{ duplicate: true, row: { pending: null } }] });
      // Their places are taken by nobody else while they wait.
      const every = firing({ every: true });
      open().observe(request([every], [1]), T0 + 2);
      open().observe(request([every], [2]), T0 + 3);
      expect(open().pending()).toHaveLength(2);
    });
  });
});

describe("an object that kept one key", () => {
  it("is emptied by its alarm", async ({ expect }) => {
    const stub = env.ENTITY.getByName(`t/0/${fresh("key:")}`) as unknown as DurableObjectStub;
    await runInDurableObject(stub, async (_, { storage }) => {
      new Sql(storage.sql).migrate(["CREATE TABLE claim (at INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL)"]);
      await storage.setAlarm(Date.now() + DAY);
    });
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    const left = await runInDurableObject(stub, async (_, { storage }) => [
      new Sql(storage.sql).isEmpty,
      await storage.getAlarm(),
    ]);
    expect(left).toEqual([true, null]);
  });
});
