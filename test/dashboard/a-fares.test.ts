import { afterEach, describe, it, vi } from "vitest";
import { HOUR } from "../../src/lib/time";
import { call, delivery, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import { inPortal, withKey, words } from "./visitor";

afterEach(() => {
  vi.useRealTimers();
});

/** Goes on when what was accepted is older than the last 24 h. */
function nextDay(): void {
  vi.setSystemTime(Date.now() + 25 * HOUR);
}

describe("what is held", () => {
  it("is told however old it is, to whoever may recover it and to whoever may not", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url, { name: "Mine" });
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${id}`, { enabled: false });
    for (let i = 0; i < 2; i++) await delivery(tenant, (await post(tenant)).deliveries[0], "held");
    nextDay();
    const { body: health } = await call("GET", `/v1/tenants/${tenant}/endpoints/${id}/health`);
    expect(health.counts.held).toBe(0);
    const portal = await inPortal(tenant);
    const { visitor: viewer } = await withKey(tenant, "viewer");
    const page = await portal.get(`/portal/tenants/${tenant}/endpoints/${id}`);
    expect(words(page.html)).toMatch(/Disabled: 2 events held\. Somebody disabled it\. .*Recover what is held/);
    expect(words(page.html)).toContain("Held or canceled 0");
    expect(words(page.html)).toContain("Enable it and recover 2 deliveries");
    const overview = await portal.get(`/portal/tenants/${tenant}`);
    expect(words(overview.html)).toMatch(/Mine is disabled: 2 events held\. Disabled by hand, 25 h ago ?\. Recover …/);
    const read = words((await viewer.get(`/dashboard/tenants/${tenant}/endpoints/${id}`)).html);
    expect(read).toContain("Disabled: 2 events held. Somebody disabled it.");
    // Whoever may read the audit is told who it was, and when.
    const { visitor: admin } = await withKey(tenant, "admin");
    const told = words((await admin.get(`/dashboard/tenants/${tenant}/endpoints/${id}`)).html);
    expect(told).toMatch(/Disabled: 2 events held\. Disabled by the operator on \d{4}-/);
    expect(read).not.toContain("Recover");
    const seen = words((await viewer.get(`/dashboard/tenants/${tenant}`)).html);
    expect(seen).toContain("Mine is disabled: 2 events held.");
    expect(seen).not.toContain("Recover");
  });

  it("is said to be nothing only where nothing is", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url, { enabled: false });
    const portal = await inPortal(tenant);
    const page = words((await portal.get(`/portal/tenants/${tenant}/endpoints/${id}`)).html);
    expect(page).toContain("Disabled: nothing is held so far.");
    expect(words((await portal.get(`/portal/tenants/${tenant}`)).html)).not.toContain("is disabled:");
  });
});

describe("of many endpoints", () => {
  it("those that fail and those that have deliveries are shown, and their state is told", async ({ expect }) => {
    const tenant = await newTenant();
    const bad = await newReceiver({ status: 500 });
    const good = await newReceiver();
    const failing = await newEndpoint(tenant, bad.url, { name: "Failing", events: ["old"], retry: [] });
    await delivery(tenant, (await post(tenant, "old")).deliveries[0], "failed");
    nextDay();
    await newEndpoint(tenant, good.url, { name: "Busy", events: ["new"] });
    await delivery(tenant, (await post(tenant, "new")).deliveries[0], "succeeded");
    for (let i = 0; i < 13; i++) {
      await newEndpoint(tenant, good.url, { name: `Off ${i}`, events: ["none"], enabled: false });
      await newEndpoint(tenant, good.url, { name: `Idle ${i}`, events: ["none"] });
    }
    const { visitor } = await withKey(tenant, "admin");
    const base = `/dashboard/tenants/${tenant}`;
    const { html } = await visitor.get(base);
    const shown = [...html.matchAll(/class="row-link"[^>]*>([^<]+)</g)].map(([, name]) => name);
    expect(shown.slice(0, 2)).toEqual(["Failing", "Busy"]);
    expect(shown.length).toBe(12);
    expect(html).toContain('aria-label="Last 24 h: 1 delivery, 0 failed"');

    const list = async (query: string) => (await visitor.get(`${base}/endpoints?${query}`)).html;
    const found = await list("state=failing");
    expect([...found.matchAll(/class="row-link"/g)].length).toBe(1);
    expect(found).toContain(`/endpoints/${failing.id}"`);
    expect(found).toContain('<span class="pill bad">failing</span>');
    const named = await list("q=Busy");
    expect(named).toContain('<span class="pill good">enabled</span>');
    expect(await list("q=Failing")).toContain('<span class="pill bad">failing</span>');
    expect(await list("state=failing&q=Busy")).toContain("No endpoint matches");
  });
});
