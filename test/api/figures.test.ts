import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { summariesOf, sumsByTenant, type Told, troubled, writeSummary } from "../../src/config/endpoints/summaries";
import type { Summary } from "../../src/contracts/figures";
import { encodeTime } from "../../src/lib/ids";
import { DAY, HOUR, iso } from "../../src/lib/time";
import { call, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import { until } from "../lib/until";
import { endpointObject } from "../send/harness";

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
const FAILING: Summary = {
  ...FINE,
  state: "failing",
  failingSince: NOW - HOUR,
  failedShare: 0.25,
  waiting: 45,
  oldestWaitingAt: NOW - HOUR,
  lastFailure: { at: NOW, statusCode: 503, error: "status" },
};

function told(summary: Summary, more: Partial<Told> = {}): Told {
  const day = { accepted: 10, succeeded: 9, failed: 1 };
  return { summary, day, from: NOW - (NOW % DAY), hours: {}, over: [], keptSince: 0, ...more };
}

describe("the list of endpoints", () => {
  it("says with include=summary how each fares, and finds those that are asked for", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/endpoints`;
    const ids: string[] = [];
    for (const [name, events] of [
      ["Mail", ["*"]],
      ["CRM", ["lead.hot"]],
      ["Off", ["lead.cold"]],
    ] as const) {
      const made = { name, events: [...events], uid: `u-${name}`, enabled: name !== "Off" };
      ids.push((await newEndpoint(tenant, `https://${name}.example/`, made)).id);
    }
    const [mail, crm, off] = ids as [string, string, string];
    await writeSummary(env.DB, tenant, crm, told(FAILING));
    await writeSummary(env.DB, tenant, off, told({ ...FINE, state: "disabled", held: 3, at: NOW - 2 * HOUR }));
    const list = async (query: string) => (await call("GET", `${path}?${query}`)).body.data;
    const all = await list("include=summary");
    expect(all.map(({ id }: { id: string }) => id)).toEqual([off, crm, mail]);
    expect(all[1].summary).toEqual({
      ...FAILING,
      at: undefined,
      failingSince: iso(NOW - HOUR),
      oldestWaitingAt: iso(NOW - HOUR),
      lastSuccessAt: iso(NOW),
      lastFailure: { at: iso(NOW), statusCode: 503, error: "status" },
      asOf: iso(NOW),
    });
    expect(all[0].summary).toMatchObject({ state: "disabled", held: 3, failedShare: null });
    expect(all[2].summary).toMatchObject({ state: "healthy", waiting: 0, lastSuccessAt: null, asOf: null });
    for (const [query, found] of [
      ["state=failing", [crm]],
      ["state=waiting", [crm]],
      ["state=held", [off]],
      ["state=disabled", [off]],
      ["event=lead.hot", [crm, mail]],
      ["uid=u-CRM", [crm]],
      ["q=crm", [crm]],
      ["q=mail.EXAMPLE", [mail]],
      [`q=${off}`, [off]],
      ["q=u-&state=failing", [crm]],
      ["q=%25", []],
    ] as const) {
      const rows = await list(query);
      expect([query, rows.map(({ id }: { id: string }) => id)]).toEqual([query, found]);
      for (const row of rows) expect(row).not.toHaveProperty("summary");
    }
    expect((await call("GET", `${path}?state=sad`)).status).toBe(422);
    const page = await call("GET", `${path}?q=u-&limit=2`);
    expect(page.body.data).toHaveLength(2);
    expect((await list(`q=u-&limit=2&cursor=${page.body.nextCursor}`)).map(({ id }: { id: string }) => id)).toEqual([
      mail,
    ]);
  });
});

describe("summaries", () => {
  it("are written once for each endpoint, never over a newer one, and go with it", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, "https://a.example/");
    await writeSummary(env.DB, tenant, id, told(FAILING));
    await writeSummary(env.DB, tenant, id, told({ ...FINE, at: NOW - 1 }));
    expect((await summariesOf(env.DB, tenant, [id])).get(id)).toMatchObject({ state: "failing", waiting: 45 });
    const part = { from: NOW - DAY, until: NOW, hours: {}, days: {} };
    await writeSummary(env.DB, tenant, id, told({ ...FINE, at: NOW + 1 }, { over: [part] }));
    expect((await summariesOf(env.DB, tenant, [id])).get(id)).toMatchObject({ state: "healthy", waiting: 0 });
    expect((await call("DELETE", `/v1/tenants/${tenant}/endpoints/${id}`)).status).toBe(204);
    // One that comes late brings nothing back.
    await writeSummary(env.DB, tenant, id, told({ ...FAILING, at: NOW + 2 }, { over: [part] }));
    for (const table of ["endpoint_summaries", "endpoint_figures"]) {
      const left = await env.DB.prepare(`SELECT 1 FROM ${table} WHERE endpoint = ?`).bind(id).first();
      expect(left, table).toBeNull();
    }
  });

  it("show which endpoints of all tenants are in trouble, worst first, and sums of tenants", async ({ expect }) => {
    const [a, b] = [await newTenant(), await newTenant()];
    const [bad, worse, fine] = [
      await newEndpoint(a, "https://bad.example/"),
      await newEndpoint(b, "https://worse.example/"),
      await newEndpoint(b, "https://fine.example/"),
    ];
    await writeSummary(env.DB, a, bad.id, told(FAILING));
    await writeSummary(env.DB, b, worse.id, told({ ...FAILING, failedShare: 1 }));
    await writeSummary(env.DB, b, fine.id, told(FINE, { day: { accepted: 90, succeeded: 90, failed: 0 } }));
    const rows = (await troubled(env.DB, { limit: 1_000 })).filter(({ tenant }) => [a, b].includes(tenant));
    expect(rows.map(({ endpoint }) => endpoint)).toEqual([worse.id, bad.id]);
    expect(rows[0]).toMatchObject({ url: "https://worse.example/", enabled: true, lastFailure: { statusCode: 503 } });
    const sums = await sumsByTenant(env.DB, { limit: 10, now: NOW + 1, tenants: [a, b] });
    expect(sums).toMatchObject([
      { tenant: b, endpoints: 2, failing: 1, waiting: 45, accepted: 100, failed: 1 },
      { tenant: a, endpoints: 1, failing: 1, waiting: 45, accepted: 10, failed: 1 },
    ]);
    expect(await sumsByTenant(env.DB, { limit: 1, now: NOW + DAY + 1, tenants: [a] })).toMatchObject([{ accepted: 0 }]);
  });
});

/** 30,000 deliveries of an endpoint's last day, one in a hundred of which failed. */
function fillDay(tenant: string, endpoint: string, from: number): Promise<void> {
  const object = endpointObject(tenant, endpoint) as unknown as DurableObjectStub;
  return runInDurableObject(object, (_, { storage }) => {
    for (let hour = 0; hour < 24; hour++) {
      storage.sql.exec(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1250)
         INSERT INTO deliveries (id, event, status, attempts, code, error, duration)
         SELECT 'dlv_${encodeTime(from + hour * HOUR)}' || printf('%016d0', i), 'lead.hot', iif(i % 100, 'succeeded', 'failed'), 1,
           iif(i % 100, 200, 500), iif(i % 100, NULL, 'status'), 20 FROM n`,
      );
    }
  });
}

describe("30,000 deliveries of a day", () => {
  it("are 30,000 in stats and health, also of a new object", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const hour = NOW - (NOW % HOUR);
    await post(tenant);
    await until("it is delivered", async () => {
      return (await call("GET", `/v1/tenants/${tenant}/stats`)).body.totals.succeeded === 1;
    });
    await fillDay(tenant, id, hour - 23 * HOUR);
    for (let i = 0; i < 2; i++) {
      await evictDurableObject(endpointObject(tenant, id) as unknown as DurableObjectStub);
      const { totals, truncated } = (await call("GET", `/v1/tenants/${tenant}/stats?by=hour`)).body;
      expect(totals).toMatchObject({ accepted: 30_001, succeeded: 24 * 1_238 + 1, failed: 24 * 12, waiting: 0 });
      expect(truncated).toBe(false);
      const { counts } = (await call("GET", `/v1/tenants/${tenant}/endpoints/${id}/health`)).body;
      expect(counts).toMatchObject({ succeeded: 24 * 1_238 + 1, failed: 24 * 12 });
    }
  });
});

describe("stats", () => {
  it("are by hour or day and by endpoint, event type or answer, and add up to their totals", async ({ expect }) => {
    const tenant = await newTenant();
    const receivers = [await newReceiver(), await newReceiver({ status: 503 })];
    const [good, bad] = await Promise.all(
      receivers.map(({ url }) => newEndpoint(tenant, url, { retry: [3_600] }) as Promise<{ id: string }>),
    );
    for (let i = 0; i < 3; i++) await post(tenant, i === 0 ? "other" : undefined);
    const stats = async (query: string) => (await call("GET", `/v1/tenants/${tenant}/stats?${query}`)).body;
    await until("all are tried", async () => {
      const { totals } = await stats("by=day");
      return totals.succeeded === 3 && totals.attempts === 6;
    });
    for (const by of ["", "by=hour&", "by=day&"]) {
      for (const group of ["", "group=endpoint", "group=event", "group=code"]) {
        const { data, totals, truncated } = await stats(by + group);
        const sum = (name: string) =>
          data.reduce((all: number, row: Record<string, number>) => all + (row[name] ?? 0), 0);
        expect(truncated).toBe(false);
        expect(totals).toMatchObject({ accepted: 6, succeeded: 3, waiting: 3, attempts: 6 });
        expect(totals.oldestWaitingAt).not.toBeNull();
        for (const name of ["succeeded", "pending", "retrying", "failed", "held", "canceled", "attempts"]) {
          expect([by, group, name, sum(name)]).toEqual([by, group, name, totals[name]]);
        }
      }
    }
    const codes = (await stats("group=code")).data;
    expect(codes).toMatchObject([
      { code: "200", succeeded: 3, latency: { p50: expect.any(Number) } },
      { code: "503", retrying: 3, latency: { p50: null } },
    ]);
    expect((await stats("group=event")).data.map(({ event }: { event: string }) => event)).toContain("other");
    expect((await stats(`group=endpoint&endpoint=${bad?.id}`)).data).toMatchObject([
      { endpoint: bad?.id, retrying: 3 },
    ]);
    expect((await stats(`by=hour&event=other&endpoint=${good?.id}`)).totals).toMatchObject({ accepted: 1 });
    const refused = await call("GET", `/v1/tenants/${tenant}/stats?group=code&event=other`);
    expect([refused.status, refused.body.errors[0].path]).toEqual([422, "event"]);
    const unknown = await call("GET", `/v1/tenants/${tenant}/stats?endpoint=nobody`);
    expect(unknown.status).toBe(404);
    const month = `since=${iso(NOW - 31 * DAY)}&until=${iso(NOW)}`;
    expect((await call("GET", `/v1/tenants/${tenant}/stats?by=day&${month}`)).status).toBe(200);
    expect((await call("GET", `/v1/tenants/${tenant}/stats?${month}`)).status).toBe(422);
  });
});
