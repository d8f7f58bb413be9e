import { describe, it } from "vitest";
import { call, delivery, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import { withKey, words } from "./visitor";

describe("a log", () => {
  it("says why it refuses a filter, with the form as it was filled in", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const { visitor } = await withKey(tenant, "viewer");
    const base = `/dashboard/tenants/${tenant}`;
    for (const at of [`${base}/deliveries`, `${base}/endpoints/${id}/deliveries`]) {
      const { status, html } = await visitor.get(`${at}?code=abc&event=lead.hot`);
      expect(status).toBe(422);
      expect(html).toContain('name="code" value="abc"');
      expect(html).toContain('name="event" value="lead.hot"');
      expect(html).toMatch(/role="alert"[^>]*>.*<strong>Code<\/strong>/);
      expect(html).not.toContain("data-live");
      expect(html).toContain(`<a href="${at}">Clear</a>`);
    }
    const events = await visitor.get(`${base}/events?event=lead.hot&since=nonsense`);
    expect(events.status).toBe(422);
    expect(events.html).toContain('name="event" value="lead.hot"');
    expect(events.html).toMatch(/role="alert"[^>]*>.*<strong>Since<\/strong>/);
    expect(events.html).not.toContain("data-live");
  });
});

describe("an event's page", () => {
  it("links no delivery of an endpoint that is deleted: there is no such page any more", async ({ expect }) => {
    const tenant = await newTenant();
    const { url } = await newReceiver();
    const [kept, gone] = [await newEndpoint(tenant, url, { name: "Kept" }), await newEndpoint(tenant, url)];
    const event = await post(tenant);
    for (const sent of event.deliveries) await delivery(tenant, sent, "succeeded");
    await call("DELETE", `/v1/tenants/${tenant}/endpoints/${gone.id}`);
    const { visitor } = await withKey(tenant, "viewer");
    const { html } = await visitor.get(`/dashboard/tenants/${tenant}/events/${event.id}`);
    expect(html).toContain(`/endpoints/${kept.id}/deliveries/`);
    expect(html).not.toContain(`/endpoints/${gone.id}/deliveries/`);
    expect(words(html)).toContain(`deleted endpoint ${gone.id}`);
  });
});
