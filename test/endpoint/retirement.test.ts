import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, it, vi } from "vitest";
import { overAt } from "../../src/endpoint/jobs/retirement";
import { DAY, SECOND } from "../../src/lib/time";
import { call, delivery, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { endpointObject } from "../send/harness";

/** 30 days of events, and what comes after. */
const OVER = 32 * DAY;

/** What an object holds. */
async function held(tenant: string, id: string) {
  return runInDurableObject(endpointObject(tenant, id) as unknown as DurableObjectStub, async (_, { storage }) => {
    const tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'";
    return { tables: storage.sql.exec(tables).toArray().length, alarm: await storage.getAlarm() };
  });
}

/** An endpoint that has delivered and is deleted at a moment that the clock is held at. */
async function deleted() {
  const tenant = await newTenant();
  const receiver = await newReceiver();
  const { id } = await newEndpoint(tenant, receiver.url);
  const event = await post(tenant);
  await delivery(tenant, event.deliveries[0], "succeeded");
  vi.useFakeTimers({ toFake: ["Date"] });
  const at = Date.now();
  vi.setSystemTime(at);
  await call("DELETE", `/v1/tenants/${tenant}/endpoints/${id}`);
  return { tenant, id, at, ref: { ...event.deliveries[0], type: "lead.hot" }, object: endpointObject(tenant, id) };
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a deleted endpoint's object", () => {
  it("keeps its log until retention is over, then is emptied and has no alarm", async ({ expect }) => {
    const { tenant, id, at, ref, object } = await deleted();
    expect((await held(tenant, id)).alarm).toBe(at + OVER);
    vi.setSystemTime(at + OVER - SECOND);
    await runDurableObjectAlarm(object);
    const kept = await object.detail(ref.id);
    expect(kept.gone).toBe(true);
    expect(kept.attempts).toHaveLength(1);
    expect((await held(tenant, id)).alarm).toBe(at + OVER);
    vi.setSystemTime(at + OVER);
    await runDurableObjectAlarm(object);
    expect(await held(tenant, id)).toEqual({ tables: 0, alarm: null });
    // In the same instance, whoever asks learns that it is gone, and leaves nothing there.
    expect(await object.look([ref.id])).toEqual({ records: [null], gone: true });
    expect(await object.adopt([ref], 0)).toBe("gone");
    expect(await object.trim(at)).toBe("trimmed");
    await object.erase([ref]);
    expect(await held(tenant, id)).toEqual({ tables: 0, alarm: null });
  });

  it.for(["look", "adopt", "admit", "trim", "erase", "detail"] as const)(
    "that is emptied stays gone when asked to %s, and is emptied again",
    async (ask, { expect }) => {
      const { tenant, id, at, ref, object } = await deleted();
      vi.setSystemTime(at + OVER);
      await runDurableObjectAlarm(object);
      await evictDurableObject(object as unknown as DurableObjectStub);
      const asks = {
        look: () => object.look([ref.id]),
        detail: () => object.detail(ref.id),
        adopt: () => object.adopt([ref], 0),
        admit: () => object.admit({ version: 1, deliveries: [ref], lane: "normal", room: 1 }),
        trim: () => object.trim(at),
        erase: () => object.erase([ref]),
      };
      const answers = {
        look: { records: [null], gone: true },
        detail: { record: null, attempts: [], gone: true },
        adopt: "gone",
        admit: expect.objectContaining({ admissions: [{ do: "drop", id: ref.id }] }),
        trim: "trimmed",
        erase: 0,
      };
      expect(await asks[ask]()).toEqual(answers[ask]);
      // One alarm, for the end of what was asked last: it never fires before, nor sends anything.
      expect((await held(tenant, id)).alarm).toBe(at + 2 * OVER);
      vi.setSystemTime(at + 2 * OVER);
      await runDurableObjectAlarm(object);
      expect(await held(tenant, id)).toEqual({ tables: 0, alarm: null });
      expect(await runDurableObjectAlarm(object)).toBe(false);
    },
  );

  it("of before there was a retention gets one when it next wakes", async ({ expect }) => {
    const { tenant, id, at, object } = await deleted();
    await runInDurableObject(object as unknown as DurableObjectStub, async (_, { storage }) => {
      storage.sql.exec("DELETE FROM state WHERE name = 'retirement'");
      await storage.deleteAlarm();
    });
    await evictDurableObject(object as unknown as DurableObjectStub);
    vi.setSystemTime(at + DAY);
    await object.trim(0);
    expect((await held(tenant, id)).alarm).toBe(at + DAY + OVER);
  });

  it("whose endpoint is there again is not emptied", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const row = await env.DB.prepare("SELECT * FROM endpoints WHERE id = ?").bind(id).first<Record<string, unknown>>();
    vi.useFakeTimers({ toFake: ["Date"] });
    const at = Date.now();
    await call("DELETE", `/v1/tenants/${tenant}/endpoints/${id}`);
    const columns = Object.keys(row ?? {});
    const insert = `INSERT INTO endpoints (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
    await env.DB.prepare(insert)
      .bind(...columns.map((column) => row?.[column]))
      .run();
    await env.DB.prepare("UPDATE endpoints SET version = version + 1000000 WHERE id = ?").bind(id).run();
    const object = endpointObject(tenant, id);
    await object.configure({});
    vi.setSystemTime(at + OVER);
    await runDurableObjectAlarm(object);
    expect((await held(tenant, id)).tables).toBeGreaterThan(0);
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints/${id}/health`)).body.state).toBe("healthy");
  });

  it("keeps its log for longer than any event that names it", ({ expect }) => {
    const closedAt = Date.UTC(2026, 0, 1, 0, 0, 1);
    // The day of the last event ends a day later at most, and its log's retention counts from there.
    expect(overAt(closedAt, 30 * DAY)).toBeGreaterThan(Date.UTC(2026, 0, 2) + 30 * DAY + DAY / 2);
  });
});

describe("what D1 knows of a deleted endpoint", () => {
  const rows = async (tenant: string) =>
    (
      await env.DB.prepare("SELECT id FROM former_endpoints WHERE tenant = ? ORDER BY id").bind(tenant).all()
    ).results.map(({ id }) => id as string);
  const remove = async (tenant: string) => {
    const { id } = await newEndpoint(tenant, "https://receiver.example/");
    await call("DELETE", `/v1/tenants/${tenant}/endpoints/${id}`);
    return id as string;
  };

  beforeEach(async () => {
    await env.DB.prepare("DELETE FROM former_endpoints").run();
  });

  it("goes with later deletions once its log is over, after its object is empty", async ({ expect }) => {
    const { tenant, id, at, object } = await deleted();
    vi.setSystemTime(at + 36 * DAY);
    const second = await remove(tenant);
    expect(await rows(tenant)).toEqual([id, second].toSorted());
    // As one of before objects emptied themselves.
    await runInDurableObject(object as unknown as DurableObjectStub, (_, { storage }) => storage.deleteAlarm());
    vi.setSystemTime(at + 37 * DAY);
    const third = await remove(tenant);
    await until("the first to be forgotten", async () => !(await rows(tenant)).includes(id));
    expect(await rows(tenant)).toEqual([second, third].toSorted());
    expect(await held(tenant, id)).toEqual({ tables: 0, alarm: null });
  });

  it("counts from now on where it was not written down when", async ({ expect }) => {
    const tenant = await newTenant();
    vi.useFakeTimers({ toFake: ["Date"] });
    const at = Date.now() + 100 * DAY;
    vi.setSystemTime(at);
    await env.DB.prepare("INSERT INTO former_endpoints (tenant, id) VALUES (?, 'ep_old')").bind(tenant).run();
    await remove(tenant);
    const dated = async () =>
      env.DB.prepare("SELECT removed_at FROM former_endpoints WHERE id = 'ep_old'").first("removed_at");
    await until("a time", async () => (await dated()) === at);
    vi.setSystemTime(at + 37 * DAY);
    await remove(tenant);
    await until("it to be forgotten", async () => !(await rows(tenant)).includes("ep_old"));
    expect(await rows(tenant)).toHaveLength(1);
  });
});
