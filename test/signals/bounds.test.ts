import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { app } from "../../src/api/app";
import { encodeTime } from "../../src/lib/ids";
import { DAY, dayOf } from "../../src/lib/time";
import { MAX_PENDING, MAX_PENDING_LENGTH, MAX_REVEALED } from "../../src/signals/recollection";
import { call, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { logObject } from "../send/harness";
import { firing, request, settleAll, T0, withRecollection } from "./recollections";
import { entityObject, logged, newSignal, observe, seen } from "./world";

describe("what waits to be emitted", () => {
  const every = firing({ every: true });

  it("is so much at most: then nothing more fires, and what fires nothing is observed", async ({ expect }) => {
    await withRecollection((recollection, open, sql) => {
      const text = JSON.stringify({ v: "x".repeat(100_000) });
      const asked = request([every], [1]);
      Object.assign(asked.observations[0] as object, { text });
      let taken = 0;
      while (recollection.observe(asked, T0).kind === "observed") taken++;
      expect(taken).toBe(Math.floor(MAX_PENDING_LENGTH / text.length));
      const written = sql.rowsWritten;
      for (const again of [recollection, open()]) expect(again.observe(asked, T0)).toEqual({ kind: "full" });
      expect(sql.rowsWritten).toBe(written);
      const quiet = firing({ crosses: { path: "v", threshold: 5 } });
      expect(recollection.observe(request([quiet], [1]), T0).kind).toBe("observed");
      expect(recollection.observe(request([every, quiet], [1]), T0).kind).toBe("observed");
      settleAll(recollection);
      expect(recollection.observe(asked, T0).kind).toBe("observed");
    });
  });

  it("is so many at most, of a batch none if not all", async ({ expect }) => {
    await withRecollection((recollection, open) => {
      for (let i = 0; i < MAX_PENDING - 50; i += 50) recollection.observe(request([every], Array(50).fill(i)), T0);
      expect(recollection.observe(request([every], Array(51).fill(0)), T0)).toEqual({ kind: "full" });
      expect(open().pending()).toHaveLength(MAX_PENDING - 50);
      expect(open().observe(request([every], Array(50).fill(0)), T0).kind).toBe("observed");
      const contacts = [{ identity: "a", text: "{}" }];
      const reveal = { trigger: "1", action: "aut_1", endpoint: "ep_1", limit: null, contacts };
      const full = open();
      expect(() => full.reveal(reveal, T0)).toThrow(/waits/);
      settleAll(full);
      expect(full.reveal(reveal, T0)).not.toBeNull();
    });
  });

  it("is said to whoever posts more: 503, until it is emitted", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { every: true });
    const stub = (await entityObject(tenant, "a.com")) as unknown as DurableObjectStub;
    const away = { getByName: () => ({ appendAll: () => Promise.reject(new Error("Network connection lost")) }) };
    const rebind = (bindings: object) =>
      runInDurableObject(stub, (entity) => {
        Object.defineProperty(entity, "env", { value: { ...env, ...bindings }, configurable: true });
      });
    await rebind({ EVENT_LOG: away });
    // Faster than a tenant may.
    const postAll = async (path: string, posted: object) => {
      const headers = { Authorization: `Bearer ${env.OPERATOR_KEY}`, "Content-Type": "application/json" };
      const init = { method: "POST", headers, body: JSON.stringify(posted) };
      return app.request(`/v1/tenants/${tenant}/observations${path}`, init, { ...env, ACCEPT_RATE: undefined });
    };
    const observations = Array.from({ length: 100 }, (_, i) => seen("a.com", i));
    for (let i = 0; i < MAX_PENDING / 100; i++) expect((await postAll("/batch", { observations })).status).toBe(503);
    const refused = await postAll("", seen("a.com", 1));
    expect([refused.status, Number(refused.headers.get("Retry-After")) > 0]).toEqual([503, true]);
    expect(await refused.text()).toMatch(/emitted/);
    expect((await postAll("", seen("b.com", 1))).status).toBe(202);
    await rebind({});
    await runDurableObjectAlarm(stub);
    expect((await postAll("", seen("a.com", 1))).status).toBe(202);
    const events = await runInDurableObject(logObject(tenant) as unknown as DurableObjectStub, (_, { storage }) =>
      storage.sql.exec("SELECT count(*) AS n FROM events").one(),
    );
    expect(events).toEqual({ n: MAX_PENDING + 2 });
  });

  it("keeps nothing else waiting when it cannot be emitted", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const endpoint = (await newEndpoint(tenant, receiver.url, { events: [] })).id;
    await newSignal(tenant, { once: true }, { emit: "hot" });
    const room = await entityObject(tenant, "a.com");
    const stub = room as unknown as DurableObjectStub;
    const rebind = (log: object) =>
      runInDurableObject(stub, (entity) => {
        Object.defineProperty(entity, "env", { value: { ...env, EVENT_LOG: log }, configurable: true });
      });
    const lost = () => Promise.reject(new Error("Network connection lost"));
    await rebind({ getByName: () => ({ append: lost, appendAll: lost, noteDerived: lost }) });
    const contacts = [{ identity: "a", text: "{}" }];
    // Of a day whose log is out of reach, of today's, and an observation after both.
    const yesterday = `${encodeTime(Date.now() - DAY)}0000000000000000`;
    const today = `${encodeTime(Date.now())}0000000000000000`;
    for (const [trigger, action] of [
      [yesterday, "aut_1"],
      [today, "aut_2"],
    ] as const) {
      await room.reveal({ trigger, action, endpoint, limit: null, contacts });
    }
    await observe(tenant, seen("a.com"));
    await rebind({
      getByName: (name: string) => ({
        append: (asked: never, versions: never) => env.EVENT_LOG.getByName(name).append(asked, versions),
        appendAll: (asked: never, versions: never) => env.EVENT_LOG.getByName(name).appendAll(asked, versions),
        noteDerived: name.endsWith(dayOf(Date.now())) ? async () => false : lost,
      }),
    });
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    const { rows, alarm } = await runInDurableObject(stub, async (_, { storage }) => ({
      rows: storage.sql.exec("SELECT key FROM observations WHERE pending IS NOT NULL").toArray(),
      alarm: await storage.getAlarm(),
    }));
    expect(rows).toEqual([{ key: `r:${yesterday}:aut_1` }]);
    expect(alarm).not.toBeNull();
    expect((await logged(tenant)).map(({ event }) => event)).toEqual(["hot", "contact_revealed"]);
  });

  it("goes to the log in calls of a few megabytes, however many rules make something of it", async ({ expect }) => {
    const tenant = await newTenant();
    for (let i = 0; i < 12; i++) {
      const crosses = { path: "company.leadScore", threshold: i };
      await newSignal(tenant, { crosses }, { attach: { before: "previous" } });
    }
    const stub = (await entityObject(tenant, "a.com")) as unknown as DurableObjectStub;
    const calls: number[] = [];
    const counting = {
      getByName: (name: string) => ({
        appendAll: (asked: { events: { data: string }[] }, versions: never) => {
          calls.push(asked.events.reduce((sum, { data }) => sum + data.length, 0));
          return env.EVENT_LOG.getByName(name).appendAll(asked as never, versions);
        },
      }),
    };
    await runInDurableObject(stub, (entity) => {
      Object.defineProperty(entity, "env", { value: { ...env, EVENT_LOG: counting }, configurable: true });
    });
    const { body } = await observe(tenant, seen("a.com", 50, { page: "x".repeat(900_000) }));
    expect(body.events).toHaveLength(12);
    expect(calls).toEqual(Array(3).fill(expect.any(Number)));
    expect(Math.max(...calls)).toBeLessThanOrEqual(4_000_000);
  });
});

describe("contacts that an action has revealed of a company", () => {
  it("are so many at most, over time, and asking after one reads no more for the others", async ({ expect }) => {
    await withRecollection((recollection, open, sql) => {
      const reveal = (trigger: string, from: number, count: number, limit: number | null = null) =>
        recollection.reveal(
          {
            trigger,
            action: "aut_1",
            endpoint: "ep_1",
            limit,
            contacts: Array.from({ length: count }, (_, i) => ({
              identity: `c${from + i}`,
              text: `{"n":${from + i}}`,
            })),
          },
          T0,
        );
      const found = reveal("1", 0, MAX_REVEALED - 2);
      expect(JSON.parse(found?.pending?.data ?? "[]")).toHaveLength(MAX_REVEALED - 2);
      settleAll(recollection);
      const before = sql.rowsRead;
      expect(reveal("2", 0, 3)).toBeNull();
      expect(sql.rowsRead - before).toBeLessThan(20);
      expect(reveal("3", MAX_REVEALED - 4, 9)?.pending?.data).toBe(
        `[{"n":${MAX_REVEALED - 2}},{"n":${MAX_REVEALED - 1}}]`,
      );
      settleAll(recollection);
      expect(reveal("4", MAX_REVEALED, 1)).toBeNull();
      expect(
        open().reveal({ trigger: "5", action: "aut_1", endpoint: "ep_1", limit: null, contacts: [] }, T0),
      ).toBeNull();
    });
  });
});

describe("a dry run", () => {
  it("that would answer more than a few megabytes is refused with the number", async ({ expect }) => {
    const tenant = await newTenant();
    const rules = Array.from({ length: 20 }, (_, i) => ({
      name: `r${i}`,
      emit: "it.fired",
      entity: "company.domain",
      when: { every: true },
    }));
    const path = `/v1/tenants/${tenant}/signals/test`;
    const observations = [seen("a.com", 1, { page: "x".repeat(500_000) })];
    const { status, body } = await call("POST", path, { rules, observations });
    expect([status, body.errors[0].path]).toEqual([422, "observations"]);
    expect(body.errors[0].message).toContain("4000000");
    const few = await call("POST", path, { rules: rules.slice(0, 7), observations });
    expect([few.status, few.body.data[0].events.length]).toEqual([200, 7]);
  });
});
