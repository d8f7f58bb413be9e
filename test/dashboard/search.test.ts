import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { call, delivery, fresh, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import { inPortal, Visitor, withKey, words } from "./visitor";

const asOperator = async () => {
  const visitor = new Visitor();
  await visitor.signIn(env.OPERATOR_KEY ?? "");
  return visitor;
};

describe("the search", () => {
  it("stands on every page, and searches where the visitor is", async ({ expect }) => {
    const tenant = await newTenant();
    const operator = await asOperator();
    const { visitor } = await withKey(tenant, "viewer");
    const portal = await inPortal(tenant);
    const at = `/tenants/${tenant}`;
    for (const [who, page, action] of [
      [operator, "/dashboard/tenants", "/dashboard/search"],
      [operator, `/dashboard${at}/events`, `/dashboard${at}/search`],
      [visitor, `/dashboard${at}/endpoints`, `/dashboard${at}/search`],
      [portal, `/portal${at}/deliveries`, `/portal${at}/search`],
    ] as const) {
      const { html } = await who.get(page);
      expect(html).toContain(`<search class="search-box"><form method="get" action="${action}">`);
      expect(html.match(/id="search"/g)).toHaveLength(1);
    }
    expect((await visitor.get("/dashboard/search?q=a")).status).toBe(404);
    expect((await portal.get("/portal/search?q=a")).status).toBe(404);
  });

  it("leads straight to what alone is found, else shows what it is and where", async ({ expect }) => {
    const tenant = await newTenant();
    const name = fresh("Shop");
    const url = (await newReceiver()).url;
    const [one, two] = [
      await newEndpoint(tenant, url, { name }),
      await newEndpoint(tenant, url, { name: `${name} 2` }),
    ];
    const event = await post(tenant, "order.paid");
    const { visitor } = await withKey(tenant, "viewer");
    const operator = await asOperator();
    const base = `/dashboard/tenants/${tenant}`;
    const sent = event.deliveries.find((delivery: { endpoint: string }) => delivery.endpoint === one.id);
    for (const [q, page] of [
      [event.id, `${base}/events/${event.id}`],
      [one.id, `${base}/endpoints/${one.id}`],
      [sent.id, `${base}/endpoints/${one.id}/deliveries/${sent.id}`],
      [`${name} 2`, `${base}/endpoints/${two.id}`],
    ] as const) {
      for (const [who, at] of [
        [visitor, base],
        [operator, "/dashboard"],
        // From another tenant's pages, where it is not found.
        [operator, `/dashboard/tenants/${await newTenant()}`],
      ] as const) {
        const { status, headers } = await who.get(`${at}/search?q=${encodeURIComponent(q)}`);
        expect([status, headers.get("Location")], `${at} ${q}`).toEqual([303, page]);
        expect((await who.get(page)).status).toBe(200);
      }
    }
    const { html } = await visitor.get(`${base}/search?q=${name}`);
    expect(html).toContain(`href="${base}/endpoints/${one.id}"`);
    expect(html).toContain(`href="${base}/endpoints/${two.id}"`);
  });

  it("says what can be searched where nothing is found, and what is wrong with what it refuses", async ({ expect }) => {
    const tenant = await newTenant();
    const { visitor } = await withKey(tenant, "viewer");
    const at = `/dashboard/tenants/${tenant}/search`;
    const nothing = words((await visitor.get(`${at}?q=${fresh("nothing")}`)).html);
    expect(nothing).toContain("Nothing found");
    expect(nothing).toContain("An event's own id");
    expect(words((await visitor.get(at)).html)).toContain("What can be searched");
    expect((await visitor.get(`${at}?q=${"x".repeat(300)}`)).status).toBe(422);
    await call("DELETE", `/v1/tenants/${tenant}`);
  });
});

describe("the filters of logs", () => {
  it("narrow events and deliveries by endpoint, outcome and what they are found by, and stay in the address", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    const type = fresh("order.paid");
    await call("PUT", `/v1/event-types/${type}`, { searchable: ["order.id"] });
    const order = fresh("order");
    const url = (await newReceiver()).url;
    const [crm, other] = [
      await newEndpoint(tenant, url, { name: "CRM" }),
      await newEndpoint(tenant, url, { name: "B" }),
    ];
    const [event, plain] = [await post(tenant, type, { order: { id: order } }), await post(tenant, "plain")];
    for (const sent of [...event.deliveries, ...plain.deliveries]) await delivery(tenant, sent, "succeeded");
    const { visitor } = await withKey(tenant, "viewer");
    const base = `/dashboard/tenants/${tenant}`;
    const query = `search=${order}&endpoint=${crm.id}&status=succeeded&code=2xx&event=${type}`;
    const events = await visitor.get(`${base}/events?${query}`);
    expect(events.html).toContain(`href="${base}/events/${event.id}"`);
    expect(events.html).not.toContain(plain.id);
    const deliveries = await visitor.get(`${base}/deliveries?${query}`);
    const [toCrm, toOther] = [crm, other].map(({ id }) =>
      event.deliveries.find(({ endpoint }: { endpoint: string }) => endpoint === id),
    );
    expect(deliveries.html).toContain(toCrm.id);
    expect(deliveries.html).not.toContain(toOther.id);
    for (const { html } of [events, deliveries]) {
      expect(html).toContain(`value="${order}"`);
      expect(html).toContain(`<option value="${crm.id}" selected="">CRM</option>`);
      expect(html).toContain('name="code" value="2xx"');
      // What lies in many days' logs is not looked for every two seconds.
      expect(html).not.toContain("data-live=");
    }
    expect((await visitor.get(`${base}/events?endpoint=${crm.id}`)).html).toContain("data-live=");
    expect((await visitor.get(`${base}/events?status=failed&endpoint=${crm.id}`)).html).toContain("No event matches");
    expect((await visitor.get(`${base}/deliveries?endpoint=unknown`)).status).toBe(422);
  });
});
