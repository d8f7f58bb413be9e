import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { putTogether } from "../../src/api/endpoints/known-figures";
import { type HourFigures, sumOf, sumsOf } from "../../src/contracts/figures";
import { HOUR, MINUTE } from "../../src/lib/time";
import { call, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import { asked } from "../lib/asked";
import { until } from "../lib/until";
import { endpointObject, logObject } from "../send/harness";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const hour = (succeeded: number, pending = 0): HourFigures => ({
  events: { e: [pending, 0, succeeded, 0, 0, 0, succeeded] },
  codes: {
    ...(succeeded > 0 ? { 200: [0, 0, succeeded, 0, 0, 0, succeeded] } : {}),
    ...(pending > 0 ? { "-": [pending, 0, 0, 0, 0, 0, 0] } : {}),
  },
});

describe("figures of many endpoints", () => {
  const H = 1_000 * HOUR;
  const span = { since: H, until: H + 2 * HOUR };
  const none = { accepted: {}, told: {} };
  const sums = (put: ReturnType<typeof putTogether>) =>
    sumsOf(
      sumOf(put.figures.flatMap(([, hours]) => Object.values(hours).flatMap(({ codes }) => Object.values(codes)))),
    );

  it("are what the endpoints told last, D1 or a log", ({ expect }) => {
    const told = { at: H + MINUTE, oldestWaitingAt: null, figures: { [H - HOUR]: hour(9), [H]: hour(5) } };
    const known = { last: [{ endpoint: "a", told }], parts: [] };
    expect(sums(putTogether(known, [], span))).toMatchObject({ accepted: 5, succeeded: 5 });
    const later = { ...none, told: { a: { at: H + 2 * MINUTE, hours: { [H]: hour(7) } } } };
    expect(sums(putTogether(known, [later], span))).toMatchObject({ accepted: 7, succeeded: 7 });
    const earlier = { ...none, told: { a: { at: H, hours: { [H]: hour(2) } } } };
    expect(sums(putTogether(known, [earlier], span))).toMatchObject({ accepted: 5 });
  });

  it("have what was accepted beyond that as pending, so that a backlog shows at once", ({ expect }) => {
    const told = { at: H + MINUTE, oldestWaitingAt: null, figures: { [H]: hour(5) } };
    const known = {
      last: [
        { endpoint: "a", told },
        { endpoint: "b", told: null },
      ],
      parts: [],
    };
    const log = {
      ...none,
      accepted: { a: { [H]: { e: 5 } }, b: { [H]: { e: 45 }, [H - HOUR]: { e: 1 } }, gone: { [H]: { e: 1 } } },
    };
    const put = putTogether(known, [log], span);
    expect(sums(put)).toMatchObject({ accepted: 50, succeeded: 5, pending: 45 });
    expect([put.asOf, put.oldestUntold]).toEqual([H, H]);
    expect(putTogether(known, [{ ...log, accepted: { a: { [H]: { e: 5 } } } }], span).asOf).toBeNull();
  });

  it("take days that are over from their parts, by hours where these are read", ({ expect }) => {
    const known = {
      last: [{ endpoint: "a", told: null }],
      parts: [
        { endpoint: "a", hours: null, days: { [H]: hour(3) } },
        { endpoint: "a", hours: { [H + HOUR]: hour(4), [H + 2 * HOUR]: hour(99) }, days: {} },
      ],
    };
    expect(sums(putTogether(known, [], span)).accepted).toBe(7);
  });
});

describe("the stats of a tenant with more endpoints", () => {
  it("are exact, of two objects and a few queries, and soon say what became of everything", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const down = await newReceiver({ status: 503 });
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) {
      const { url } = i === 0 ? down : receiver;
      ids.push((await newEndpoint(tenant, url, { retry: [3_600] })).id);
    }
    for (let i = 0; i < 4; i++) await post(tenant);
    const stats = async (query = "") => (await call("GET", `/v1/tenants/${tenant}/stats?by=day${query}`)).body;
    expect((await stats()).totals.accepted).toBe(20);
    await until("all are tried", async () => {
      const each = await Promise.all(ids.map((id) => stats(`&endpoint=${id}`)));
      return each.reduce((sum, { totals }) => sum + totals.attempts, 0) === 20;
    });
    const statements = asked();
    const objects = [env.ENDPOINT, env.EVENT_LOG].map((namespace) =>
      vi.spyOn(Object.getPrototypeOf(namespace), "getByName"),
    );
    const { totals } = await stats();
    expect(totals).toMatchObject({ accepted: 20, failed: 0 });
    expect(statements.length).toBeLessThanOrEqual(5);
    expect(objects[0]?.mock.calls.length).toBeLessThanOrEqual(2);
    vi.restoreAllMocks();
    // The log hands its events over, and hears how things are.
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 10 * MINUTE);
    await runDurableObjectAlarm(logObject(tenant));
    const settled = await stats("&group=endpoint");
    expect(settled.totals).toMatchObject({ accepted: 20, succeeded: 16, retrying: 4, waiting: 4, attempts: 20 });
    const path = `/v1/tenants/${tenant}/endpoints?include=summary&state=failing`;
    await runDurableObjectAlarm(endpointObject(tenant, ids[0] as string));
    const failing = (await call("GET", path)).body.data;
    expect(failing).toMatchObject([{ id: ids[0], summary: { state: "failing", waiting: 4, failedShare: 1 } }]);
  });
});
