import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { call, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { inPortal, Visitor, withKey } from "./visitor";

const KEY = env.OPERATOR_KEY ?? "";

describe("a role", () => {
  it("is not shown the forms that it may not send", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const named = async (kind: string, body: object) =>
      (await call("POST", `/v1/tenants/${tenant}/${kind}`, body)).body.id as string;
    const signal = await named("signals", { name: "s", emit: "a.b", entity: "company", when: { every: true } });
    const automation = await named("automations", {
      name: "a",
      trigger: "a.b",
      actions: [{ type: "webhook", endpoint: id }],
    });
    const { visitor: viewer } = await withKey(tenant, "viewer");
    const { visitor: admin } = await withKey(tenant, "admin");
    const portal = await inPortal(tenant);
    const endpoint = [`/endpoints/${id}/test`, `/endpoints/${id}/delete`, `/endpoints/${id}/settings`];
    const rules = [`/automations/${automation}`, `/signals/${signal}`];
    for (const page of [...endpoint, ...rules]) {
      const seen = async (visitor: Visitor, base: string) =>
        (await visitor.get(`${base}/tenants/${tenant}${page}`)).status;
      expect([page, await seen(viewer, "/dashboard")]).toEqual([page, 403]);
      expect([page, await seen(admin, "/dashboard")]).toEqual([page, 200]);
      expect([page, await seen(portal, "/portal")]).toEqual([page, endpoint.includes(page) ? 200 : 403]);
    }
    const base = `/dashboard/tenants/${tenant}`;
    const preview = `/endpoints/${id}/settings/preview`;
    expect((await viewer.submit(base, base + preview, {})).status).toBe(403);
    for (const at of [preview, "/endpoints/preview"]) {
      expect((await admin.submit(base, base + at, {})).status).toBe(200);
    }
  });
});

describe("the pages of another tenant", () => {
  it("are not there, also where they ask the API nothing", async ({ expect }) => {
    const [own, other] = await Promise.all([newTenant(), newTenant()]);
    const { visitor: admin } = await withKey(own, "admin");
    const portal = await inPortal(own);
    const operator = new Visitor();
    await operator.signIn(KEY);
    for (const page of ["", "/portal-links", "/endpoints/new", "/event-types", "/endpoints"]) {
      const seen = async (visitor: Visitor, base: string, tenant: string) =>
        (await visitor.get(`${base}/tenants/${tenant}${page}`)).status;
      expect([page, await seen(admin, "/dashboard", other)]).toEqual([page, 404]);
      expect([page, await seen(admin, "/dashboard", "nobody")]).toEqual([page, 404]);
      expect([page, await seen(portal, "/portal", other)]).toEqual([page, 404]);
      expect([page, await seen(operator, "/dashboard", "nobody")]).toEqual([page, 404]);
      expect([page, await seen(admin, "/dashboard", own)]).toEqual([page, 200]);
      expect([page, await seen(operator, "/dashboard", other)]).toEqual([page, 200]);
    }
  });
});

describe("the help", () => {
  it("is the guides: a customer's begins with receivers, and old addresses lead there", async ({ expect }) => {
    const tenant = await newTenant();
    const { visitor } = await withKey(tenant, "viewer");
    const portal = await inPortal(tenant);
    const inFrame = await portal.get(`/portal/tenants/${tenant}`);
    expect(inFrame.html).toContain('href="/docs/receivers" target="_blank" rel="noopener"');
    expect((await visitor.get(`/dashboard/tenants/${tenant}`)).html).toMatch(/class="side-link" href="\/docs">/);
    expect((await visitor.get("/dashboard/help")).headers.get("Location")).toBe("/docs");
    expect((await portal.get("/portal/help")).headers.get("Location")).toBe("/docs/receivers");
  });
});
