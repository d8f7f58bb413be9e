import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { type Env, retentionMs } from "../../src/contracts/env";
import { Endpoint } from "../../src/endpoint/object";
import { Sql } from "../../src/lib/sql";
import { addDays, DAY, dayOf, dayStart, HOUR, MINUTE } from "../../src/lib/time";
import { call, delivery, deliveryPath, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import { appendOnly, endpointObject, logObject } from "../send/harness";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Lets time pass at a stroke, for the Worker and its objects; their alarms the test runs. */
function at(ms: number): void {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(ms);
}

const RETENTION = 30 * DAY;

function alarmOf(object: unknown): Promise<number | null> {
  return runInDurableObject(object as DurableObjectStub, (_, state) => state.storage.getAlarm());
}

/** Whether nothing at all is stored in an object, not even tables. */
function isEmpty(object: unknown): Promise<boolean> {
  return runInDurableObject(object as DurableObjectStub, (_, state) => new Sql(state.storage.sql).isEmpty);
}

function rowsOf(object: unknown): Promise<{ id: string; status: string }[]> {
  return runInDurableObject(object as DurableObjectStub, (_, state) =>
    new Sql(state.storage.sql).all("SELECT id, status FROM deliveries ORDER BY id"),
  );
}

/** Runs the log's alarm until the day is gone; answers how often it ran. */
async function drop(log: ReturnType<typeof logObject>): Promise<number> {
  for (let runs = 0; ; runs++) {
    if (await isEmpty(log)) return runs;
    if (runs === 50) throw new Error("the day is not dropped");
    await runDurableObjectAlarm(log);
  }
}

describe("retention", () => {
  it("drops a day of events with their deliveries, once it is over", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url);
    const now = Date.now();
    const log = logObject(tenant);
    const event = await post(tenant);
    await delivery(tenant, event.deliveries[0], "succeeded");
    const end = dayStart(dayOf(now)) + DAY + RETENTION;

    // The log has one alarm: first for the handover, from then on for the end of retention.
    at(now + 10 * MINUTE);
    await runDurableObjectAlarm(log);
    expect(await alarmOf(log)).toBe(end);
    at(end - MINUTE);
    await runDurableObjectAlarm(log);
    expect((await call("GET", `/v1/tenants/${tenant}/events/${event.id}`)).body.deliveries).toHaveLength(1);

    at(end + MINUTE);
    expect(await drop(log)).toBe(1);
    expect(await alarmOf(log)).toBeNull();
    expect(await rowsOf(endpointObject(tenant, id))).toEqual([]);
    for (const path of ["", "/explain", "/replay", "/content"]) {
      const method = path === "/replay" ? "POST" : path === "/content" ? "DELETE" : "GET";
      expect((await call(method, `/v1/tenants/${tenant}/events/${event.id}${path}`)).status, path).toBe(404);
    }
    expect((await call("GET", deliveryPath(tenant, event.deliveries[0]))).status).toBe(404);
    expect((await call("POST", `${deliveryPath(tenant, event.deliveries[0])}/resend`)).status).toBe(404);
    for (const list of ["events", "deliveries", `endpoints/${id}/deliveries`]) {
      const { body } = await call("GET", `/v1/tenants/${tenant}/${list}`);
      expect(body.data, list).toEqual([]);
    }
    // Looking has brought nothing back.
    expect(await isEmpty(log)).toBe(true);
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("ends what is held, and leaves alone what is unfinished or younger", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 });
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [43_200] });
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    const now = Date.now();
    const log = logObject(tenant);
    const unfinished = (await post(tenant)).deliveries[0];
    await delivery(tenant, unfinished, "retrying");
    await call("PATCH", path, { enabled: false });
    const held = (await post(tenant)).deliveries[0];
    await delivery(tenant, held, "held");
    // A person asks for it again: it is unfinished when its day goes.
    await call("PATCH", path, { enabled: true });
    await runInDurableObject(endpointObject(tenant, id) as unknown as DurableObjectStub, (_, state) =>
      new Sql(state.storage.sql).all(
        "UPDATE deliveries SET status = 'retrying', due = ? WHERE id = ?",
        now + 400 * DAY,
        unfinished.id,
      ),
    );
    at(dayStart(dayOf(now)) + DAY + RETENTION + MINUTE);
    const young = (await appendOnly(tenant, [id])).refs[0] as { id: string; type: string };
    await endpointObject(tenant, id).adopt([young], HOUR);
    await drop(log);
    expect(await rowsOf(endpointObject(tenant, id))).toEqual([
      { id: unfinished.id, status: "retrying" },
      { id: young.id, status: "pending" },
    ]);
  });

  it("keeps a day that an endpoint has not confirmed, until it has", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const now = Date.now();
    const log = logObject(tenant);
    const { refs } = await appendOnly(tenant, [id]);
    const adopt = vi.spyOn(Endpoint.prototype, "adopt").mockRejectedValue(new Error("out of reach"));
    at(dayStart(dayOf(now)) + DAY + RETENTION + MINUTE);
    for (let i = 0; i < 3; i++) {
      await runDurableObjectAlarm(log);
      expect(await isEmpty(log)).toBe(false);
    }
    expect(adopt).toHaveBeenCalledTimes(3);
    adopt.mockRestore();
    await drop(log);
    expect(await rowsOf(endpointObject(tenant, id))).toEqual([{ id: refs[0]?.id, status: "pending" }]);
  });

  it("is tried again later while an endpoint is out of reach", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const log = logObject(tenant);
    const event = await post(tenant);
    await delivery(tenant, event.deliveries[0], "succeeded");
    const trim = vi.spyOn(Endpoint.prototype, "trim").mockRejectedValue(new Error("out of reach"));
    const end = dayStart(dayOf(Date.now())) + DAY + RETENTION;
    at(end + MINUTE);
    await runDurableObjectAlarm(log);
    await runDurableObjectAlarm(log);
    expect(trim).toHaveBeenCalledTimes(1);
    expect(await alarmOf(log)).toBeGreaterThan(end + 5 * MINUTE);
    trim.mockRestore();
    at(end + 10 * MINUTE);
    await drop(log);
    expect(await rowsOf(endpointObject(tenant, id))).toEqual([]);
  });

  it("takes callbacks along, whose objects are named in their events alone", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const log = logObject(tenant);
    const answer = await call("POST", `/v1/tenants/${tenant}/events?webhook_url=${encodeURIComponent(receiver.url)}`, {
      event: "save_lead",
      data: {},
    });
    const [{ endpoint }] = answer.body.deliveries;
    await receiver.arrived();
    const object = endpointObject(tenant, endpoint);
    expect(await isEmpty(object)).toBe(false);
    at(dayStart(dayOf(Date.now())) + DAY + RETENTION + MINUTE);
    await drop(log);
    expect(await isEmpty(object)).toBe(true);
  });

  it("goes on where it was when the log is evicted, a bounded number of rows at a time", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const log = logObject(tenant);
    await appendOnly(tenant, [id]);
    const object = endpointObject(tenant, id);
    const now = Date.now();
    await object.look([]);
    await runInDurableObject(object as unknown as DurableObjectStub, (_, state) =>
      new Sql(state.storage.sql).all(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
         INSERT INTO deliveries (id, event, status) SELECT 'dlv_00000000' || printf('%018d', i) || '0', 'e', 'succeeded' FROM n`,
      ),
    );
    at(dayStart(dayOf(now)) + DAY + RETENTION + MINUTE);
    await runDurableObjectAlarm(log);
    const left = (await rowsOf(object)).length;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThan(5_000);
    await evictDurableObject(log);
    expect(await drop(log)).toBeGreaterThan(0);
    // Its own delivery was handed over by the same alarm, and is unfinished.
    expect(await rowsOf(object)).toHaveLength(1);
  });

  it("also ends for a day that has nothing but closed keys", async ({ expect }) => {
    const tenant = await newTenant();
    const day = addDays(dayOf(Date.now()), -1);
    await call("POST", `/v1/tenants/${tenant}/events`, { event: "e", data: {} }, { "Idempotency-Key": "k" });
    const log = env.EVENT_LOG.getByName(`${tenant}/${day}`) as ReturnType<typeof logObject>;
    expect(await alarmOf(log)).toBe(dayStart(day) + DAY + RETENTION);
    at(dayStart(day) + DAY + RETENTION + MINUTE);
    expect(await drop(log)).toBe(1);
  });
});

describe("RETENTION_DAYS", () => {
  const days = (text?: string) => retentionMs({ RETENTION_DAYS: text } as unknown as Env) / DAY;

  it("is 30 unless set, and never shorter than the longest schedule and a day", ({ expect }) => {
    expect([days(), days(""), days("nonsense"), days("-1"), days("0")]).toEqual([30, 30, 30, 30, 30]);
    expect([days("90"), days("12"), days("1")]).toEqual([90, 12, 12]);
    expect((20 * 12 * HOUR * 11) / 10 + DAY).toBeLessThanOrEqual(days("1") * DAY);
  });
});
