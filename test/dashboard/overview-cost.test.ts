import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { writeSummary } from "../../src/config/endpoints/summaries";
import { DAY, HOUR } from "../../src/lib/time";
import { call, newEndpoint, newTenant } from "../lib/api";
import { asked } from "../lib/asked";
import { withKey } from "./visitor";

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe("the overview of a tenant with 100 endpoints and 100,000 deliveries", () => {
  it("asks three objects and ten queries at the most, and counts every delivery", async ({ expect }) => {
    // Not soon after midnight: then yesterday's log may know what nobody has told yet.
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() - (Date.now() % DAY) + DAY / 2);
    const tenant = await newTenant();
    const now = Date.now();
    const hour = now - (now % HOUR);
    const { id: first } = await newEndpoint(tenant, "https://first.example/");
    await env.DB.prepare(
      `INSERT INTO endpoints SELECT ${await columns()} FROM endpoints, (
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99) SELECT i FROM n) WHERE id = ?`,
    )
      .bind(first)
      .run();
    const { results } = await env.DB.prepare("SELECT id FROM endpoints WHERE tenant = ?")
      .bind(tenant)
      .all<{ id: string }>();
    expect(results).toHaveLength(100);
    for (const [i, { id }] of results.entries()) {
      const hours = {
        [hour]: { events: { e: [0, 0, 990, 10, 0, 0, 1_050] }, codes: { 200: [0, 0, 990, 10, 0, 0, 1_050] } },
      };
      const standing = { waiting: 0, oldestWaitingAt: null, held: 0 };
      const state = i % 10 === 0 ? ("failing" as const) : ("healthy" as const);
      const summary = {
        ...standing,
        at: now,
        state,
        failingSince: null,
        failedShare: 0.01,
        lastSuccessAt: now,
        lastFailure: null,
      };
      const day = { accepted: 1_000, succeeded: 990, failed: 10 };
      await writeSummary(env.DB, tenant, id, { summary, day, from: hour - DAY, hours, over: [], keptSince: 0 });
    }
    const { totals } = (await call("GET", `/v1/tenants/${tenant}/stats?by=hour`)).body;
    expect(totals).toMatchObject({ accepted: 100_000, succeeded: 99_000, failed: 1_000, attempts: 105_000 });
    const { visitor } = await withKey(tenant, "admin");
    const statements = asked();
    const objects = vi.spyOn(Object.getPrototypeOf(env.ENDPOINT), "getByName");
    const { status, html } = await visitor.get(`/dashboard/tenants/${tenant}`);
    expect(status).toBe(200);
    expect(html.replaceAll(/[,\s]/g, "")).toContain("99000");
    expect(objects.mock.calls.length).toBeLessThanOrEqual(3);
    expect(statements.length).toBeLessThanOrEqual(10);
  });
});

/** The columns of the table of endpoints, so that each copy has an id of its own. */
async function columns(): Promise<string> {
  const { results } = await env.DB.prepare("SELECT name FROM pragma_table_info('endpoints')").all<{ name: string }>();
  return results.map(({ name }) => (name === "id" ? "id || '-' || i" : `"${name}"`)).join(", ");
}
