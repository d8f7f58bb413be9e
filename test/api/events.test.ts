import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { type Answered, call, delivery, deliveryPath, newEndpoint, newReceiver, newTenant, post } from "../lib/api";

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function send(tenant: string, body: unknown): Promise<Answered> {
  return call("POST", `/v1/tenants/${tenant}/events`, body);
}

describe("an event", () => {
  it("is accepted with its id, its time and the deliveries it makes", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const endpoint = await newEndpoint(tenant, receiver.url);
    const before = Date.now();
    const answer = await send(tenant, { event: "lead.hot", data: { a: 1 } });
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^evt_[0-9A-HJKMNP-TV-Z]{26}$/),
      event: "lead.hot",
      timestamp: expect.stringMatching(ISO),
      deliveries: [{ id: expect.stringMatching(/^dlv_/), endpoint: endpoint.id }],
    });
    expect(Date.parse(answer.body.timestamp)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(answer.body.timestamp)).toBeLessThanOrEqual(Date.now());
  });

  it("is accepted when nobody is subscribed, and can be read", async ({ expect }) => {
    const tenant = await newTenant();
    const { id, deliveries, timestamp } = await post(tenant, "lead.cold", { a: 1 });
    expect(deliveries).toEqual([]);
    const read = await call("GET", `/v1/tenants/${tenant}/events/${id}`);
    expect(read.status).toBe(200);
    expect(read.headers.get("Content-Type")).toContain("application/json");
    expect(read.body).toEqual({ id, event: "lead.cold", timestamp, data: { a: 1 }, deliveries: [] });
  });

  it.for([
    ["2026-11-21T09:30:00Z", "2026-11-21T09:30:00.000Z"],
    ["2026-11-21T09:30:00.5+02:00", "2026-11-21T07:30:00.500Z"],
    ["2019-01-01T00:00:00-05:30", "2019-01-01T05:30:00.000Z"],
    ["2026-11-21T09:30:00.123456Z", "2026-11-21T09:30:00.123Z"],
  ])("that happened at %s is told as %s everywhere", async ([given = "", normal], { expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url);
    const { body } = await send(tenant, { event: "lead.hot", data: {}, timestamp: given });
    expect(body.timestamp).toBe(normal);
    expect((await call("GET", `/v1/tenants/${tenant}/events/${body.id}`)).body.timestamp).toBe(normal);
    const [request] = await receiver.arrived();
    expect(JSON.parse(request?.body ?? "").timestamp).toBe(normal);
  });

  it("may have an object or an array as data, empty too", async ({ expect }) => {
    const tenant = await newTenant();
    for (const data of [{}, [], { a: null }, [1, "two", { three: 3 }]]) {
      const { id } = await post(tenant, "lead.hot", data);
      expect((await call("GET", `/v1/tenants/${tenant}/events/${id}`)).body.data).toEqual(data);
    }
  });

  it.for([
    [{ data: {} }, ["event"]],
    [{ event: "lead.hot" }, ["data"]],
    [{}, ["data", "event"]],
    [{ event: "lead.hot", data: null }, ["data"]],
    [{ event: "lead.hot", data: "text" }, ["data"]],
    [{ event: "lead.hot", data: 5 }, ["data"]],
    [{ event: "lead.hot", data: true }, ["data"]],
    [{ event: "", data: {} }, ["event"]],
    [{ event: "lead hot", data: {} }, ["event"]],
    [{ event: "lead\nhot", data: {} }, ["event"]],
    [{ event: "läd", data: {} }, ["event"]],
    [{ event: "*", data: {} }, ["event"]],
    [{ event: "x".repeat(129), data: {} }, ["event"]],
    [{ event: ["lead.hot"], data: {} }, ["event"]],
    [{ event: "lead.hot", data: {}, timestamp: "yesterday" }, ["timestamp"]],
    [{ event: "lead.hot", data: {}, timestamp: "2026-02-30T00:00:00Z" }, ["timestamp"]],
    [{ event: "lead.hot", data: {}, timestamp: "2026-11-21T09:30:00" }, ["timestamp"]],
    [{ event: "lead.hot", data: {}, timestamp: 1_700_000_000 }, ["timestamp"]],
    [{ event: "lead.hot", data: {}, id: "" }, ["id"]],
    [{ event: "lead.hot", data: {}, id: 5 }, ["id"]],
    [{ event: "lead.hot", data: {}, id: "x".repeat(256) }, ["id"]],
    [{ event: "lead.hot", data: {}, type: "lead.hot", tenant: "x" }, ["tenant", "type"]],
    [{ event: 1, data: 2, timestamp: 3, id: 4, more: 5 }, ["data", "event", "id", "more", "timestamp"]],
    [[{ event: "lead.hot", data: {} }], [""]],
    ["null", [""]],
  ] as [unknown, string[]][])("is refused as %j, naming %j", async ([body, fields], { expect }) => {
    const tenant = await newTenant();
    const answer = await send(tenant, body);
    expect(answer.status).toBe(422);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(answer.body.errors.map(({ path }: { path: string }) => path).sort()).toEqual(fields);
  });

  it("carries the caller's own id as the payload's, while paths take ours", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url);
    const own = 'order "7" / é';
    const { body } = await send(tenant, { event: "lead.hot", data: {}, id: own });
    expect(body.id).toMatch(/^evt_/);
    const [request] = await receiver.arrived();
    expect(JSON.parse(request?.body ?? "").id).toBe(own);
    expect((await call("GET", `/v1/tenants/${tenant}/events/${body.id}`)).status).toBe(200);
    expect((await call("GET", `/v1/tenants/${tenant}/events/${encodeURIComponent(own)}`)).status).toBe(404);
  });

  it("gets ids that sort as the events were accepted", async ({ expect }) => {
    const tenant = await newTenant();
    const ids: string[] = [];
    for (let i = 0; i < 10; i++) ids.push((await post(tenant)).id);
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(10);
  });

  it("has a delivery that can be read from the 202 on", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ misbehave: "hang" });
    await newEndpoint(tenant, receiver.url, { timeout: 1, retry: [] });
    const { id, timestamp, deliveries } = await post(tenant);
    const [ref] = deliveries;
    const read = await call("GET", deliveryPath(tenant, ref));
    expect(read.status).toBe(200);
    expect(read.body).toMatchObject({
      id: ref.id,
      eventId: id,
      event: "lead.hot",
      endpoint: ref.endpoint,
      status: "pending",
      waitReason: null,
      attempts: 0,
      lastStatusCode: null,
      lastError: null,
      nextAttemptAt: null,
      createdAt: timestamp,
      finishedAt: null,
      attemptLog: [],
    });
    const event = (await call("GET", `/v1/tenants/${tenant}/events/${id}`)).body;
    const { attemptLog: _, ...listed } = read.body;
    expect(event.deliveries).toEqual([listed]);
    await delivery(tenant, ref, "failed");
  });
});

/** Texts that parsing and printing would change. */
const TEXTS = [
  '{"2":"b","1":"a","10":"c"}',
  "[12345678901234567890,1.0,1e3,-0,0.1e-2,1E+2]",
  '{"escaped":"\\u00e9\\/\\ud83d\\ude00\\n\\u0000","plain":"é/😀 漢字","line":"\u2028\u2029"}',
  '{ "spaced" :\n\t[ 1 ,\r\n 2 ] , "" : { } }',
  '{"same":1,"same":2}',
  '{"__proto__":{"a":1},"constructor":null,"data":"}","quote":"\\"}"}',
  '{"lone":"\\ud800"}',
  '["]","[","\\\\"]',
];

describe("an event's data", () => {
  it.for(TEXTS)("is kept byte for byte: %s", async (text, { expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url);
    const posted = await send(tenant, ` { "data" : ${text}\n, "event":"lead.hot"} `);
    expect(posted.status).toBe(202);
    const { id, timestamp, deliveries } = posted.body;

    const read = await call("GET", `/v1/tenants/${tenant}/events/${id}`);
    expect(read.text).toContain(`"data":${text}`);
    const [request] = await receiver.arrived();
    expect(request?.body).toBe(`{"id":"${id}","event":"lead.hot","timestamp":"${timestamp}","data":${text}}`);
    const { attemptLog } = await delivery(tenant, deliveries[0], "succeeded");
    expect(attemptLog[0].request.body).toBe(request?.body);
  });

  it("is the last of members that share the name, as in JSON.parse", async ({ expect }) => {
    const tenant = await newTenant();
    const { body } = await send(tenant, '{"data":{"a":1},"event":"lead.hot","d\\u0061ta":{"a":2.0}}');
    expect((await call("GET", `/v1/tenants/${tenant}/events/${body.id}`)).text).toContain('"data":{"a":2.0}');
  });

  it("is the same bytes in every attempt, whatever the caller's own id says", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver({ status: 500 }, { status: 500 }, { status: 500 }, {});
    await newEndpoint(tenant, receiver.url, { retry: [1, 1, 1, 1] });
    const ids = ["a\\u2028b", "\\ud83d\\ude00", "\\\\\\u0022"];
    for (const id of ids) {
      expect((await send(tenant, `{"event":"lead.hot","data":{},"id":"${id}"}`)).status).toBe(202);
    }
    const requests = await receiver.arrived(6);
    for (const id of ids) {
      const bodies = requests.map(({ body }) => body).filter((body) => JSON.parse(body).id === JSON.parse(`"${id}"`));
      expect(bodies.length, id).toBeGreaterThanOrEqual(2);
      expect(new Set(bodies).size, id).toBe(1);
    }
    // Half a character is no text, and would come back from the log as another one.
    for (const refused of ["\\ud800", "\\u0000"]) {
      const { status, body } = await send(tenant, `{"event":"lead.hot","data":{},"id":"${refused}"}`);
      expect([status, body.errors?.[0].path], refused).toEqual([422, "id"]);
    }
  });
});

describe("which endpoints get an event", () => {
  it("is those subscribed to its type or to all, each once", async ({ expect }) => {
    const tenant = await newTenant();
    const { url } = await newReceiver();
    const all = await newEndpoint(tenant, url, { events: ["*"] });
    const hot = await newEndpoint(tenant, url, { events: ["lead.hot", "lead.hot"] });
    const both = await newEndpoint(tenant, url, { events: ["lead.cold", "lead.hot"] });
    await newEndpoint(tenant, url, { events: ["lead.cold"] });
    await newEndpoint(tenant, url, { events: ["lead"] });
    await newEndpoint(tenant, url, { events: ["LEAD.HOT"] });
    await newEndpoint(tenant, url, { events: [] });
    await newEndpoint(await newTenant(), url, { events: ["*"] });
    const { deliveries } = await post(tenant, "lead.hot");
    const got = deliveries.map(({ endpoint }: { endpoint: string }) => endpoint);
    expect(got.toSorted()).toEqual([all.id, hot.id, both.id].toSorted());
    expect(new Set(deliveries.map(({ id }: { id: string }) => id)).size).toBe(3);
  });

  it("follows a change at once", async ({ expect }) => {
    const tenant = await newTenant();
    const { url } = await newReceiver();
    const count = async () => (await post(tenant, "lead.hot")).deliveries.length;
    expect(await count()).toBe(0);
    const { id } = await newEndpoint(tenant, url, { events: ["lead.hot"] });
    expect(await count()).toBe(1);
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${id}`, { events: [] });
    expect(await count()).toBe(0);
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${id}`, { events: ["*"] });
    expect(await count()).toBe(1);
    await call("DELETE", `/v1/tenants/${tenant}/endpoints/${id}`);
    expect(await count()).toBe(0);
  });

  it("can be more than one queue batch holds", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    Object.assign(env, { MAX_ENDPOINTS: "105" });
    await Promise.all(Array.from({ length: 105 }, () => newEndpoint(tenant, receiver.url)));
    const { id, deliveries } = await post(tenant);
    expect(deliveries).toHaveLength(105);
    const requests = await receiver.arrived(105);
    expect(new Set(requests.map(({ headers }) => headers["x-webhook-id"])).size).toBe(105);
    const event = await call("GET", `/v1/tenants/${tenant}/events/${id}`);
    expect(event.body.deliveries).toHaveLength(105);
  });
});
