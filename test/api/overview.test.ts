import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { groupedByEndpoint } from "../../src/api/service/overview-events";
import { byHarm, together } from "../../src/config/endpoints/standing";
import { type Troubled, writeSummary } from "../../src/config/endpoints/summaries";
import type { Summary } from "../../src/contracts/figures";
import { DAY, HOUR, iso } from "../../src/lib/time";
import { type Answered, call, fresh, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";

const NOW = Date.now();
const FINE: Summary = {
  at: NOW,
  state: "healthy",
  failingSince: null,
  failedShare: 0,
  waiting: 0,
  oldestWaitingAt: null,
  held: 0,
  lastSuccessAt: NOW,
  lastFailure: null,
};

/** Writes how an endpoint fares, as its object would. */
async function tell(tenant: string, endpoint: string, summary: Partial<Summary>, day = { accepted: 10, failed: 1 }) {
  const told = { summary: { ...FINE, ...summary }, day: { ...day, succeeded: 9 } };
  await writeSummary(env.DB, tenant, endpoint, { ...told, from: NOW - DAY, hours: {}, over: [], keptSince: 0 });
}

const overview = async (): Promise<Answered["body"]> => (await call("GET", "/v1/overview")).body;

describe("the overview", () => {
  it("has what fails and what waits in all tenants, the most harm first, and what it comes to", async ({ expect }) => {
    const before = await overview();
    const [one, two] = [await newTenant(), await newTenant()];
    const url = (await newReceiver()).url;
    const make = (tenant: string, name: string) => newEndpoint(tenant, url, { name, events: [] });
    const [slow, down, well] = [await make(one, "Slow"), await make(two, "Down"), await make(two, "Well")];
    await tell(one, slow.id, { waiting: 7, oldestWaitingAt: NOW - 30 * DAY });
    const failure = { at: NOW - HOUR, statusCode: 503, error: "status" as const };
    const failing = { state: "failing" as const, failingSince: NOW - HOUR, failedShare: 1, lastFailure: failure };
    await tell(two, down.id, { ...failing, waiting: 45, oldestWaitingAt: NOW - HOUR }, { accepted: 1e6, failed: 5e5 });
    await tell(two, well.id, {});
    const seen = await overview();
    expect(seen.failing - before.failing).toBe(1);
    expect(seen.waiting - before.waiting).toBe(52);
    expect(seen.oldestWaitingAt).toBe(iso(NOW - 30 * DAY));
    const mine = seen.endpoints.filter(({ tenant }: { tenant: string }) => [one, two].includes(tenant));
    expect(mine.map(({ title }: { title: string }) => title)).toEqual(["Down", "Slow"]);
    expect(mine[0]).toEqual({
      tenant: two,
      tenantName: "Test",
      endpoint: down.id,
      title: "Down",
      url,
      enabled: true,
      disabledReason: null,
      summary: expect.objectContaining({
        state: "failing",
        failingSince: iso(NOW - HOUR),
        failedShare: 1,
        waiting: 45,
        lastFailure: { ...failure, at: iso(NOW - HOUR) },
      }),
      breaker: { state: "closed", until: null },
    });
    expect(mine[1].breaker).toBeNull();
    for (const list of [seen.busiest, seen.mostFailing]) {
      expect(list[0]).toMatchObject({
        tenant: two,
        name: "Test",
        endpoints: 2,
        failing: 1,
        accepted: 1e6 + 10,
        failed: 5e5 + 1,
      });
    }
    expect(seen.queues).toEqual({
      deliveries: expect.any(Number),
      deliveriesSlow: expect.any(Number),
      deliveriesDead: expect.any(Number),
      deadLetters: expect.any(Number),
    });
    expect(seen.audit[0]).toMatchObject({ action: "endpoint.created", target: well.id, tenant: two });
    expect(seen.audit.length).toBeLessThanOrEqual(10);
    await call("DELETE", `/v1/tenants/${two}/endpoints/${down.id}`);
    expect((await overview()).failing).toBe(before.failing);
  });

  it("has operator events by the endpoint that they are about", async ({ expect }) => {
    const sink = await newEndpoint("operator", (await newReceiver()).url);
    const tenant = await newTenant();
    const name = fresh("Gone");
    const { id } = await newEndpoint(tenant, (await newReceiver({ status: 410 })).url, { name });
    await post(tenant);
    const told = await until("the event", async () =>
      (await overview()).events.find(({ endpoint }: { endpoint: string }) => endpoint === id),
    );
    expect(told).toMatchObject({ tenant, title: name, count: 1, events: [{ event: "endpoint.disabled" }] });
    expect((await call("GET", `/v1/tenants/operator/events/${told.events[0].id}`)).status).toBe(200);
    await call("DELETE", `/v1/tenants/operator/endpoints/${sink.id}`);
  });

  it("groups events that say an endpoint, and passes over others", ({ expect }) => {
    const event = (ulid: string, data: unknown) => ({ ulid, type: "t", timestamp: 0, data: JSON.stringify(data) });
    const about = (id: string) => ({ tenant: "t", endpoint: { id, name: null, url: "https://a.example" } });
    const groups = groupedByEndpoint([
      event("3", about("ep_b")),
      event("2", about("ep_a")),
      ...[null, [], 5, { tenant: "t" }, { tenant: 1, endpoint: { id: "x" } }].map((data) => event("0", data)),
      ...Array.from({ length: 9 }, () => event("1", about("ep_b"))),
    ]);
    expect(groups.map(({ endpoint, title, count, events }) => [endpoint, title, count, events.length])).toEqual([
      ["ep_b", "https://a.example", 10, 5],
      ["ep_a", "https://a.example", 1, 1],
    ]);
  });

  it("puts several databases together", ({ expect }) => {
    const none = { failing: 0, waiting: 0, oldestWaitingAt: null, held: 0 };
    expect(together([none])).toEqual(none);
    expect(
      together([none, { failing: 1, waiting: 2, oldestWaitingAt: 9, held: 3 }, { ...none, oldestWaitingAt: 4 }]),
    ).toEqual({ failing: 1, waiting: 2, oldestWaitingAt: 4, held: 3 });
    const row = (more: Partial<Troubled>) =>
      ({ enabled: true, state: "healthy", waiting: 0, held: 0, ...more }) as Troubled;
    const [off, all, some, waits] = [
      row({ enabled: false, disabledReason: "failing" }),
      row({ state: "failing", failedShare: 1 }),
      row({ state: "failing", failedShare: 0.1, waiting: 99 }),
      row({ waiting: 5 }),
    ];
    expect([waits, some, all, off].toSorted(byHarm)).toEqual([off, all, some, waits]);
  });
});

describe("the list of tenants", () => {
  it("is narrowed to a text in id or name, and says how each fares", async ({ expect }) => {
    const [tenant, other] = [await newTenant(), await newTenant()];
    const name = fresh("Called");
    for (const [id, called] of [
      [tenant, `The ${name} Ltd`],
      [other, `${name} 100% GmbH`],
    ]) {
      await call("PATCH", `/v1/tenants/${id}`, { name: called });
    }
    const { id } = await newEndpoint(tenant, (await newReceiver()).url, { events: [] });
    await newEndpoint(tenant, (await newReceiver()).url, { events: [] });
    await tell(tenant, id, { state: "failing", waiting: 3, oldestWaitingAt: NOW - 5, held: 2 });
    const list = async (query: string) => (await call("GET", `/v1/tenants?${query}`)).body;
    const ids = ({ data }: Answered["body"]) => data.map(({ id }: { id: string }) => id);
    expect(ids(await list(`q=${name.toUpperCase()}`))).toEqual([other, tenant]);
    expect(ids(await list(`q=${encodeURIComponent("100% GmbH")}&limit=250`))).toContain(other);
    expect(ids(await list("q=100_"))).not.toContain(other);
    const first = await list(`q=${name}&limit=1`);
    expect(ids(first)).toEqual([other]);
    const { data, nextCursor } = await list(`q=${name}&limit=1&include=summary&cursor=${first.nextCursor}`);
    expect(nextCursor).toBeNull();
    expect(data).toMatchObject([
      {
        id: tenant,
        summary: {
          endpoints: 2,
          failing: 1,
          waiting: 3,
          oldestWaitingAt: iso(NOW - 5),
          held: 2,
          lastSuccessAt: iso(NOW),
        },
      },
    ]);
    const nothing = { endpoints: 0, failing: 0, waiting: 0, accepted: 0, oldestWaitingAt: null, lastSuccessAt: null };
    expect((await list(`q=${other}&include=summary`)).data).toMatchObject([{ id: other, summary: nothing }]);
    expect((await call("GET", "/v1/tenants?q=")).status).toBe(422);
  });
});
