import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, it, vi } from "vitest";
import { Endpoint, EventLog } from "../../src/index";
import { Sql } from "../../src/lib/sql";
import { MINUTE } from "../../src/lib/time";
import { call, delivery, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { endpointObject, logObject, nothingIsDue } from "./harness";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** What is billed of objects: the rows that they write, an alarm that is set counted as one, and the calls of each kind. */
interface Cost {
  rows: number;
  alarmsSet: number;
  calls: Record<string, number>;
}

const CALLS = [
  [EventLog, ["append", "appendAll", "addMatches", "alarm"]],
  [Endpoint, ["admit", "record", "stands", "lag", "adopt", "alarm", "recover"]],
] as const;

/** What it costs to do something; what people read meanwhile is left out. */
async function costOf(what: () => Promise<unknown>): Promise<Cost> {
  const cost: Cost = { rows: 0, alarmsSet: 0, calls: {} };
  const putBack = await countAlarms(() => cost.alarmsSet++);
  const all = Sql.prototype.all;
  vi.spyOn(Sql.prototype, "all").mockImplementation(function (this: Sql, ...parameters) {
    const before = this.rowsWritten;
    const rows = all.apply(this, parameters) as never[];
    cost.rows += this.rowsWritten - before;
    return rows;
  });
  for (const [{ prototype }, names] of CALLS) {
    for (const name of names) {
      const methods = prototype as unknown as Record<string, (...parameters: unknown[]) => unknown>;
      const method = methods[name] as (...parameters: unknown[]) => unknown;
      vi.spyOn(methods, name).mockImplementation(function (this: unknown, ...parameters) {
        cost.calls[name] = (cost.calls[name] ?? 0) + 1;
        return method.apply(this, parameters);
      });
    }
  }
  await what();
  putBack();
  vi.restoreAllMocks();
  return cost;
}

/** Counts the alarms that are set, until what it answers is called. */
async function countAlarms(count: () => void): Promise<() => void> {
  return runInDurableObject(endpointObject("t", "prototype") as unknown as DurableObjectStub, (_, { storage }) => {
    const prototype = Object.getPrototypeOf(storage) as DurableObjectStorage;
    const setAlarm = prototype.setAlarm;
    prototype.setAlarm = function (this: DurableObjectStorage, ...parameters) {
      count();
      return setAlarm.apply(this, parameters);
    };
    return () => {
      prototype.setAlarm = setAlarm;
    };
  });
}

/** A tenant whose one endpoint has had a delivery, so that there is nothing to be made any more. */
async function settled(fields: object = {}) {
  const tenant = await newTenant();
  const receiver = await newReceiver();
  const { id } = await newEndpoint(tenant, receiver.url, fields);
  const path = `/v1/tenants/${tenant}/endpoints/${id}`;
  /** Posts an event, and waits until its delivery has the status. */
  const deliver = async (status: string) => delivery(tenant, (await post(tenant)).deliveries[0], status);
  await deliver("succeeded");
  return { tenant, receiver, id, path, deliver };
}

// Ceilings are what was measured: one row or call more for each event is a price that everybody pays.
describe("what a delivery costs", () => {
  it("of an event that comes alone, its objects being out of memory: two rows, and three calls", async ({ expect }) => {
    const { tenant, id, deliver } = await settled();
    for (let i = 0; i < 2; i++) {
      await evictDurableObject(endpointObject(tenant, id));
      await evictDurableObject(logObject(tenant));
      const cost = await costOf(() => deliver("succeeded"));
      expect(cost).toEqual({ rows: 2, alarmsSet: 0, calls: { append: 1, admit: 1, record: 1 } });
    }
    // Five minutes later all of them are handed over together: a row, and a call for each endpoint.
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 10 * MINUTE);
    const log = logObject(tenant);
    const handover = await costOf(() => runDurableObjectAlarm(log));
    expect(handover).toEqual({ rows: 1, alarmsSet: 1, calls: { alarm: 1, adopt: 1 } });
  });

  it("that fails twice and then succeeds: 11 rows and two alarms, and one call for each retry", async ({ expect }) => {
    const { receiver, deliver } = await settled({ retry: [1, 1] });
    for (let i = 0; i < 2; i++) {
      const seen = Array((await receiver.seen()).length).fill({});
      await receiver.answer(...seen, { status: 500 }, { status: 500 }, {});
      const cost = await costOf(() => deliver("succeeded"));
      expect(cost.calls).toEqual({ append: 1, admit: 1, record: 1, alarm: 2 });
      // That D1 is told of it, at most once a minute, takes one of each.
      expect(cost.rows).toBeLessThanOrEqual(11 + 1);
      expect(cost.alarmsSet).toBeLessThanOrEqual(2 + 1);
    }
  });

  it("that is held: three rows, and five more once it is recovered", async ({ expect }) => {
    const { tenant, receiver, id, path, deliver } = await settled();
    await call("PATCH", path, { enabled: false });
    // The operator is told of it.
    await nothingIsDue(expect, tenant, id);
    const first = await deliver("held");
    for (let i = 0; i < 3; i++) {
      const cost = await costOf(() => deliver("held"));
      expect(cost).toEqual({ rows: 3, alarmsSet: 0, calls: { append: 1, admit: 1 } });
    }
    await call("PATCH", path, { enabled: true });
    const recover = async (span: object, succeeded: number) => {
      await call("POST", `${path}/recover`, { since: first.createdAt, ...span });
      await receiver.arrived(succeeded);
      await until("the outcomes", async () => {
        const { body } = await call("GET", `/v1/tenants/${tenant}/deliveries?status=succeeded`);
        return body.data.length === succeeded;
      });
    };
    // With the first the operator is told that the endpoint is well again.
    await recover({ until: new Date(Date.parse(first.createdAt) + 1).toISOString() }, 2);
    await nothingIsDue(expect, tenant, id);
    const { rows, calls } = await costOf(() => recover({}, 5));
    // Two in each, and the three that are told of together have some in common; one is the recovery's own.
    expect(rows).toBeLessThanOrEqual(3 * 5 + 1);
    // And the alarm has them sent itself.
    expect(calls).toEqual({ recover: 1, alarm: 1 });
  });
});
