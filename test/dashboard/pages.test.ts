import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { call, delivery, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { objectCalls, Visitor, withKey, words } from "./visitor";

const KEY = env.OPERATOR_KEY ?? "";

afterEach(() => {
  vi.restoreAllMocks();
});

async function operator(): Promise<Visitor> {
  const visitor = new Visitor();
  await visitor.signIn(KEY);
  return visitor;
}

describe("the log", () => {
  it("costs one object call per page, whole or in part", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const { deliveries } = await post(tenant);
    await delivery(tenant, deliveries[0], "succeeded");
    const visitor = await operator();
    const at = `/dashboard/tenants/${tenant}/endpoints/${id}/deliveries`;
    const calls = objectCalls();
    const whole = await visitor.get(at);
    expect(calls()).toEqual(["list"]);
    const part = await visitor.get(`${at}?status=succeeded`, { "HX-Request": "true" });
    expect(calls()).toEqual(["list", "list"]);
    for (const { html } of [whole, part]) expect(html).toContain(deliveries[0].id);
    expect(part.html).toMatch(/^<div id="log"/);
  });

  it("keeps its filter in the address, pages on, and tells none from no match", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const visitor = await operator();
    const at = `/dashboard/tenants/${tenant}/endpoints/${id}/deliveries`;
    expect(words((await visitor.get(at)).html)).toContain("No deliveries yet");
    await call("POST", `/v1/tenants/${tenant}/events/batch`, {
      events: Array.from({ length: 60 }, (_, i) => ({ event: i % 2 ? "odd" : "even", data: {} })),
    });
    await until("all of them", async () => {
      const { body } = await call("GET", `/v1/tenants/${tenant}/stats`);
      return body.data[0]?.succeeded === 60;
    });
    const first = await visitor.get(at);
    const next = /href="([^"]+)" rel="next"/.exec(first.html)?.[1]?.replaceAll("&amp;", "&") ?? "";
    const second = await visitor.get(next);
    const ids = (html: string) => [...html.matchAll(/deliveries\/(dlv_\w+)"/g)].map(([, found]) => found);
    expect(ids(first.html).length).toBe(50);
    expect(new Set([...ids(first.html), ...ids(second.html)]).size).toBe(60);
    const odd = await visitor.get(`${at}?event=odd`);
    expect(ids(odd.html).length).toBe(30);
    expect(odd.html).toContain('name="event" value="odd"');
    expect(words((await visitor.get(`${at}?status=failed`)).html)).toContain("No delivery matches");
    expect((await visitor.get(`${at}?code=nonsense`)).status).toBe(422);
    expect((await visitor.get(`${at}?since=2026-11-01T10:00`)).status).toBe(200);
  });
});

describe("the numbers of a page", () => {
  it("are the API's", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({}, { status: 500 });
    const endpoint = await newEndpoint(tenant, receiver.url, { retry: [], name: "Mine" });
    for (let i = 0; i < 3; i++) {
      const { deliveries } = await post(tenant);
      await delivery(tenant, deliveries[0], i === 0 ? "succeeded" : "failed");
    }
    const visitor = await operator();
    const { body: health } = await call("GET", `/v1/tenants/${tenant}/endpoints/${endpoint.id}/health`);
    const at = `/dashboard/tenants/${tenant}`;
    const { html: drawn } = await visitor.get(`${at}/endpoints/${endpoint.id}`);
    const page = words(drawn);
    expect(health.counts).toMatchObject({ succeeded: 1, failed: 2 });
    expect(page).toContain(`Failures in a row ${health.consecutiveFailures}`);
    expect(drawn).toContain(`p50 from ${Math.round(health.latency.p50)} ms`);
    expect(page).toContain("1 of 7 parts marked");
    expect(page).toContain("Recover 2 deliveries");
    for (const path of ["", `/endpoints/${endpoint.id}`]) {
      const { html } = await visitor.get(at + path);
      // They add up to what was accepted.
      expect(words(html)).toMatch(/Accepted 3 Succeeded 1 Waiting 0 Failed 2 Held or canceled 0 Success rate 33 %/);
      expect(html).toContain("Deliveries: 1 succeeded, 0 waiting, 2 failed, 0 held or canceled");
      expect(words(html)).toMatch(/Errors by code .* 500 2/);
    }
    const { html: list } = await visitor.get(`${at}/endpoints`);
    expect(list).toContain('aria-label="Last 24 h: 3 deliveries, 2 failed"');
  });
});

describe("changing an endpoint", () => {
  it("says beside the field what the API refuses, and keeps what was typed", async ({ expect }) => {
    const tenant = await newTenant();
    const visitor = await operator();
    const base = `/dashboard/tenants/${tenant}/endpoints`;
    const fields = {
      url: "ftp://x",
      name: "<i>mine</i>",
      events: "lead.hot",
      filter: '{"dta": 1}',
      retry: "5, 99999",
      profile: "clearview",
    };
    const refused = await visitor.submit(`${base}/new`, base, fields);
    expect(refused.status).toBe(422);
    const said = words(refused.html);
    expect(said).toContain("The endpoint was not created.");
    expect(said).toContain("can never match");
    expect(refused.html).toMatch(/id="f-retry"[^>]*aria-invalid="true"/);
    expect(refused.html).toContain('value="ftp://x"');
    expect(refused.html).toContain('value="&lt;i&gt;mine&lt;/i&gt;"');
    const unread = await visitor.submit(`${base}/new`, base, { ...fields, filter: "{" });
    expect(words(unread.html)).toContain("is not JSON");
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints`)).body.data).toEqual([]);
  });

  it("saves what was changed, and leaves to the profile what is its own", async ({ expect }) => {
    const tenant = await newTenant();
    const { url } = await newReceiver();
    const endpoint = await newEndpoint(tenant, url, {
      events: ["lead.hot"],
      headers: { Authorization: "Bearer secret" },
    });
    const visitor = await operator();
    const page = `/dashboard/tenants/${tenant}/endpoints/${endpoint.id}/settings`;
    const { html } = await visitor.get(page);
    const fields = fieldsOf(html);
    expect(fields.headers).toBe("Authorization: ***");
    const saved = await visitor.submit(page, page, { ...fields, name: "CRM", profile: "standard" });
    expect(saved.status).toBe(422);
    expect(words(saved.html)).toContain("rotate to one first");
    const again = await visitor.submit(page, page, { ...fields, name: "CRM", profile: "stripe" });
    expect(again.headers.get("Location")).toMatch(/done=saved$/);
    const { body } = await call("GET", `/v1/tenants/${tenant}/endpoints/${endpoint.id}`);
    expect(body).toMatchObject({ name: "CRM", profile: "stripe", headers: { Authorization: "***" } });
    expect(body.signature).toEqual({ scheme: "stripe", header: "Stripe-Signature" });
    expect(body.retry).toEqual([5, 300, 1800, 7200, 18000, 36000, 36000]);
  });

  it("previews the request that a delivery would be, and tries the filter", async ({ expect }) => {
    const tenant = await newTenant();
    await call("POST", "/v1/event-types/catalogs/clearview");
    const { visitor } = await withKey(tenant, "admin");
    const base = `/dashboard/tenants/${tenant}/endpoints`;
    const tried = async (fields: object) =>
      words(
        (await visitor.submit(`${base}/new`, `${base}/preview`, { profile: "svix", events: "lead.hot", ...fields }))
          .html,
      );
    const plain = await tried({ sampleEvent: "lead.hot" });
    expect(plain).toContain("It wants lead.hot");
    expect(plain).toMatch(/svix-signature v1,[A-Za-z0-9+/]{43}=/);
    expect(plain).toContain("X-Webhook-Event lead.hot");
    const own = { sampleEvent: "lead.hot", sampleData: '{"score": 1.0, "n": 12345678901234567890}' };
    expect(await tried(own)).toContain('Raw {"score": 1.0, "n": 12345678901234567890} Copy as curl');
    expect(await tried({ ...own, filter: '{"data.score": {"$gte": 70}}' })).toContain(
      "data.score $gte 70 does not hold, it has 1",
    );
    expect(await tried({ ...own, filter: '{"data.score": {"$lt": 70}}' })).toContain("passes the filter");
    expect(await tried({ sampleEvent: "lead.hot", sampleData: "[" })).toContain("not JSON");
  });

  it("asks before it deletes, and tests through the real path", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 418, body: "<script>alert(1)</script>" });
    const endpoint = await newEndpoint(tenant, receiver.url, { enabled: false });
    const visitor = await operator();
    const base = `/dashboard/tenants/${tenant}/endpoints/${endpoint.id}`;
    const tested = await visitor.submit(`${base}/test`, `${base}/test`, { event: "a.b", data: '{"x": 1.0}' });
    expect(words(tested.html)).toContain('"data":{"x": 1.0}');
    expect(words(tested.html)).toContain("418");
    expect(words(tested.html)).toContain("<script>alert(1)</script>");
    expect(tested.html).not.toContain("<script>alert");
    const [request] = await receiver.arrived();
    expect(request?.body).toContain('"data":{"x": 1.0}');
    expect(words((await visitor.get(`${base}/delete`)).html)).toContain("cannot be undone");
    await visitor.submit(`${base}/delete`, `${base}/delete`, {});
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints/${endpoint.id}`)).status).toBe(404);
  });
});

/** What the fields of a page's form say. */
function fieldsOf(html: string): Record<string, string> {
  const plain = (text: string) => text.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
  const fields: Record<string, string> = {};
  for (const [tag] of html.matchAll(/<input[^>]*>/g)) {
    const name = /\sname="([^"]+)"/.exec(tag)?.[1];
    const chosen = !/type="(?:checkbox|radio)"/.test(tag) || /\schecked/.test(tag);
    if (name !== undefined && name !== "_token" && chosen)
      fields[name] = plain(/\svalue="([^"]*)"/.exec(tag)?.[1] ?? "");
  }
  for (const [, name = "", text = ""] of html.matchAll(/<textarea[^>]*\sname="([^"]+)"[^>]*>([^<]*)</g)) {
    fields[name] = plain(text).trim();
  }
  for (const [, name = "", options = ""] of html.matchAll(/<select[^>]*\sname="([^"]+)"[^>]*>(.*?)<\/select>/g)) {
    fields[name] = plain(/<option value="([^"]*)" selected/.exec(options)?.[1] ?? "");
  }
  return fields;
}
