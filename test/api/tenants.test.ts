import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, type ExpectStatic, it } from "vitest";
import { app } from "../../src/api/app";
import { daysToErase, eraseTenant } from "../../src/api/tenants/erase-tenant";
import {
  endpointsToErase,
  findTenant,
  isBeingDeleted,
  markTenantDeleted,
  noteErased,
  removeTenant,
} from "../../src/config/tenants";
import type { EventLogContract } from "../../src/contracts/event-log";
import { DAY, dayOf } from "../../src/lib/time";
import { type Answered, call, fresh, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { appendOnly, endpointObject, logObject, messageFor } from "../send/harness";

/** What an object holds: its own tables and its alarm. */
async function held(object: DurableObjectStub): Promise<{ tables: string[]; alarm: number | null }> {
  return runInDurableObject(object, async (_, { storage }) => ({
    tables: storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
      )
      .toArray()
      .map(({ name }) => name),
    alarm: await storage.getAlarm(),
  }));
}

const NOTHING = { tables: [], alarm: null };

/** How many rows of each table of D1 belong to the tenant, but for the audit. */
async function rowsOf(tenant: string): Promise<Record<string, number>> {
  const tables = [
    "endpoints",
    "former_endpoints",
    "segments",
    "automations",
    "signals",
    "lists",
    "api_keys",
    "portal_links",
  ];
  const counts = tables.map(async (table) => {
    const row = await env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE tenant = ?`).bind(tenant).first("n");
    return [table, row as number] as const;
  });
  const own = await env.DB.prepare("SELECT count(*) AS n FROM tenants WHERE id = ?").bind(tenant).first("n");
  const ownerless = "SELECT count(*) AS n FROM list_items WHERE list NOT IN (SELECT id FROM lists)";
  const items = await env.DB.prepare(ownerless).first("n");
  return Object.fromEntries([...(await Promise.all(counts)), ["tenants", own as number], ["items", items as number]]);
}

const CONFIGURED = { endpoints: 0, segments: 0, automations: 0, signals: 0, lists: 0, items: 0, api_keys: 0 };
const NO_ROWS = { ...CONFIGURED, former_endpoints: 0, portal_links: 0, tenants: 0 };

/** Calls the API with bindings of which some are out of order. */
function callWith(bindings: object, method: string, path: string): Response | Promise<Response> {
  const headers = { Authorization: `Bearer ${env.OPERATOR_KEY}` };
  return app.request(path, { method, headers }, { ...env, ...bindings });
}

async function newKey(tenant: string): Promise<Answered["body"]> {
  return (await call("POST", `/v1/tenants/${tenant}/keys`, { name: "k", role: "admin" })).body;
}

/** Gives a tenant an endpoint, an event and a list. */
async function fill(tenant: string): Promise<{ endpoint: string; event: string }> {
  const { id } = await newEndpoint(tenant, (await newReceiver()).url);
  await call("POST", `/v1/tenants/${tenant}/lists`, { name: "l", items: ["a"] });
  return { endpoint: id, event: (await post(tenant)).id };
}

/** Makes a tenant of a name that has become free, and answers what tells that it has all that it was given. */
async function successor(tenant: string): Promise<(expect: ExpectStatic) => Promise<void>> {
  const created = await call("POST", "/v1/tenants", { id: tenant, name: "Successor" });
  if (created.status !== 201) throw new Error(`the name is not free: ${created.text}`);
  const { endpoint, event } = await fill(tenant);
  return async (expect) => {
    const own = `/v1/tenants/${tenant}`;
    expect((await call("GET", own)).body.name).toBe("Successor");
    for (const path of [`/endpoints/${endpoint}`, `/events/${event}`]) {
      expect([path, (await call("GET", own + path)).status]).toEqual([path, 200]);
    }
    expect((await call("GET", `${own}/lists/l`)).body.items).toEqual(["a"]);
  };
}

describe("a tenant", () => {
  it("is created once by POST, and changed by PATCH", async ({ expect }) => {
    const id = fresh("t");
    const created = await call("POST", "/v1/tenants", { id, name: "Acme" });
    expect(created.status).toBe(201);
    const { createdAt } = created.body;
    expect(created.body).toEqual({ id, name: "Acme", callbacksSigned: false, createdAt, updatedAt: createdAt });
    expect((await call("POST", "/v1/tenants", { id, name: "Other" })).status).toBe(409);
    const renamed = await call("PATCH", `/v1/tenants/${id}`, { name: "Acme Ltd" });
    expect(renamed.status).toBe(200);
    const signed = await call("PATCH", `/v1/tenants/${id}`, { callbackSecret: "long-enough" });
    expect(signed.body).toMatchObject({ name: "Acme Ltd", callbacksSigned: true });
    expect((await call("PATCH", `/v1/tenants/${id}`, { name: "Acme" })).body.callbacksSigned).toBe(true);
    expect((await call("PATCH", `/v1/tenants/${id}`, { callbackSecret: null })).body.callbacksSigned).toBe(false);
    expect((await call("GET", `/v1/tenants/${id}`)).body).toMatchObject({ name: "Acme", createdAt });
    expect((await call("PATCH", `/v1/tenants/${fresh("nobody")}`, { name: "x" })).status).toBe(404);
  });

  it("is not written by a body that is refused, which names each field", async ({ expect }) => {
    const id = fresh("t");
    for (const [body, fields] of [
      [{}, ["id", "name"]],
      [{ id: "Not a slug", name: "n" }, ["id"]],
      [{ id, name: "", callbackSecret: "short" }, ["callbackSecret", "name"]],
      [{ id, name: "n", plan: "gold" }, ["plan"]],
    ] as const) {
      const answer = await call("POST", "/v1/tenants", body);
      expect(answer.status).toBe(422);
      expect(answer.body.errors.map(({ path }: { path: string }) => path).sort()).toEqual(fields);
    }
    expect((await call("GET", `/v1/tenants/${id}`)).status).toBe(404);
    const tenant = await newTenant();
    for (const body of [{}, { name: null }, { id: "other" }]) {
      expect((await call("PATCH", `/v1/tenants/${tenant}`, body)).status).toBe(422);
    }
  });

  it("is listed page by page, newest first, each once", async ({ expect }) => {
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push(await newTenant());
    // Two of the same millisecond go by their ids.
    const sameTime = "UPDATE tenants SET created_at = (SELECT created_at FROM tenants WHERE id = ?1) WHERE id = ?2";
    await env.DB.prepare(sameTime).bind(ids[2], ids[3]).run();
    const seen: string[] = [];
    let cursor: string | null = "";
    for (let pages = 0; cursor !== null && pages < 1_000; pages++) {
      const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const { body } = await call("GET", `/v1/tenants?limit=2${query}`);
      seen.push(...body.data.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor;
    }
    expect(new Set(seen).size).toBe(seen.length);
    const [a, b, c, d, e] = ids as [string, string, string, string, string];
    expect(seen.filter((id) => ids.includes(id))).toEqual([e, ...[c, d].sort().reverse(), b, a]);
    expect((await call("GET", "/v1/tenants?cursor=acme")).status).toBe(422);
    expect((await call("GET", "/v1/tenants?limit=251")).status).toBe(422);
  });
});

describe("the tenant operator", () => {
  it("is there without being created, takes events, and cannot be deleted", async ({ expect }) => {
    expect((await call("GET", "/v1/tenants/operator")).body).toMatchObject({ id: "operator" });
    expect((await call("POST", "/v1/tenants", { id: "operator", name: "Mine" })).status).toBe(409);
    expect((await call("DELETE", "/v1/tenants/operator")).status).toBe(409);
    const receiver = await newReceiver();
    await newEndpoint("operator", receiver.url, { events: ["endpoint.failing"] });
    await post("operator", "endpoint.failing");
    await receiver.arrived();
  });
});

describe("deleting a tenant", () => {
  it("removes its configuration, its objects' storage and their alarms, and nobody else's", async ({ expect }) => {
    const [tenant, other] = [await newTenant(), await newTenant()];
    const own = `/v1/tenants/${tenant}`;
    const key = await newKey(tenant);
    const receiver = await newReceiver({ status: 500 });
    const endpoint = await newEndpoint(tenant, receiver.url);
    const former = await newEndpoint(tenant, receiver.url);
    await call("POST", `${own}/segments`, { name: "s", filter: {} });
    await call("POST", `${own}/lists`, { name: "l", items: ["a", "b"] });
    await call("POST", `${own}/signals/catalogs/visits`);
    const actions = [{ type: "webhook", endpoint: endpoint.id }];
    await call("POST", `${own}/automations`, { name: "a", trigger: "lead.hot", actions });
    const url = encodeURIComponent(receiver.url);
    const event = await call("POST", `${own}/events?webhook_url=${url}`, { event: "lead.hot", data: {} });
    const callback = event.body.deliveries.at(-1).endpoint as string;
    expect(callback).toMatch(/^cb_/);
    await receiver.arrived(3);
    await call("DELETE", `${own}/endpoints/${former.id}`);
    const objects = [
      logObject(tenant),
      ...[endpoint.id, former.id, callback].map((id: string) => endpointObject(tenant, id)),
    ];
    for (const object of objects) expect((await held(object)).tables.length).toBeGreaterThan(1);
    await until("the retry's alarm", async () => (await held(endpointObject(tenant, endpoint.id))).alarm !== null);
    const sibling = await newEndpoint(other, (await newReceiver()).url);
    await post(other);

    const deleted = await call("DELETE", own);
    expect([deleted.status, deleted.text]).toEqual([204, ""]);
    expect(await rowsOf(tenant)).toEqual(NO_ROWS);
    for (const object of objects) expect(await held(object)).toEqual(NOTHING);
    for (const path of ["", "/endpoints", "/keys", `/events/${event.body.id}`]) {
      expect((await call("GET", `${own}${path}`)).status, path).toBe(404);
    }
    expect((await call("POST", `${own}/events`, { event: "a", data: {} })).status).toBe(404);
    const asTenant = { Authorization: `Bearer ${key.key}` };
    expect((await call("GET", own, undefined, asTenant)).status).toBe(401);
    expect((await call("DELETE", own)).status).toBe(404);
    expect((await call("GET", `/v1/tenants/${other}/endpoints/${sibling.id}`)).status).toBe(200);
    expect((await held(endpointObject(other, sibling.id))).tables.length).toBeGreaterThan(1);
  });

  it("that failed half way has hidden the tenant, and a repeat ends it", async ({ expect }) => {
    const tenant = await newTenant();
    const own = `/v1/tenants/${tenant}`;
    const key = await newKey(tenant);
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    await post(tenant);
    const broken = { getByName: () => ({ eraseAll: () => Promise.reject(new Error("Network connection lost")) }) };
    expect((await callWith({ ENDPOINT: broken }, "DELETE", own)).status).toBe(503);

    const asTenant = { Authorization: `Bearer ${key.key}` };
    expect((await call("GET", own, undefined, asTenant)).status).toBe(401);
    for (const path of ["", "/endpoints", `/endpoints/${id}`, "/keys"]) {
      expect((await call("GET", `${own}${path}`)).status, path).toBe(404);
    }
    expect((await call("PATCH", own, { name: "x" })).status).toBe(404);
    expect((await call("PUT", own, { name: "x" })).status).toBe(409);
    expect((await call("POST", "/v1/tenants", { id: tenant, name: "x" })).status).toBe(409);
    const { body } = await call("GET", "/v1/tenants?limit=250");
    expect(body.data.map((row: { id: string }) => row.id)).not.toContain(tenant);
    expect(await held(logObject(tenant))).toEqual(NOTHING);
    expect((await held(endpointObject(tenant, id))).tables).not.toEqual([]);

    expect((await call("DELETE", own)).status).toBe(204);
    expect(await held(endpointObject(tenant, id))).toEqual(NOTHING);
    expect(await rowsOf(tenant)).toEqual(NO_ROWS);
    const { body: audit } = await call("GET", `/v1/audit?tenant=${tenant}`);
    const deletions = audit.data.filter(({ action }: { action: string }) => action === "tenant.deleted");
    expect(deletions).toHaveLength(1);
  });

  it("that has many days goes on where the request before stopped", async ({ expect }) => {
    const tenant = await newTenant();
    const then = Date.now() - 25 * DAY;
    await env.DB.prepare("UPDATE tenants SET created_at = ? WHERE id = ?").bind(then, tenant).run();
    const early = env.EVENT_LOG.getByName(`${tenant}/${dayOf(then)}`);
    await early.append({ type: "lead.hot", data: "{}", matches: [] });
    const entry = { actor: "operator", action: "tenant.deleted" as const, target: tenant, tenant };
    const marked = await markTenantDeleted(env.DB, tenant, Date.now(), entry);
    if (marked === null) throw new Error("it was just created");
    expect(await eraseTenant(env, marked, 20)).toEqual({ done: false, underWay: [] });
    const [row] = (await env.DB.prepare("SELECT erased_day FROM tenants WHERE id = ?").bind(tenant).all()).results;
    expect(row).toEqual({ erased_day: dayOf(Date.now() - 18 * DAY) });
    expect((await held(early)).tables).not.toEqual([]);
    expect((await call("DELETE", `/v1/tenants/${tenant}`)).status).toBe(204);
    expect(await held(early)).toEqual(NOTHING);
    expect(await rowsOf(tenant)).toEqual(NO_ROWS);
  });

  it("that is too much for one request says so and asks for another", async ({ expect }) => {
    const tenant = await newTenant();
    const endless = { getByName: () => ({ eraseAll: async () => ({ state: "more", underWay: [] }) }) };
    const answer = await callWith({ EVENT_LOG: endless }, "DELETE", `/v1/tenants/${tenant}`);
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect((await call("DELETE", `/v1/tenants/${tenant}`)).status).toBe(204);
  });

  it("is not undone by what was under way", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url);
    const { refs } = await appendOnly(tenant, [id]);
    const [ref] = refs as [(typeof refs)[0]];
    const object = endpointObject(tenant, id);
    const admitted = await object.admit({ version: 1, deliveries: [ref], lane: "normal", room: 1 });
    expect((await call("DELETE", `/v1/tenants/${tenant}`)).status).toBe(204);
    const [admission] = admitted.admissions as unknown as [{ attemptId: string }];
    await object.record([{ kind: "unsent", delivery: ref, attemptId: admission.attemptId }] as never);
    expect(await object.adopt([ref], 1_000)).toBe("gone");
    expect(await object.admit({ version: 9, deliveries: [ref], lane: "normal", room: 1 })).toEqual({
      admissions: [{ do: "drop", id: ref.id }],
    });
    await object.configure({ enabled: false });
    await object.close();
    // One that this deletion never met, and a message for it.
    await env.DELIVERIES.send(messageFor(tenant, "ep_never", { id: ref.id, type: "lead.hot" }));
    await until("the message", async () => (await held(endpointObject(tenant, "ep_never"))).tables.length === 0);
    const late = await runInDurableObject(logObject(tenant), (log) =>
      (log as unknown as EventLogContract).append({ type: "late", data: "{}", matches: [] }).catch(String),
    );
    expect(late).toMatch(/TENANT_GONE/);
    expect(await logObject(tenant).read([ref.id.slice(4, 30)])).toEqual([null]);
    for (const emptied of [object, logObject(tenant)]) expect(await held(emptied)).toEqual(NOTHING);
    expect(await receiver.seen()).toEqual([]);
  });

  it("leaves the name free: another of it begins with nothing, and takes events", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url);
    const before = await post(tenant);
    await receiver.arrived();
    expect((await call("DELETE", `/v1/tenants/${tenant}`)).status).toBe(204);
    expect((await call("POST", "/v1/tenants", { id: tenant, name: "Another" })).status).toBe(201);
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints`)).body.data).toEqual([]);
    expect((await call("GET", `/v1/tenants/${tenant}/events/${before.id}`)).status).toBe(404);
    const anew = await newReceiver();
    await newEndpoint(tenant, anew.url);
    await post(tenant);
    await anew.arrived();
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("that overlaps with others takes nothing of another tenant that got the name meanwhile", async ({ expect }) => {
    for (let round = 0; round < 8; round++) {
      const tenant = await newTenant();
      await fill(tenant);
      const deletions = [1, 2, 3].map(() => call("DELETE", `/v1/tenants/${tenant}`));
      await Promise.any(deletions.map(async (deletion) => (await deletion).status === 204 || Promise.reject(deletion)));
      const whole = await successor(tenant);
      for (const { status } of await Promise.all(deletions)) expect([204, 404]).toContain(status);
      await whole(expect);
    }
  });

  it.for(["EVENT_LOG", "ENDPOINT"] as const)(
    "that is overtaken before it empties its first %s takes nothing of another tenant of the name",
    async (binding, { expect }) => {
      const tenant = await newTenant();
      await fill(tenant);
      const reached = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      const slowed = {
        getByName: (name: string) => ({
          eraseAll: async (deletion: { createdAt: number; deletedAt: number }) => {
            reached.resolve();
            await gate.promise;
            return env[binding].getByName(name).eraseAll(deletion as never);
          },
        }),
      };
      const slow = callWith({ [binding]: slowed }, "DELETE", `/v1/tenants/${tenant}`);
      await reached.promise;
      expect((await call("DELETE", `/v1/tenants/${tenant}`)).status).toBe(204);
      const whole = await successor(tenant);
      gate.resolve();
      expect((await slow).status).toBe(204);
      await whole(expect);
      // Its own deletion finds it.
      expect((await call("DELETE", `/v1/tenants/${tenant}`)).status).toBe(204);
      expect(await rowsOf(tenant)).toEqual(NO_ROWS);
      expect(await held(logObject(tenant))).toEqual(NOTHING);
    },
  );

  it("is not outlived by an event that somebody posts who has not heard of it, once the name is another's", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    const before = (await findTenant(env.DB, tenant)) ?? { createdAt: 0 };
    await fill(tenant);
    expect((await call("DELETE", `/v1/tenants/${tenant}`)).status).toBe(204);
    const whole = await successor(tenant);
    const stale = { type: "late", data: "{}", matches: [], tenantSince: before.createdAt };
    for (const request of [stale, { events: [stale] }]) {
      const late = await runInDurableObject(logObject(tenant), async (log) => {
        const room = log as unknown as EventLogContract;
        const append = "events" in request ? room.appendAll(request, new Map()) : room.append(request);
        return append.catch(String);
      });
      expect(late).toMatch(/TENANT_GONE/);
    }
    const { body } = await call("GET", `/v1/tenants/${tenant}/events`);
    expect(body.data).toHaveLength(1);
    await whole(expect);
  });

  it.for(["that has events of the other's", "that is empty"] as const)(
    "is not outlived by one either whose log %s woke since",
    async (log, { expect }) => {
      const tenant = await newTenant();
      const before = (await findTenant(env.DB, tenant)) ?? { createdAt: 0 };
      await fill(tenant);
      expect((await call("DELETE", `/v1/tenants/${tenant}`)).status).toBe(204);
      expect((await call("POST", "/v1/tenants", { id: tenant, name: "Another" })).status).toBe(201);
      if (log === "that has events of the other's") await post(tenant);
      await evictDurableObject(logObject(tenant) as unknown as DurableObjectStub);
      const stale = { type: "late", data: "{}", matches: [], tenantSince: before.createdAt };
      const late = await runInDurableObject(logObject(tenant), (room) =>
        (room as unknown as EventLogContract).append(stale).catch(String),
      );
      expect(late).toMatch(/TENANT_GONE/);
      await post(tenant);
      const { body } = await call("GET", `/v1/tenants/${tenant}/events`);
      expect(body.data.map(({ event }: { event: string }) => event)).not.toContain("late");
    },
  );

  it("leaves a log alone that another tenant of the name writes to while it is asked about", async ({ expect }) => {
    const tenant = await newTenant();
    const entry = { actor: "operator", action: "tenant.deleted" as const, target: tenant, tenant };
    const marked = await markTenantDeleted(env.DB, tenant, Date.now(), entry);
    if (marked === null) throw new Error("it was just created");
    expect(await isBeingDeleted(env.DB, marked)).toBe(true);
    await removeTenant(env.DB, marked);
    expect(await isBeingDeleted(env.DB, marked)).toBe(false);
    const whole = await successor(tenant);
    await logObject(tenant).eraseAll(marked);
    await noteErased(env.DB, marked, dayOf(Date.now()));
    expect(await endpointsToErase(env.DB, marked, 10)).toEqual([]);
    await removeTenant(env.DB, marked);
    await whole(expect);
    const erasedDay = "SELECT erased_day FROM tenants WHERE id = ?";
    expect(await env.DB.prepare(erasedDay).bind(tenant).first("erased_day")).toBeNull();
  });

  it("of none is a 404", async ({ expect }) => {
    expect((await call("DELETE", `/v1/tenants/${fresh("nobody")}`)).status).toBe(404);
  });
});

describe("the days to erase", () => {
  const tenant = {
    id: "acme",
    createdAt: Date.parse("2026-11-18T12:00:00Z"),
    deletedAt: Date.parse("2026-11-20T23:59:59Z"),
    erasedDay: null,
  };
  const all = ["2026-11-21", "2026-11-20", "2026-11-19", "2026-11-18", "2026-11-17"];

  it("go from the day after the deletion back to the day before the creation", ({ expect }) => {
    expect(daysToErase(tenant, 100)).toEqual(all);
  });

  it("come in bounded steps that together are all of them", ({ expect }) => {
    const days: string[] = [];
    for (let step = daysToErase(tenant, 2); step.length > 0; ) {
      days.push(...step);
      step = daysToErase({ ...tenant, erasedDay: days.at(-1) ?? null }, 2);
    }
    expect(days).toEqual(all);
    expect(daysToErase({ ...tenant, erasedDay: "2026-11-17" }, 2)).toEqual([]);
  });
});
