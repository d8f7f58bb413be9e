import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect as expectOf, it, vi } from "vitest";
import { OperatorEvents } from "../../src/accept/operator-events";
import { type DeliveryError, type Outcome, reportOf } from "../../src/contracts/delivery";
import type { OperatorEvent } from "../../src/contracts/entry-points";
import { operatorEvents } from "../../src/contracts/find";
import type { EndpointSettings } from "../../src/contracts/settings";
import { Ledger } from "../../src/endpoint/ledger";
import { type Alert, cross } from "../../src/endpoint/policy/alerts";
import { afterFailure, type FailureWindow } from "../../src/endpoint/policy/failure-window";
import { EventLog } from "../../src/event-log/object";
import { deliveryId, encodeTime, eventId } from "../../src/lib/ids";
import { Sql } from "../../src/lib/sql";
import { DAY, dayOf, HOUR, iso, SECOND } from "../../src/lib/time";
import { call, delivery, fresh, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { holds } from "../lib/property";
import { endpointObject } from "../send/harness";

const T0 = Date.parse("2026-11-21T00:00:00.000Z");
const WEEK = (7 * DAY) / SECOND;

describe("what the operator is told", () => {
  /** Plays attempts (`false`: failed) at these times against window and policy, as the ledger does. */
  function play(history: readonly { at: number; ok: boolean }[], length: number) {
    let window: FailureWindow | null = null;
    let alert: Alert | null = null;
    let enabled = true;
    const told: { at: number; event: string }[] = [];
    const take = (happening: Parameters<typeof cross>[1], at: number) => {
      const crossed = cross(alert, happening);
      alert = crossed.alert;
      if (crossed.event !== null) told.push({ at, event: crossed.event });
    };
    for (const { at, ok } of history) {
      if (!enabled) {
        take({ kind: "enabled" }, at);
        [enabled, window] = [true, null];
      }
      if (ok) {
        take({ kind: "succeeded" }, at);
        window = null;
        continue;
      }
      const after = afterFailure(window, at, length);
      window = after.window;
      if (after.disable) {
        take({ kind: "disabled", failingSince: window.failingSince }, at);
        enabled = false;
      } else take({ kind: "failed", at, window }, at);
    }
    return told;
  }
  const failures = (...times: number[]) => times.map((at) => ({ at, ok: false }));

  it("is failing at the first failure in the second half of the window, disabled at its end, then recovered", ({
    expect,
  }) => {
    const half = 3.5 * DAY;
    const history = [
      ...failures(0, half - 1, half, half + 1, 6 * DAY, 7 * DAY, 7 * DAY + 1),
      { at: 8 * DAY, ok: true },
      { at: 9 * DAY, ok: true },
    ];
    expect(play(history, WEEK)).toEqual([
      { at: half, event: "endpoint.failing" },
      { at: 7 * DAY, event: "endpoint.disabled" },
      { at: 8 * DAY, event: "endpoint.recovered" },
    ]);
  });

  it("is nothing of failures that end before half the window, nor of a window without an end", ({ expect }) => {
    expect(play([...failures(0, 1, 3.5 * DAY - 1), { at: 3.5 * DAY, ok: true }], WEEK)).toEqual([]);
    expect(play([...failures(0, 10 * DAY, 400 * DAY), { at: 500 * DAY, ok: true }], 0)).toEqual([]);
  });

  it("is nothing of two isolated failures a week apart", ({ expect }) => {
    expect(play(failures(0, 8 * DAY), WEEK)).toEqual([]);
  });

  it("over any history: each line once between recoveries, and a recovery only after one of them", () => {
    const attempt = fc.record({ wait: fc.integer({ min: 1, max: 3 * DAY }), ok: fc.nat(9).map((n) => n === 0) });
    holds(
      fc.property(
        fc.array(attempt, { maxLength: 60, size: "max" }),
        fc.constantFrom(0, 3600, WEEK),
        (steps, length) => {
          let at = 0;
          const history = steps.map(({ wait, ok }) => {
            at += wait;
            return { at, ok };
          });
          const told = play(history, length);
          if (length === 0) expectOf(told).toEqual([]);
          // Two of a kind follow each other only when the endpoint was switched on again between them.
          for (const [i, { event }] of told.entries()) {
            const before = told[i - 1]?.event ?? "endpoint.recovered";
            const possible: Record<string, string[]> = {
              "endpoint.failing": ["endpoint.recovered", "endpoint.disabled"],
              "endpoint.disabled": ["endpoint.recovered", "endpoint.failing", "endpoint.disabled"],
              "endpoint.recovered": ["endpoint.failing", "endpoint.disabled"],
            };
            expectOf(possible[event], `${event} after ${before}`).toContain(before);
          }
          // And none is missed: every success after a line is told, and at most one for each.
          for (const { at: when, ok } of history) {
            const last = told.filter((one) => one.at < when).at(-1)?.event ?? "endpoint.recovered";
            const recovered = told.some((one) => one.at === when && one.event === "endpoint.recovered");
            expectOf(recovered).toBe(ok && last !== "endpoint.recovered");
          }
        },
      ),
      500,
    );
  });
});

const SETTINGS: EndpointSettings = {
  tenant: "acme",
  endpoint: "ep_1",
  uid: "crm",
  name: "CRM",
  version: 1,
  url: "https://receiver.example/",
  method: "POST",
  profile: "clearview",
  format: "envelope",
  signature: { scheme: "hex", header: "X-Webhook-Signature" },
  owner: "acme/ep_1",
  sealedHeaders: { Authorization: "v1.sealed.header" },
  sealedSecret: "v1.sealed.secret",
  sealedNext: null,
  nextFrom: null,
  retry: [30],
  timeout: 10,
  disableAfter: WEEK,
  rateLimit: null,
};

/** Runs `use` with a ledger on the real storage of an object of its own, driven by the test's clock. */
function withLedger<T>(use: (ledger: Ledger, open: () => Ledger) => T, settings: Partial<EndpointSettings> = {}) {
  const stub = env.ENDPOINT.getByName(`${fresh("t")}/ep`) as unknown as DurableObjectStub;
  return runInDurableObject(stub, (_, state) => {
    const open = () => new Ledger(new Sql(state.storage.sql), () => 0);
    const ledger = open();
    ledger.state.configure({ ...SETTINGS, ...settings }, { enabled: true, disabledReason: null, disabledAt: null });
    ledger.save(T0);
    return use(ledger, open);
  });
}

let serial = 0;
function someDelivery(at: number) {
  const ulid = `${encodeTime(at)}${String(++serial).padStart(16, "0")}`;
  return { id: deliveryId(ulid, 0), type: "lead.hot", eventId: eventId(ulid) };
}

/** Begins an attempt, through the slow lane where the endpoint has begun to fail, and answers how to end it. */
function begin(ledger: Ledger, now: number, ref: { id: string; type: string; test?: boolean } = someDelivery(now)) {
  ledger.release(now);
  let [admission] = ledger.admit([ref], now).admissions;
  if (admission?.do === "wait") {
    const { lane } = ledger.release(now);
    [admission] = ledger.admit([ref], now, { lane, room: 1 }).admissions;
  }
  if (admission?.do !== "send") throw new Error(`${ref.id} was not admitted`);
  const { attemptId, number } = admission;
  return (error: DeliveryError | null, at = now): Outcome => ({
    kind: "attempted",
    delivery: ref,
    retryAfter: null,
    attempt: reportOf({
      id: attemptId,
      number,
      at,
      durationMs: 0,
      statusCode: error === null ? 200 : 500,
      error,
      trigger: "scheduled",
      format: "envelope",
      request: { method: "POST", url: "https://receiver.example/", headers: {} },
      response: null,
    }),
  });
}

function attempt(ledger: Ledger, error: DeliveryError | null, now: number, ref?: Parameters<typeof begin>[2]): void {
  ledger.record([begin(ledger, now, ref)(error)], now);
}

function untold(ledger: Ledger): (Omit<OperatorEvent, "data"> & { data: Record<string, unknown> })[] {
  return ledger.outbox.due(Number.MAX_SAFE_INTEGER).map((one) => ({ ...one, data: JSON.parse(one.data) }));
}
const kinds = (ledger: Ledger) => untold(ledger).map(({ type }) => type);

describe("the ledger's outbox", () => {
  it("has each line that the endpoint crosses, with what the operator needs and no secrets", async ({ expect }) => {
    await withLedger((ledger) => {
      for (const at of [0, 1 * DAY, 4 * DAY, 5 * DAY, 7 * DAY]) attempt(ledger, "status", T0 + at);
      ledger.enable(T0 + 8 * DAY);
      attempt(ledger, null, T0 + 8 * DAY + HOUR);
      attempt(ledger, null, T0 + 8 * DAY + 2 * HOUR);
      const endpoint = { id: "ep_1", uid: "crm", name: "CRM", url: "https://receiver.example/" };
      const common = { tenant: "acme", endpoint, failingSince: iso(T0) };
      expect(untold(ledger).map(({ type, timestamp, data }) => ({ type, timestamp, data }))).toEqual([
        {
          type: "endpoint.failing",
          timestamp: T0 + 4 * DAY,
          data: { ...common, disablesAt: iso(T0 + 7 * DAY) },
        },
        {
          type: "endpoint.disabled",
          timestamp: T0 + 7 * DAY,
          data: { ...common, disabledReason: "failing", disabledAt: iso(T0 + 7 * DAY) },
        },
        {
          type: "endpoint.recovered",
          timestamp: T0 + 8 * DAY + HOUR,
          data: { ...common, recoveredAt: iso(T0 + 8 * DAY + HOUR) },
        },
      ]);
      expect(JSON.stringify(untold(ledger))).not.toContain("sealed");
    });
  });

  it("has a delivery that has used its last retry, once, and again when a person's resend has", async ({ expect }) => {
    await withLedger((ledger) => {
      const ref = someDelivery(T0);
      attempt(ledger, "status", T0, ref);
      expect(kinds(ledger)).toEqual([]);
      const last = begin(ledger, T0 + 30 * SECOND, ref)("timeout");
      ledger.record([last], T0 + 40 * SECOND);
      ledger.record([last, last], T0 + 41 * SECOND);
      expect(untold(ledger)).toMatchObject([
        {
          type: "delivery.exhausted",
          timestamp: T0 + 40 * SECOND,
          data: {
            tenant: "acme",
            endpoint: { id: "ep_1" },
            delivery: {
              id: ref.id,
              eventId: ref.eventId,
              event: "lead.hot",
              attempts: 2,
              lastStatusCode: 500,
              lastError: "timeout",
            },
          },
        },
      ]);
      ledger.resend(ref, T0 + HOUR);
      attempt(ledger, "status", T0 + HOUR, ref);
      attempt(ledger, "status", T0 + HOUR + 30 * SECOND, ref);
      expect(kinds(ledger)).toEqual(["delivery.exhausted", "delivery.exhausted"]);
    });
  });

  it("has one of each although many attempts cross the same line at once", async ({ expect }) => {
    await withLedger((ledger) => {
      attempt(ledger, "status", T0);
      attempt(ledger, "status", T0 + DAY);
      for (const [at, kind] of [
        [4 * DAY, "endpoint.failing"],
        [7 * DAY, "endpoint.disabled"],
      ] as const) {
        const flying = Array.from({ length: 5 }, () => begin(ledger, T0 + at));
        for (const finish of flying) ledger.record([finish("status")], T0 + at + SECOND);
        expect(kinds(ledger).filter((one) => one === kind)).toEqual([kind]);
      }
      expect(kinds(ledger)).toEqual(["endpoint.failing", "endpoint.disabled"]);
    });
  });

  it("tells a 410 as disabled, and a success that comes late to a disabled endpoint as nothing yet", async ({
    expect,
  }) => {
    await withLedger(
      (ledger) => {
        const late = begin(ledger, T0);
        attempt(ledger, "gone", T0 + SECOND);
        ledger.record([late(null)], T0 + 2 * SECOND);
        expect(untold(ledger)).toMatchObject([{ type: "endpoint.disabled", data: { disabledReason: "gone" } }]);
        ledger.enable(T0 + HOUR);
        expect(kinds(ledger)).toHaveLength(1);
        attempt(ledger, null, T0 + 2 * HOUR);
        expect(kinds(ledger)).toEqual(["endpoint.disabled", "endpoint.recovered"]);
      },
      { disableAfter: 0 },
    );
  });

  it("has nothing of test sends, and nothing of the operator's own endpoints", async ({ expect }) => {
    await withLedger(
      (ledger) => {
        for (const at of [0, DAY, 4 * DAY, 7 * DAY, 8 * DAY]) {
          const test = { ...someDelivery(T0 + at), test: true };
          ledger.record([begin(ledger, T0 + at, test)("gone")], T0 + at);
        }
        expect(kinds(ledger)).toEqual([]);
      },
      { retry: [] },
    );
    await withLedger(
      (ledger) => {
        for (const at of [0, DAY, 4 * DAY, 7 * DAY]) attempt(ledger, "status", T0 + at);
        ledger.enable(T0 + 8 * DAY);
        attempt(ledger, null, T0 + 8 * DAY);
        expect(kinds(ledger)).toEqual([]);
        expect(ledger.nextAlarm(T0)).not.toBe(T0 + 1);
      },
      { tenant: "operator", retry: [] },
    );
  });

  it("survives an eviction under the same key, wakes the alarm until it is empty, and forgets what was told", async ({
    expect,
  }) => {
    await withLedger((first, open) => {
      attempt(first, "gone", T0);
      first.state.mirrored(true, T0);
      first.save(T0);
      const [before] = untold(first);
      const second = open();
      expect(untold(second)).toEqual([before]);
      expect(second.nextAlarm(T0)).toBe(T0 + 1);
      // The operator's log is out of reach: later, then.
      second.outbox.postpone(T0);
      expect(second.outbox.due(T0 + SECOND)).toEqual([]);
      expect(second.nextAlarm(T0)).toBe(T0 + 30 * SECOND);
      expect(second.outbox.due(T0 + 30 * SECOND)).toHaveLength(1);
      second.outbox.remove(before?.id ?? "");
      expect(second.nextAlarm(T0)).toBeNull();
      // What has been told is not told again by an object that starts anew.
      const third = open();
      expect(untold(third)).toEqual([]);
      third.disable("manual", T0 + HOUR);
      expect(untold(third)).toEqual([]);
    });
  });

  it("costs a first-attempt success nothing: one row, as before", async ({ expect }) => {
    const stub = env.ENDPOINT.getByName(`${fresh("t")}/ep`) as unknown as DurableObjectStub;
    await runInDurableObject(stub, (_, state) => {
      const sql = new Sql(state.storage.sql);
      const ledger = new Ledger(sql, () => 0);
      ledger.state.configure(SETTINGS, { enabled: true, disabledReason: null, disabledAt: null });
      ledger.save(T0);
      const before = sql.rowsWritten;
      attempt(ledger, null, T0);
      expect(sql.rowsWritten - before).toBe(1);
    });
  });
});

describe("operator events", () => {
  /** A receiver registered by the operator, and the events that it got of one tenant. */
  async function operatorReceiver(events: string[] = ["*"]) {
    const receiver = await newReceiver();
    const { id } = await newEndpoint("operator", receiver.url, { events });
    return {
      id,
      receiver,
      got: async (tenant: string) =>
        (await receiver.seen()).map(({ body }) => JSON.parse(body)).filter(({ data }) => data.tenant === tenant),
    };
  }

  it("reach the receiver that the operator registered, signed and logged like any other", async ({ expect }) => {
    const operator = await operatorReceiver(["endpoint.disabled", "endpoint.recovered", "delivery.exhausted"]);
    const tenant = await newTenant();
    const customer = await newReceiver({ status: 500 }, { status: 410 }, {});
    const endpoint = await newEndpoint(tenant, customer.url, { retry: [], uid: "crm", name: "CRM" });
    const posted = await post(tenant);
    await delivery(tenant, posted.deliveries[0], "failed");
    await delivery(tenant, (await post(tenant)).deliveries[0], "failed");
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${endpoint.id}`, { enabled: true });
    await delivery(tenant, (await post(tenant)).deliveries[0], "succeeded");
    const told = await until("the operator events", async () => {
      const got = await operator.got(tenant);
      return got.length >= 4 && got;
    });
    expect(told.map(({ event }) => event).toSorted()).toEqual([
      "delivery.exhausted",
      "delivery.exhausted",
      "endpoint.disabled",
      "endpoint.recovered",
    ]);
    const whose = { tenant, endpoint: { id: endpoint.id, uid: "crm", name: "CRM", url: customer.url } };
    const exhausted = told.find(({ data }) => data.delivery?.eventId === posted.id);
    expect(exhausted.data).toMatchObject({
      ...whose,
      delivery: { id: posted.deliveries[0].id, attempts: 1, lastStatusCode: 500, lastError: "status" },
    });
    expect(told.find(({ event }) => event === "endpoint.disabled").data).toMatchObject({
      ...whose,
      disabledReason: "gone",
    });
    const [request] = await operator.receiver.seen();
    expect(request?.headers["x-webhook-signature"]).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(told)).not.toContain(endpoint.secret);
  });

  it("tell of a failing endpoint at half its window", async ({ expect }) => {
    const operator = await operatorReceiver(["endpoint.failing"]);
    const tenant = await newTenant();
    const customer = await newReceiver({ status: 500 });
    const { id } = await newEndpoint(tenant, customer.url, { retry: [2], disableAfter: 4 });
    await delivery(tenant, (await post(tenant)).deliveries[0], "failed");
    const [told] = await until("the event", async () => {
      const got = await operator.got(tenant);
      return got.length > 0 && got;
    });
    const { body } = await call("GET", `/v1/tenants/${tenant}/endpoints/${id}/health`);
    expect(told.event).toBe("endpoint.failing");
    expect(told.data).toMatchObject({ failingSince: body.failingSince, disablesAt: body.disablesAt });
    expect(Date.parse(told.timestamp) - Date.parse(body.failingSince)).toBeGreaterThanOrEqual(2_000);
  });

  it("are kept while the operator's log is out of reach, also when the object is evicted, and told once", async ({
    expect,
  }) => {
    const operator = await operatorReceiver(["endpoint.disabled"]);
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const object = endpointObject(tenant, id) as unknown as DurableObjectStub;
    const kept = () =>
      runInDurableObject(object, (_, state) => new Sql(state.storage.sql).all<{ id: string }>("SELECT id FROM outbox"));
    const tell = vi.spyOn(OperatorEvents.prototype, "tell").mockRejectedValue(new Error("out of reach"));
    expect((await call("PATCH", `/v1/tenants/${tenant}/endpoints/${id}`, { enabled: false })).status).toBe(200);
    expect(await kept()).toHaveLength(1);
    expect(await operator.got(tenant)).toEqual([]);
    tell.mockRestore();
    await evictDurableObject(object);
    await until("the outbox to be empty", async () => (await kept()).length === 0);
    const told = await until("the event", async () => {
      const got = await operator.got(tenant);
      return got.length > 0 && got;
    });
    expect(told.map(({ data }) => data.disabledReason)).toEqual(["manual"]);
  });

  it("are told once although the object dies between the operator's log and its outbox", async ({ expect }) => {
    const operator = await operatorReceiver(["endpoint.disabled"]);
    const tenant = await newTenant();
    const endpoint = await newEndpoint(tenant, (await newReceiver({ status: 410 })).url, { retry: [] });
    await delivery(tenant, (await post(tenant)).deliveries[0], "failed");
    const [first] = await until("the event", async () => {
      const got = await operator.got(tenant);
      return got.length > 0 && got;
    });
    const object = endpointObject(tenant, endpoint.id) as unknown as DurableObjectStub;
    // The log has it and the row is still there: what a crash between the two leaves behind.
    const log = env.EVENT_LOG.getByName(`operator/${dayOf(Date.now())}`) as unknown as DurableObjectStub;
    const key = await runInDurableObject(log, (_, state) => {
      const sql = new Sql(state.storage.sql);
      return sql.first<{ key: string; timestamp: number; data: string }>(
        "SELECT key, timestamp, data FROM events WHERE ulid = ?",
        first.id.slice(4),
      );
    });
    if (key === null) throw new Error("the log has no such event");
    await runInDurableObject(object, async (_, state) => {
      new Sql(state.storage.sql).all(
        "INSERT INTO outbox (id, event, at, data) VALUES (?, 'endpoint.disabled', ?, ?)",
        key.key,
        key.timestamp,
        key.data,
      );
    });
    await evictDurableObject(object);
    await until("the outbox to be empty", async () => {
      await runDurableObjectAlarm(object);
      return runInDurableObject(
        object,
        (_, state) => new Sql(state.storage.sql).first("SELECT 1 FROM outbox LIMIT 1") === null,
      );
    });
    // A later event has come through; the repeat would have before it.
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${endpoint.id}`, { enabled: true });
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${endpoint.id}`, { enabled: false });
    const all = await until("the later event", async () => {
      const got = await operator.got(tenant);
      return got.length > 1 && got;
    });
    expect(all.map(({ data }) => data.disabledReason)).toEqual(["gone", "manual"]);
  });

  it("are written for nobody when nobody listens: neither in the operator's log nor in the endpoint's object", async ({
    expect,
  }) => {
    for (const { id } of (await call("GET", "/v1/tenants/operator/endpoints?limit=250")).body.data) {
      await call("DELETE", `/v1/tenants/operator/endpoints/${id}`);
    }
    await newEndpoint("operator", (await newReceiver()).url, { events: ["endpoint.failing"] });
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const all = vi.spyOn(Sql.prototype, "all");
    const written = (table: string) =>
      all.mock.calls.filter(([text]) => text.startsWith(`INSERT INTO ${table} `)).length;
    const change = (enabled: boolean) => call("PATCH", `/v1/tenants/${tenant}/endpoints/${id}`, { enabled });
    const object = endpointObject(tenant, id) as unknown as DurableObjectStub;
    const kept = () =>
      runInDurableObject(object, (_, { storage }) => new Sql(storage.sql).all("SELECT id FROM outbox"));
    await change(false);
    await until("the outbox to be empty", async () => (await kept()).length === 0);
    expect(written("events")).toBe(0);
    // From then on the isolate knows.
    await call("GET", "/v1/tenants/operator/events");
    all.mockClear();
    for (const enabled of [true, false, true, false]) await change(enabled);
    expect(written("outbox") + written("events")).toBe(0);
    all.mockRestore();
  });

  it("of one telling are accepted together, and a repeat of it adds nothing", async ({ expect }) => {
    const operator = await operatorReceiver(["delivery.exhausted"]);
    const tenant = fresh("t");
    const events = Array.from({ length: 5 }, (_, i): OperatorEvent => {
      const data = JSON.stringify({ tenant, i });
      return { id: `${tenant}-${i}`, type: "delivery.exhausted", timestamp: Date.now(), data };
    });
    const append = vi.spyOn(EventLog.prototype, "appendAll");
    const entry = operatorEvents({ exports } as unknown as DurableObjectState);
    await entry.tell(events);
    expect(append).toHaveBeenCalledTimes(1);
    await entry.tell(events);
    append.mockRestore();
    const got = await until("the operator events", async () => {
      const some = await operator.got(tenant);
      return some.length >= 5 && some;
    });
    expect(got.map(({ data }) => data.i).toSorted()).toEqual([0, 1, 2, 3, 4]);
  });

  it("cause none when the operator's own receiver fails, exhausts and is switched off", async ({ expect }) => {
    const broken = await newReceiver({ status: 500 }, { status: 410 });
    const { id } = await newEndpoint("operator", broken.url, { events: ["delivery.exhausted"], retry: [] });
    const tenant = await newTenant();
    await newEndpoint(tenant, (await newReceiver({ status: 500 })).url, { retry: [] });
    await delivery(tenant, (await post(tenant)).deliveries[0], "failed");
    await broken.arrived(1);
    await delivery(tenant, (await post(tenant)).deliveries[0], "failed");
    await until("the operator's endpoint to be off", async () => {
      const { body } = await call("GET", `/v1/tenants/operator/endpoints/${id}/health`);
      return body.state === "disabled";
    });
    const outbox = await runInDurableObject(
      endpointObject("operator", id) as unknown as DurableObjectStub,
      (_, state) => new Sql(state.storage.sql).all("SELECT * FROM outbox"),
    );
    expect(outbox).toEqual([]);
    const log = env.EVENT_LOG.getByName(`operator/${dayOf(Date.now())}`) as unknown as DurableObjectStub;
    const own = await runInDurableObject(log, (_, state) =>
      new Sql(state.storage.sql)
        .all<{ data: string }>("SELECT data FROM events")
        .filter(({ data }) => JSON.parse(data).tenant === "operator"),
    );
    expect(own).toEqual([]);
  });
});
