import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { writeSummary } from "../../src/config/endpoints/summaries";
import { call, fresh, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { Visitor, withKey, words } from "./visitor";

const asOperator = async () => {
  const visitor = new Visitor();
  await visitor.signIn(env.OPERATOR_KEY ?? "");
  return visitor;
};

describe("the operator's first page", () => {
  it("shows which endpoints fail, of which tenant, since when and how much waits", async ({ expect }) => {
    const tenant = await newTenant();
    const name = fresh("Billing");
    const { id } = await newEndpoint(tenant, (await newReceiver()).url, { name, events: [] });
    const at = Date.now();
    const lastFailure = { at, statusCode: null, error: "timeout" as const };
    const times = { at, failingSince: at - 7_200_000, oldestWaitingAt: at - 3_600_000, lastSuccessAt: null };
    const summary = { ...times, state: "failing" as const, failedShare: 1, waiting: 45, held: 0, lastFailure };
    const day = { accepted: 45, succeeded: 0, failed: 0 };
    await writeSummary(env.DB, tenant, id, { summary, day, from: at, hours: {}, over: [], keptSince: 0 });
    const operator = await asOperator();
    expect((await operator.get("/dashboard")).headers.get("Location")).toBe("/dashboard/now");
    const { status, html } = await operator.get("/dashboard/now");
    expect(status).toBe(200);
    expect(html).toContain(`href="/dashboard/tenants/${tenant}/endpoints/${id}"`);
    expect(words(html)).toMatch(new RegExp(`${name} Test failing 100 % 2 h ago .*timeout 45 1 h ago 0`));
    const live = await operator.get("/dashboard/now", { "HX-Request": "true" });
    expect(live.html).toMatch(/^<div id="now"/);
    const { visitor } = await withKey(tenant, "admin");
    expect((await visitor.get("/dashboard/now")).status).toBe(404);
    expect((await visitor.get("/dashboard/audit")).status).toBe(404);
    expect(words((await operator.get("/dashboard/audit")).html)).toContain("the operator endpoint created");
  });
});

describe("the list of tenants", () => {
  it("is searched, and leads to a tenant's name and its deletion", async ({ expect }) => {
    const [tenant, other] = [await newTenant(), await newTenant()];
    const name = fresh("Shop");
    const operator = await asOperator();
    const settings = `/dashboard/tenants/${tenant}/settings`;
    const renamed = await operator.submit(settings, settings, { name });
    expect(renamed.headers.get("Location")).toBe(`${settings}?done=renamed`);
    const { html } = await operator.get(`/dashboard/tenants?q=${name.toLowerCase()}`);
    expect(html).toContain(`href="${settings}"`);
    expect(html).not.toContain(other);
    expect(words((await operator.get(`/dashboard/tenants?q=${fresh("none")}`)).html)).toContain("No tenant matches");
    expect((await operator.submit(settings, settings, { name: " " })).status).toBe(422);

    const remove = (confirm: string) => operator.submit(settings, "/dashboard/tenants", { delete: tenant, confirm });
    const refused = await remove("something");
    const page = await operator.get(refused.headers.get("Location") ?? "");
    expect(page.status).toBe(422);
    expect(words(page.html)).toContain("The tenant was not deleted.");
    expect((await call("GET", `/v1/tenants/${tenant}`)).body.name).toBe(name);
    expect((await remove(tenant)).headers.get("Location")).toBe("/dashboard/tenants?done=deleted");
    expect((await call("GET", `/v1/tenants/${tenant}`)).status).toBe(404);
  });

  it("is the operator's to change", async ({ expect }) => {
    const tenant = await newTenant();
    const { visitor } = await withKey(tenant, "admin");
    expect((await visitor.get(`/dashboard/tenants/${tenant}/settings`)).status).toBe(403);
    const page = `/dashboard/tenants/${tenant}/keys`;
    const refused = await visitor.submit(page, "/dashboard/tenants", { delete: tenant, confirm: tenant });
    expect(refused.status).toBe(403);
    expect((await call("GET", `/v1/tenants/${tenant}`)).status).toBe(200);
  });
});
