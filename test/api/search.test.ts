import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { writeSummary } from "../../src/config/endpoints/summaries";
import { DAY, HOUR } from "../../src/lib/time";
import { inPortal } from "../dashboard/visitor";
import { call, delivery, fresh, newEndpoint, newReceiver, newTenant, post } from "../lib/api";

afterEach(() => vi.useRealTimers());

const find = async (tenant: string | null, text: string, headers = {}) => {
  const at = tenant === null ? "/v1/search" : `/v1/tenants/${tenant}/search`;
  return call("GET", `${at}?q=${encodeURIComponent(text)}`, undefined, headers);
};
const hits = async (tenant: string | null, text: string) =>
  (await find(tenant, text)).body.data.map(({ kind, id }: { kind: string; id: string }) => `${kind} ${id}`);

/** A new event type whose events are found by these paths. */
async function searchableType(...searchable: string[]): Promise<string> {
  const name = fresh("found");
  await call("PUT", `/v1/event-types/${name}`, { searchable });
  return name;
}

describe("a search", () => {
  it("finds by whole ids: an event, a delivery, an endpoint, each where the API has it", async ({ expect }) => {
    const [tenant, other] = [await newTenant(), await newTenant()];
    const endpoint = await newEndpoint(tenant, (await newReceiver()).url, { name: "Billing" });
    const event = await post(tenant, "order.paid");
    const [{ id: delivery }] = event.deliveries;
    const at = `/v1/tenants/${tenant}`;
    const expected = {
      [event.id]: { kind: "event", title: "order.paid", path: `${at}/events/${event.id}` },
      [delivery]: {
        kind: "delivery",
        title: "order.paid → Billing",
        path: `${at}/endpoints/${endpoint.id}/deliveries/${delivery}`,
      },
      [endpoint.id]: { kind: "endpoint", title: "Billing", path: `${at}/endpoints/${endpoint.id}` },
    };
    for (const [id, hit] of Object.entries(expected)) {
      for (const scope of [null, tenant]) {
        expect((await find(scope, ` ${id} `)).body, id).toEqual({ data: [{ id, tenant, ...hit }], truncated: false });
      }
      expect((await call("GET", hit.path)).body.id).toBe(id);
      expect(await hits(other, id)).toEqual([]);
    }
    await call("DELETE", `${at}/endpoints/${endpoint.id}`);
    expect((await find(tenant, delivery)).body.data).toMatchObject([{ path: `${at}/events/${event.id}` }]);
    expect(await hits(tenant, endpoint.id)).toEqual([]);
  });

  it("finds an attempt at its delivery, also a retry, and for the operator at endpoints in trouble", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 }, {});
    const endpoint = await newEndpoint(tenant, receiver.url, { name: "Slow", retry: [1] });
    await newEndpoint(tenant, (await newReceiver()).url);
    const event = await post(tenant);
    const sent = event.deliveries.find((one: { endpoint: string }) => one.endpoint === endpoint.id);
    const { attemptLog } = await delivery(tenant, sent, "succeeded");
    expect(attemptLog).toHaveLength(2);
    const path = `/v1/tenants/${tenant}/endpoints/${endpoint.id}/deliveries/${sent.id}`;
    for (const { id } of attemptLog) {
      expect((await find(tenant, id)).body).toEqual({
        data: [{ kind: "attempt", id, tenant, title: "Slow", path }],
        truncated: false,
      });
    }
    expect(await hits(tenant, `att_${"0".repeat(26)}`)).toEqual([]);
    const at = Date.now();
    const fine = { at, state: "healthy" as const, failingSince: null, failedShare: 0, oldestWaitingAt: null };
    const summary = { ...fine, waiting: 0, held: 1, lastSuccessAt: null, lastFailure: null };
    const day = { accepted: 0, succeeded: 0, failed: 0 };
    await writeSummary(env.DB, tenant, endpoint.id, { summary, day, from: 0, hours: {}, over: [], keptSince: 0 });
    expect(await hits(null, attemptLog[0].id)).toEqual([`attempt ${attemptLog[0].id}`]);
  });

  it("finds endpoints by uid, name and a part of their URL, and tenants by id and name", async ({ expect }) => {
    const tenant = await newTenant();
    const name = fresh("Crm");
    const url = `${(await newReceiver()).url}?a=${fresh("Part")}`;
    const one = await newEndpoint(tenant, url, { name: `${name} of all`, uid: fresh("u") });
    const two = await newEndpoint(tenant, (await newReceiver()).url, { name });
    for (const scope of [tenant, null]) {
      expect(await hits(scope, name)).toEqual([`endpoint ${two.id}`, `endpoint ${one.id}`]);
      expect(await hits(scope, one.uid)).toEqual([`endpoint ${one.id}`]);
      expect(await hits(scope, url.slice(-20).toUpperCase())).toEqual([`endpoint ${one.id}`]);
    }
    const called = fresh("Name of a customer");
    await call("PATCH", `/v1/tenants/${tenant}`, { name: called });
    expect((await find(null, called.toLowerCase())).body.data).toEqual([
      { kind: "tenant", id: tenant, tenant, title: called, path: `/v1/tenants/${tenant}` },
    ]);
    expect(await hits(null, tenant)).toEqual([`tenant ${tenant}`]);
    // A tenant's own search is about what it has.
    expect(await hits(tenant, called)).toEqual([]);
    expect(await hits(null, "%")).not.toContain(`tenant ${tenant}`);
  });

  it("finds events by the caller's own id and by their key, days later and beside other keys", async ({ expect }) => {
    const tenant = await newTenant();
    const [own, key, both] = [fresh("own"), fresh("key"), fresh("both")];
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 3 * DAY });
    const first = await call("POST", `/v1/tenants/${tenant}/events`, { event: "a", data: {}, id: own });
    vi.useRealTimers();
    const headers = { "Idempotency-Key": key };
    const second = await call("POST", `/v1/tenants/${tenant}/events`, { event: "a", data: {}, id: both }, headers);
    expect([first.status, second.status]).toEqual([202, 202]);
    for (const scope of [tenant, null]) {
      expect(await hits(scope, key)).toEqual([`event ${second.body.id}`]);
      expect(await hits(scope, both)).toEqual([`event ${second.body.id}`]);
    }
    await env.DB.prepare("UPDATE tenants SET created_at = ? WHERE id = ?")
      .bind(Date.now() - 4 * DAY, tenant)
      .run();
    for (const scope of [tenant, null]) expect(await hits(scope, own)).toEqual([`event ${first.body.id}`]);
  });

  it("finds events by what their type names as searchable, until their content is erased", async ({ expect }) => {
    const tenant = await newTenant();
    const type = await searchableType("order.id", "company.domain");
    const order = 10 ** 8 + Math.floor(Math.random() * 10 ** 8);
    const domain = `${fresh("d")}.example`;
    const data = { order: { id: order }, company: { domain: ` ${domain.toUpperCase()}` }, other: "unsaid" };
    const one = await post(tenant, type, data);
    const two = await post(tenant, type, { order: { id: String(order) } });
    const plain = await post(tenant, fresh("plain"), data);
    for (const scope of [tenant, null]) {
      expect(await hits(scope, String(order))).toEqual([`event ${two.id}`, `event ${one.id}`]);
      expect(await hits(scope, domain)).toEqual([`event ${one.id}`]);
    }
    const list = async (query: string) =>
      (await call("GET", `/v1/tenants/${tenant}/events?${query}`)).body.data.map(({ id }: { id: string }) => id);
    expect(await list(`search=${order}`)).toEqual([two.id, one.id]);
    expect(await list(`search=${order}&event=${plain.event}`)).toEqual([]);
    expect((await call("DELETE", `/v1/tenants/${tenant}/events/${one.id}/content`)).status).toBe(204);
    expect(await hits(tenant, domain)).toEqual([]);
    expect(await hits(tenant, String(order))).toEqual([`event ${two.id}`]);
  });

  it("refuses what says nothing, and what is no search", async ({ expect }) => {
    const tenant = await newTenant();
    for (const at of ["/v1/search", `/v1/tenants/${tenant}/search`]) {
      for (const query of ["", "?q=", "?q=%20", `?q=${"x".repeat(256)}`]) {
        const answer = await call("GET", at + query);
        expect(answer.status, at + query).toBe(422);
        expect(answer.body.errors).toMatchObject([{ path: "q" }]);
      }
    }
    expect((await call("GET", "/v1/search?q=a&tenant=b")).status).toBe(422);
  });

  it("is a tenant's in its own things for whoever may read, and the operator's over all", async ({ expect }) => {
    const tenant = await newTenant();
    const { body } = await call("POST", `/v1/tenants/${tenant}/keys`, { name: "v", role: "viewer" });
    const headers = { Authorization: `Bearer ${body.key}` };
    expect((await find(tenant, "a", headers)).status).toBe(200);
    expect((await find(null, "a", headers)).status).toBe(403);
    expect((await find(await newTenant(), "a", headers)).status).toBe(404);
    expect((await (await inPortal(tenant)).get(`/portal/tenants/${tenant}`)).status).toBe(200);
  });
});

describe("lists of a tenant", () => {
  it("of events are narrowed to an endpoint, also a deleted one", async ({ expect }) => {
    const tenant = await newTenant();
    const url = (await newReceiver()).url;
    const one = await newEndpoint(tenant, url, { events: ["a"], uid: "one" });
    await newEndpoint(tenant, url, { events: ["b"] });
    const [a] = [await post(tenant, "a"), await post(tenant, "b")];
    const list = (endpoint: string) => call("GET", `/v1/tenants/${tenant}/events?endpoint=${endpoint}`);
    for (const name of ["one", one.id]) expect((await list(name)).body.data).toMatchObject([{ id: a.id }]);
    await call("DELETE", `/v1/tenants/${tenant}/endpoints/one`);
    expect((await list(one.id)).body.data).toMatchObject([{ id: a.id }]);
    const refused = await list("one");
    expect([refused.status, refused.body.errors[0].path]).toEqual([422, "endpoint"]);
  });

  it("of events are narrowed to what became of their deliveries, each once, page by page", async ({ expect }) => {
    const tenant = await newTenant();
    const [good, bad] = [await newReceiver(), await newReceiver({ status: 410 }, { status: 410 }, {})];
    const type = await searchableType("n");
    for (let i = 0; i < 2; i++) await newEndpoint(tenant, good.url, { events: ["a", type] });
    const gone = await newEndpoint(tenant, bad.url, { events: ["b"], retry: [] });
    const fine = [await post(tenant, "a"), await post(tenant, type, { n: 7 }), await post(tenant, "a")];
    const failed = await post(tenant, "b");
    for (const sent of fine.flatMap(({ deliveries }) => deliveries)) await delivery(tenant, sent, "succeeded");
    const [{ status }] = [await delivery(tenant, failed.deliveries[0], "failed")];
    expect(status).toBe("failed");
    const list = async (query: string) => (await call("GET", `/v1/tenants/${tenant}/events?${query}`)).body;
    const newest = fine.map(({ id }) => id).toReversed();
    const ids: string[] = [];
    for (let cursor = "", pages = 0; pages < 10; pages++) {
      const { data, nextCursor } = await list(`status=succeeded&limit=1${cursor}`);
      ids.push(...data.map(({ id }: { id: string }) => id));
      if (nextCursor === null) break;
      cursor = `&cursor=${nextCursor}`;
    }
    expect(ids).toEqual(newest);
    expect((await list("status=failed")).data).toEqual([{ id: failed.id, event: "b", timestamp: failed.timestamp }]);
    expect((await list(`code=410&endpoint=${gone.id}`)).data).toMatchObject([{ id: failed.id }]);
    expect((await list("code=410&event=a")).data).toEqual([]);
    expect((await list("status=succeeded&search=7&limit=1")).data).toMatchObject([{ id: fine[1].id }]);
    expect((await list("status=failed&search=7")).data).toEqual([]);
    expect((await call("GET", `/v1/tenants/${tenant}/events?status=wrong`)).status).toBe(422);
  });

  it("of deliveries are narrowed to an endpoint and to the events that are found, page by page", async ({ expect }) => {
    const tenant = await newTenant();
    const type = await searchableType("order.id");
    const order = fresh("order");
    const url = (await newReceiver()).url;
    const [one, two] = [await newEndpoint(tenant, url, { events: [type] }), await newEndpoint(tenant, url)];
    const events = [];
    for (let i = 0; i < 3; i++) events.push(await post(tenant, type, { order: { id: order } }));
    await post(tenant, type, { order: { id: "another" } });
    const all = events.toReversed().flatMap(({ deliveries }) => deliveries as { id: string; endpoint: string }[]);
    expect(all).toHaveLength(6);
    const list = async (query: string) => (await call("GET", `/v1/tenants/${tenant}/deliveries?${query}`)).body;
    const ids = ({ data }: { data: { id: string }[] }) => data.map(({ id }) => id);
    expect(ids(await list(`search=${order}`)).toSorted()).toEqual(all.map(({ id }) => id).toSorted());
    const first = await list(`search=${order}&endpoint=${one.id}&limit=2`);
    const ofOne = all.filter(({ endpoint }) => endpoint === one.id).map(({ id }) => id);
    expect(ids(first)).toEqual(ofOne.slice(0, 2));
    const rest = await list(`search=${order}&endpoint=${one.id}&limit=2&cursor=${first.nextCursor}`);
    expect([ids(rest), rest.nextCursor]).toEqual([ofOne.slice(2), null]);
    expect(ids(await list(`search=${order}&status=canceled`))).toEqual([]);
    for (const { id, endpoint } of all) await delivery(tenant, { id, endpoint }, "succeeded");
    expect(ids(await list(`endpoint=${one.id}&limit=3`)).filter((id) => ofOne.includes(id))).not.toEqual([]);
    const ofTwo = all.filter(({ endpoint }) => endpoint === two.id).map(({ id }) => id);
    const listed = ids(await list(`endpoint=${two.id}`));
    expect(listed.filter((id) => ofTwo.includes(id))).toEqual(ofTwo);
    expect(listed.filter((id) => ofOne.includes(id))).toEqual([]);
  });
});

describe("a search over many days", () => {
  it("finds what is older than a page of the list would look at", async ({ expect }) => {
    const tenant = await newTenant();
    const type = await searchableType("n");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 20 * DAY - HOUR });
    const event = await post(tenant, type, { n: 1 });
    vi.useRealTimers();
    await env.DB.prepare("UPDATE tenants SET created_at = ? WHERE id = ?")
      .bind(Date.now() - 25 * DAY, tenant)
      .run();
    const list = async (query: string) => (await call("GET", `/v1/tenants/${tenant}/events${query}`)).body;
    expect(await list("")).toMatchObject({ data: [], nextCursor: expect.any(String) });
    expect(await list("?search=1")).toMatchObject({ data: [{ id: event.id }], nextCursor: null });
    expect(await hits(tenant, "1")).toContain(`event ${event.id}`);
  });
});
