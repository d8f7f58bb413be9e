import { createExecutionContext, createMessageBatch, getQueueResult, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { app } from "../../src/api/app";
import type { Env } from "../../src/contracts/env";
import { type Answered, call, delivery, fresh, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { asked, DEPLOYED, named, setZone } from "../lib/resolver";
import { appendOnly, consumeWhole, logObject, messageFor } from "./harness";

afterEach(() => {
  vi.restoreAllMocks();
});

const PUBLIC = { A: ["93.184.216.34"] };
const PRIVATE = { A: ["93.184.216.34"], AAAA: ["fd00::1"] };

/** Calls the API as a deployment with this environment answers, at that host. */
async function callWith(
  bindings: Env,
  method: string,
  path: string,
  body?: object,
  host = "posthorn.test",
  key = env.OPERATOR_KEY,
): Promise<Pick<Answered, "status" | "body">> {
  const context = createExecutionContext();
  const headers = { Authorization: `Bearer ${key}` };
  const text = body === undefined ? null : JSON.stringify(body);
  const request = new Request(`https://${host}${path}`, { method, headers, body: text });
  const response = await app.fetch(request, bindings, context);
  await waitOnExecutionContext(context);
  return { status: response.status, body: await response.json() };
}

/** Hands the consumer of such a deployment one message, which it must let go. */
async function consumeWith(bindings: Env, body: unknown): Promise<void> {
  const batch = createMessageBatch("deliveries", [{ id: "m", timestamp: new Date(), attempts: 1, body }]);
  await consumeWhole(batch, bindings);
  const { explicitAcks } = await getQueueResult(batch, createExecutionContext());
  if (explicitAcks.length !== 1) throw new Error("the message was not acked");
}

/** What was fetched over HTTP from now on, but for the servers of the tests; each answered 200. */
function requestsFrom(): string[] {
  const urls: string[] = [];
  const fetched = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    const url = String(input instanceof Request ? input.url : input);
    if (url.startsWith("http://127.0.0.1:")) return fetched(input, init);
    urls.push(url);
    return new Response("ok");
  });
  return urls;
}

/** Writes an endpoint's URL where only a migration or a hand could, past all checks. */
async function writeUrl(id: string, url: string): Promise<number> {
  const row = await env.DB.prepare("UPDATE endpoints SET url = ?, version = version + 1 WHERE id = ? RETURNING version")
    .bind(url, id)
    .first<{ version: number }>();
  return row?.version ?? 0;
}

async function versionOf(id: string): Promise<number> {
  const row = await env.DB.prepare("SELECT version FROM endpoints WHERE id = ?").bind(id).first<{ version: number }>();
  return row?.version ?? 0;
}

describe("saving a URL", () => {
  const tenantPath = async () => `/v1/tenants/${await newTenant()}`;

  it("is refused when its name has an address that is not public", async ({ expect }) => {
    const path = await tenantPath();
    const url = `https://${await named(PRIVATE)}/in`;
    const created = await callWith(DEPLOYED, "POST", `${path}/endpoints`, { url, events: ["*"] });
    expect([created.status, created.body.errors]).toEqual([
      422,
      [{ path: "url", message: "must name a host whose addresses are all public" }],
    ]);
    const callback = await callWith(DEPLOYED, "POST", `${path}/events?webhook_url=${encodeURIComponent(url)}`, {
      event: "e",
      data: {},
    });
    expect([callback.status, callback.body.errors[0].path]).toEqual([422, "webhook_url"]);
    expect((await call("GET", `${path}/events`)).body.data).toEqual([]);

    const good = `https://${await named(PUBLIC)}/in`;
    const endpoint = await callWith(DEPLOYED, "POST", `${path}/endpoints`, { url: good, events: ["*"] });
    expect(endpoint.status).toBe(201);
    const one = `${path}/endpoints/${endpoint.body.id}`;
    expect((await callWith(DEPLOYED, "PATCH", one, { url, name: "x" })).status).toBe(422);
    expect((await call("GET", one)).body).toMatchObject({ url: good, name: null });
    expect((await callWith(DEPLOYED, "PATCH", one, { name: "x" })).status).toBe(200);
  });

  it("is not refused when the resolver has no answer, nor when there is none to ask", async ({ expect }) => {
    const path = await tenantPath();
    for (const zone of [{ status: 3 }, { status: 2 }, {}, { raw: "?" }]) {
      const url = `https://${await named(zone)}/in`;
      expect((await callWith(DEPLOYED, "POST", `${path}/endpoints`, { url, events: [] })).status).toBe(201);
    }
    const name = await named(PRIVATE);
    const body = { url: `https://${name}/in`, events: [] };
    const unreachable = { ...DEPLOYED, DOH_URL: "http://127.0.0.1:1/" };
    for (const bindings of [
      unreachable,
      { ...DEPLOYED, DOH_URL: "" },
      { ...DEPLOYED, ALLOW_INSECURE_ENDPOINTS: "true" },
    ]) {
      expect((await callWith(bindings, "POST", `${path}/endpoints`, body)).status).toBe(201);
    }
    expect(await asked(name)).toEqual([]);
  });

  it("asks Cloudflare's resolver when none is named", async ({ expect }) => {
    const { DOH_URL: _, ...unnamed } = DEPLOYED;
    const path = await tenantPath();
    const urls = requestsFrom();
    const url = "https://hooks.example.com/in";
    expect((await callWith(unnamed as Env, "POST", `${path}/endpoints`, { url, events: [] })).status).toBe(201);
    expect(urls.toSorted()).toEqual([
      "https://cloudflare-dns.com/dns-query?name=hooks.example.com&type=A",
      "https://cloudflare-dns.com/dns-query?name=hooks.example.com&type=AAAA",
    ]);
  });

  it("is Posthorn's own once the operator has called its host, and not for any key that names it", async ({
    expect,
  }) => {
    const path = await tenantPath();
    const { key } = (await callWith(DEPLOYED, "POST", `${path}/keys`, { name: "v", role: "viewer" })).body;
    const host = `${fresh("neighbour")}.acme.example`;
    const save = () => callWith(DEPLOYED, "POST", `${path}/endpoints`, { url: `https://${host}/`, events: [] });
    expect((await callWith(DEPLOYED, "GET", `${path}/endpoints`, undefined, host, key)).status).toBe(200);
    expect((await save()).status).toBe(201);
    expect((await callWith(DEPLOYED, "GET", `${path}/endpoints`, undefined, host)).status).toBe(200);
    expect((await save()).status).toBe(422);
  });

  it("is refused when it is Posthorn's own, under whichever of its names, for local work too", async ({ expect }) => {
    const path = await tenantPath();
    // With an endpoint there, its URL is looked through for the new name; a name may be longer than LIKE takes.
    await call("POST", `${path}/endpoints`, { url: "https://hooks.example.com/", events: [] });
    const other = `${fresh("posthorn")}.preview-of-a-branch-with-quite-a-long-name.acme.example`;
    for (const bindings of [DEPLOYED, env as Env]) {
      for (const [url, at] of [
        ["https://posthorn.test/v1/tenants/acme/events", "posthorn.test"],
        ["https://POSTHORN.test.:8443/", "posthorn.test"],
        // Called once by another name, it is known by that name as well.
        [`https://${other}/v1/tenants/acme/events`, other],
        [`https://${other}/v1/tenants/acme/events`, "posthorn.test"],
      ] as const) {
        const { status, body } = await callWith(bindings, "POST", `${path}/endpoints`, { url, events: [] }, at);
        expect([status, body.errors], url).toEqual([422, [{ path: "url", message: "must not be Posthorn itself" }]]);
        const callback = `${path}/events?webhook_url=${encodeURIComponent(url)}`;
        expect((await callWith(bindings, "POST", callback, { event: "e", data: {} }, at)).status).toBe(422);
      }
    }
  });
});

describe("a URL that is blocked", () => {
  it.for([
    "http://hooks.example.com/in",
    "https://169.254.169.254/latest/meta-data",
    "https://2130706433/",
    "https://hooks.example.com:22/",
    "https://me:pw@hooks.example.com/",
    "https://metadata.google.internal/",
    "not a url",
  ])("is not sent to although D1 says so: %s", async (url, { expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, "https://hooks.example.com/", { retry: [3600] });
    const version = await writeUrl(id, url);
    const [ref] = (await appendOnly(tenant, [id])).refs;
    const urls = requestsFrom();
    await consumeWith(DEPLOYED, { ...messageFor(tenant, id, ref!), version });
    const waiting = await delivery(tenant, ref!, "retrying");
    expect(waiting).toMatchObject({ attempts: 1, lastError: "blocked", lastStatusCode: null });
    expect(waiting.attemptLog[0]).toMatchObject({
      error: "blocked",
      statusCode: null,
      response: null,
      request: { url },
    });
    expect(urls).toEqual([]);
  });

  it("is not sent to although the endpoint's object has a copy from before the policy changed", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url);
    await delivery(tenant, (await post(tenant)).deliveries[0], "succeeded");
    const [ref] = (await appendOnly(tenant, [id])).refs;
    // The same version as the copy: nothing is read again.
    await consumeWith(DEPLOYED, messageFor(tenant, id, ref!));
    expect(await delivery(tenant, ref!, "retrying")).toMatchObject({ attempts: 1, lastError: "blocked" });
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("is not sent to when its name has come to mean a private address; public again, it is", async ({ expect }) => {
    const tenant = await newTenant();
    const name = await named(PRIVATE);
    const { id } = await newEndpoint(tenant, `https://${name}/in`, { retry: [3600] });
    const [first, second] = [(await appendOnly(tenant, [id])).refs[0], (await appendOnly(tenant, [id])).refs[0]];
    const urls = requestsFrom();
    await consumeWith(DEPLOYED, messageFor(tenant, id, first!));
    expect(await delivery(tenant, first!, "retrying")).toMatchObject({ lastError: "blocked" });
    expect(urls).toEqual([]);
    const why = await callWith(DEPLOYED, "GET", `/v1/tenants/${tenant}/events/${eventOf(first!.id)}/explain`);
    expect(why.body.data[0].detail).toContain("must name a host whose addresses are all public");

    await setZone(name, PUBLIC);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 5 * 60_000 });
    await consumeWith(DEPLOYED, messageFor(tenant, id, second!));
    vi.useRealTimers();
    expect(await delivery(tenant, second!, "succeeded")).toMatchObject({ attempts: 1 });
    expect(urls).toEqual([`https://${name}/in`]);
  });

  it("is one of our own from the moment we are called there, also for endpoints saved before", async ({ expect }) => {
    const tenant = await newTenant();
    const host = `${fresh("custom")}.acme.example`;
    const { id } = await newEndpoint(tenant, `https://${host}/in`, { retry: [3600] });
    const urls = requestsFrom();
    await delivery(tenant, (await post(tenant)).deliveries[0], "succeeded");
    expect(urls).toEqual([`https://${host}/in`]);
    const before = await versionOf(id);
    await callWith(env as Env, "PUT", `/v1/tenants/${tenant}`, { name: "Called by its new name" }, host);
    const blocked = await delivery(tenant, (await post(tenant)).deliveries[0], "retrying");
    expect(blocked).toMatchObject({ attempts: 1, lastError: "blocked" });
    expect(urls).toHaveLength(1);
    // For the other isolates it is written down, and the endpoint's object will read it.
    expect(await versionOf(id)).toBeGreaterThan(before);
    const hosts = await env.DB.prepare("SELECT count(*) AS n FROM own_hosts WHERE host = ?").bind(host).first();
    expect(hosts).toEqual({ n: 1 });
  });

  it("is one of our own when another isolate was called there", async ({ expect }) => {
    const tenant = await newTenant();
    const host = `${fresh("custom")}.acme.example`;
    const { id } = await newEndpoint(tenant, `https://${host}/in`, { retry: [3600] });
    const urls = requestsFrom();
    await delivery(tenant, (await post(tenant)).deliveries[0], "succeeded");
    await env.DB.prepare("INSERT INTO own_hosts VALUES (?, 0)").bind(host).run();
    const version = await writeUrl(id, `https://${host}/in`);
    const [ref] = (await appendOnly(tenant, [id])).refs;
    await consumeWith(env as Env, { ...messageFor(tenant, id, ref!), version });
    expect(await delivery(tenant, ref!, "retrying")).toMatchObject({ attempts: 1, lastError: "blocked" });
    const callback = { type: "e", matches: [{ endpoint: "", url: `https://${host}/callback` }], data: "{}" };
    const appended = await logObject(tenant).append(callback);
    if (!("event" in appended)) throw new Error("the event was not appended");
    const { ulid, matches } = appended.event;
    await consumeWith(env as Env, messageFor(tenant, matches[0]?.endpoint ?? "", { id: `dlv_${ulid}0`, type: "e" }));
    const event = await call("GET", `/v1/tenants/${tenant}/events/evt_${ulid}`);
    expect(event.body.deliveries[0]).toMatchObject({ attempts: 1, lastError: "blocked" });
    expect(urls).toHaveLength(1);
  });

  it("of this machine is one of our own only while we are called there: its ports change hands", async ({ expect }) => {
    const tenant = await newTenant();
    const own = "localhost:18787";
    await callWith(env as Env, "PUT", `/v1/tenants/${tenant}`, { name: "Called on this machine" }, own);
    const { results } = await env.DB.prepare("SELECT host FROM own_hosts").all();
    expect(results).not.toContainEqual({ host: own });
    const path = `/v1/tenants/${tenant}/endpoints`;
    expect((await call("POST", path, { url: "http://127.0.0.1:18787/", events: [] })).status).toBe(422);
    expect((await call("POST", path, { url: "http://127.0.0.1:18788/", events: [] })).status).toBe(201);
  });

  it("counts for nothing against its endpoint, and the retry goes to the URL that was set right", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url, { retry: [2, 2, 2, 2, 2], disableAfter: 1 });
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    const version = await writeUrl(id, "https://posthorn.test/");
    const { refs } = await appendOnly(tenant, [id]);
    await consumeWith(env as Env, { ...messageFor(tenant, id, refs[0]!), version });
    await until("two blocked attempts", async () => {
      const { body } = await call("GET", `${path}/deliveries/${refs[0]!.id}`);
      return body.attempts >= 2;
    });
    expect((await call("GET", `${path}/health`)).body).toMatchObject({
      state: "healthy",
      failingSince: null,
      consecutiveFailures: 0,
      window: Array(7).fill(false),
    });
    await call("PATCH", path, { url: receiver.url });
    const done = await delivery(tenant, refs[0]!, "succeeded");
    expect(done.attemptLog.at(-1)).toMatchObject({ error: null, request: { url: receiver.url } });
    expect((await call("GET", `${path}/health`)).body).toMatchObject({ state: "healthy", consecutiveFailures: 0 });
  });

  it("is not sent to by any path: event, batch, automation, replay, resend, recovery, test, callback", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}`;
    const { id } = await newEndpoint(tenant, "https://hooks.example.com/", { retry: [], events: ["lead.hot"] });
    await call("POST", `${path}/automations`, {
      name: "a",
      trigger: "lead.cold",
      actions: [{ type: "webhook", endpoint: id }],
    });
    const urls = requestsFrom();
    await writeUrl(id, "https://posthorn.test/in");
    // The PATCH brings the object's copy up to what is written.
    await call("PATCH", `${path}/endpoints/${id}`, { name: "x" });
    const refs = [
      (await post(tenant, "lead.hot")).deliveries[0],
      (await post(tenant, "lead.cold")).deliveries[0],
      (await call("POST", `${path}/events/batch`, { events: [{ event: "lead.hot", data: {} }] })).body.data[0]
        .deliveries[0],
    ];
    for (const ref of refs) expect(await delivery(tenant, ref, "failed")).toMatchObject({ lastError: "blocked" });
    const attemptsOf = async (ref: { id: string }) =>
      (await call("GET", `${path}/endpoints/${id}/deliveries/${ref.id}`)).body.attempts;
    const again = async (what: string, ref: { id: string }, attempts: number) => {
      await until(what, async () => (await attemptsOf(ref)) >= attempts);
      await delivery(tenant, { id: ref.id, endpoint: id }, "failed");
    };
    await call("POST", `${path}/endpoints/${id}/deliveries/${refs[0].id}/resend`);
    await again("the resend", refs[0], 2);
    await call("POST", `${path}/events/${eventOf(refs[1].id)}/replay`);
    await again("the replay", refs[1], 2);
    expect((await call("POST", `${path}/endpoints/${id}/recover`, { since: "2020-01-01T00:00:00Z" })).body.count).toBe(
      3,
    );
    await again("the recovery", refs[2], 2);
    const test = await call("POST", `${path}/endpoints/${id}/test`, { event: "lead.hot", data: {} });
    expect(test.body.attempt).toMatchObject({ error: "blocked", response: null });

    const matches = [{ endpoint: "", url: "https://posthorn.test/callback" }];
    const appended = await logObject(tenant).append({ type: "e", data: "{}", matches });
    if (!("event" in appended)) throw new Error("the event was not appended");
    const [match] = appended.event.matches;
    const callback = { id: `dlv_${appended.event.ulid}0`, type: "e" };
    await consumeWith(env as Env, messageFor(tenant, match?.endpoint ?? "", callback));
    const event = await call("GET", `${path}/events/evt_${appended.event.ulid}`);
    expect(event.body.deliveries[0]).toMatchObject({ attempts: 1, lastError: "blocked" });
    expect(urls).toEqual([]);
  });
});

/** The event of a delivery: its id is the event's and the index of the match. */
function eventOf(id: string): string {
  return `evt_${id.slice(4, 30)}`;
}
