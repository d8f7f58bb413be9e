import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { call, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { inPortal, Visitor, withKey, words } from "./visitor";

describe("the audit", () => {
  it("says who disabled an endpoint one click from its page, by the key's name", async ({ expect }) => {
    const tenant = await newTenant();
    const endpoint = await newEndpoint(tenant, (await newReceiver()).url, { name: "Billing" });
    const { body: key } = await call("POST", `/v1/tenants/${tenant}/keys`, { name: "Ann's", role: "admin" });
    const at = `/v1/tenants/${tenant}/endpoints/${endpoint.id}`;
    await call("PATCH", at, { enabled: false }, { Authorization: `Bearer ${key.key}` });
    const visitor = new Visitor();
    await visitor.signIn(env.OPERATOR_KEY ?? "");
    const base = `/dashboard/tenants/${tenant}`;
    const audit = `${base}/endpoints/${endpoint.id}/audit`;
    expect((await visitor.get(`${base}/endpoints/${endpoint.id}`)).html).toContain(`href="${audit}"`);
    const text = words((await visitor.get(audit)).html);
    expect(text).toContain(`Ann's (admin key) ${key.id} endpoint disabled`);
    expect(text).toContain("the operator endpoint created");
    expect(text).not.toContain("key created");
    const all = words((await visitor.get(`${base}/audit`)).html);
    expect(all).toContain("key created Ann's (admin key)");
    expect(all).toContain("endpoint disabled Billing");
    const some = words((await visitor.get(`${base}/audit?target=${key.id}`)).html);
    expect(some).toContain("key created");
    expect(some).not.toContain("endpoint disabled");
  });

  it("is an admin's", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const [admin, viewer] = [await withKey(tenant, "admin"), await withKey(tenant, "viewer")];
    const portal = await inPortal(tenant);
    for (const page of [`/tenants/${tenant}/audit`, `/tenants/${tenant}/endpoints/${id}/audit`]) {
      expect((await admin.visitor.get(`/dashboard${page}`)).status).toBe(200);
      expect((await viewer.visitor.get(`/dashboard${page}`)).status).toBe(404);
      expect((await portal.get(`/portal${page}`)).status).toBe(404);
    }
    expect((await viewer.visitor.get(`/dashboard/tenants/${tenant}/endpoints/${id}`)).html).not.toContain("/audit");
    expect((await portal.get(`/portal/tenants/${tenant}`)).html).not.toContain("/audit");
  });
});
