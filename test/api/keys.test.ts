import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it, onTestFinished, vi } from "vitest";
import { findHolder, hashOf, invalidateKeys, ROLES, type Role } from "../../src/config/access/keys";
import { type Answered, call, fresh, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { endpointObject } from "../send/harness";

const KEY = /^phk_[A-Za-z0-9_-]{43}[0-9a-f]{8}[A-Za-z0-9_-]{8}$/;

async function newKey(tenant: string, role: Role, name = role as string): Promise<Answered["body"]> {
  const answer = await call("POST", `/v1/tenants/${tenant}/keys`, { name, role });
  if (answer.status !== 201) throw new Error(`the key was refused: ${answer.text}`);
  return answer.body;
}

/** Calls the API with a key of the tenant's. */
function as({ key }: { key: string }, method: string, path: string, body?: unknown): Promise<Answered> {
  return call(method, path, body, { Authorization: `Bearer ${key}` });
}

/** Every row of every table of D1, as text. */
async function everyRow(): Promise<string> {
  const tables = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
  ).all<{ name: string }>();
  const rows = await Promise.all(tables.results.map(({ name }) => env.DB.prepare(`SELECT * FROM "${name}"`).all()));
  return JSON.stringify(rows.map(({ results }) => results));
}

function holdTheClock(): void {
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
}

describe("a tenant's key", () => {
  it("is shown once, listed without itself, and let in", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/keys`;
    const { key, ...shown } = await newKey(tenant, "admin", "Back end");
    expect(key).toMatch(KEY);
    expect(shown).toEqual({
      id: expect.stringMatching(/^key_[0-9A-HJKMNP-TV-Z]{26}$/),
      name: "Back end",
      role: "admin",
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      lastUsedAt: null,
    });
    const listed = await call("GET", path);
    expect(listed.body).toEqual({ data: [shown], nextCursor: null });
    expect((await as({ key }, "GET", `/v1/tenants/${tenant}`)).body.id).toBe(tenant);
  });

  it("is nowhere in the database, in the clear, and neither is any secret", async ({ expect }) => {
    const tenant = await newTenant();
    const { key } = await newKey(tenant, "admin");
    const secret = "a-secret-of-the-endpoint";
    const callbackSecret = "a-secret-for-callbacks";
    const endpoint = await newEndpoint(tenant, (await newReceiver()).url, { secret });
    const rotated = "another-secret-of-the-endpoint";
    await as({ key }, "POST", `/v1/tenants/${tenant}/endpoints/${endpoint.id}/secret/rotate`, { secret: rotated });
    await call("PATCH", `/v1/tenants/${tenant}`, { callbackSecret });
    const rows = await everyRow();
    expect(rows).toContain(await hashOf(key));
    for (const hidden of [key, key.slice(4), secret, rotated, callbackSecret]) expect(rows).not.toContain(hidden);
    for (const path of ["/keys", "", "/endpoints", `/endpoints/${endpoint.id}`]) {
      const { text } = await call("GET", `/v1/tenants/${tenant}${path}`);
      for (const hidden of [key, secret, rotated, callbackSecret, await hashOf(key)])
        expect(text).not.toContain(hidden);
    }
    const { text } = await call("GET", `/v1/audit?tenant=${tenant}`);
    for (const hidden of [key, secret, rotated, callbackSecret]) expect(text).not.toContain(hidden);
  });

  it("is unlike any other", async ({ expect }) => {
    const tenant = await newTenant();
    const keys = await Promise.all(ROLES.map((role) => newKey(tenant, role, "same")));
    expect(new Set(keys.map(({ key }) => key)).size).toBe(3);
  });

  it("is refused when one character is another", async ({ expect }) => {
    const tenant = await newTenant();
    const { key } = await newKey(tenant, "admin");
    const other = key.slice(0, -5) + (key.at(-5) === "a" ? "b" : "a") + key.slice(-4);
    for (const wrong of [other, `${key}a`, key.slice(0, -1), key.toUpperCase(), `phk_${"a".repeat(43)}`]) {
      expect((await as({ key: wrong }, "GET", `/v1/tenants/${tenant}`)).status, wrong).toBe(401);
    }
  });

  it("is let in no more from its deletion on, and deleted once", async ({ expect }) => {
    const tenant = await newTenant();
    const key = await newKey(tenant, "admin");
    const own = `/v1/tenants/${tenant}`;
    expect((await as(key, "GET", own)).status).toBe(200);
    const deleted = await call("DELETE", `${own}/keys/${key.id}`);
    expect([deleted.status, deleted.text]).toEqual([204, ""]);
    expect((await as(key, "GET", own)).status).toBe(401);
    expect((await call("DELETE", `${own}/keys/${key.id}`)).status).toBe(404);
    expect((await call("GET", `${own}/keys`)).body.data).toEqual([]);
  });

  it("is let in for at most 5 s after another isolate revoked it", async ({ expect }) => {
    const tenant = await newTenant();
    const { key, id } = await newKey(tenant, "admin");
    const now = Date.now();
    expect(await findHolder([env.DB], key, now)).toEqual({ id, tenant, role: "admin" });
    // As another isolate does it: nothing is said to this one.
    await env.DB.prepare("DELETE FROM api_keys WHERE id = ?").bind(id).run();
    expect(await findHolder([env.DB], key, now + 4_999)).not.toBeNull();
    expect(await findHolder([env.DB], key, now + 5_000)).toBeNull();
    expect(await findHolder([env.DB], key, now)).toBeNull();
  });

  it("that is revoked while it is being read is not remembered", async ({ expect }) => {
    const tenant = await newTenant();
    const { key, id } = await newKey(tenant, "admin");
    const now = Date.now();
    const slow = new Proxy(env.DB, {
      get: (db, name) =>
        name === "prepare"
          ? (text: string) => {
              const statement = db.prepare(text);
              return {
                bind: (...values: unknown[]) => ({
                  raw: async () => {
                    const rows = await statement.bind(...values).raw();
                    await env.DB.prepare("DELETE FROM api_keys WHERE id = ?").bind(id).run();
                    invalidateKeys();
                    return rows;
                  },
                }),
              };
            }
          : Reflect.get(db, name),
    });
    invalidateKeys();
    expect(await findHolder([slow as D1Database], key, now)).not.toBeNull();
    expect(await findHolder([env.DB], key, now)).toBeNull();
  });

  it("has its last use written down, once a minute and beside the answer", async ({ expect }) => {
    holdTheClock();
    const tenant = await newTenant();
    const key = await newKey(tenant, "viewer");
    const lastUsedAt = async () => (await call("GET", `/v1/tenants/${tenant}/keys`)).body.data[0].lastUsedAt;
    const first = Date.now();
    await Promise.all(Array.from({ length: 5 }, () => as(key, "GET", `/v1/tenants/${tenant}`)));
    await until("the first use", async () => (await lastUsedAt()) === new Date(first).toISOString());
    vi.setSystemTime(first + 59_999);
    await as(key, "GET", `/v1/tenants/${tenant}`);
    expect(await lastUsedAt()).toBe(new Date(first).toISOString());
    vi.setSystemTime(first + 60_000);
    await as(key, "GET", `/v1/tenants/${tenant}`);
    await until("the next use", async () => (await lastUsedAt()) === new Date(first + 60_000).toISOString());
  });

  it("is not made by a body that is refused, which names each field", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/keys`;
    for (const [body, fields] of [
      [{}, ["name", "role"]],
      [{ name: "", role: "operator" }, ["name", "role"]],
      [{ name: "x", role: "admin", key: "phk_mine" }, ["key"]],
      [{ name: "x".repeat(201), role: "admin" }, ["name"]],
    ] as const) {
      const answer = await call("POST", path, body);
      expect(answer.status).toBe(422);
      expect(answer.body.errors.map((error: { path: string }) => error.path).sort()).toEqual(fields);
    }
    expect((await call("GET", path)).body).toEqual({ data: [], nextCursor: null });
    expect((await call("POST", `/v1/tenants/${fresh("nobody")}/keys`, { name: "x", role: "admin" })).status).toBe(404);
  });

  it("is listed page by page, newest first, each once, and of its tenant alone", async ({ expect }) => {
    const [tenant, other] = [await newTenant(), await newTenant()];
    const foreign = await newKey(other, "admin");
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push((await newKey(tenant, "viewer")).id);
    const seen: string[] = [];
    let cursor: string | null = "";
    for (let pages = 0; cursor !== null && pages < 5; pages++) {
      const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const { body } = await call("GET", `/v1/tenants/${tenant}/keys?limit=2${query}`);
      seen.push(...body.data.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor;
    }
    expect(seen).toEqual(ids.toSorted().toReversed());
    expect((await call("DELETE", `/v1/tenants/${tenant}/keys/${foreign.id}`)).status).toBe(404);
    expect((await as(foreign, "GET", `/v1/tenants/${other}`)).status).toBe(200);
  });
});

describe("a role", () => {
  it("admin does everything in its tenant but create, rename and delete tenants", async ({ expect }) => {
    const tenant = await newTenant();
    const key = await newKey(tenant, "admin");
    const own = `/v1/tenants/${tenant}`;
    const { url } = await newReceiver();
    const endpoint = await as(key, "POST", `${own}/endpoints`, { url, events: ["*"] });
    expect(endpoint.status).toBe(201);
    const at = `${own}/endpoints/${endpoint.body.id}`;
    expect((await as(key, "GET", `${at}/secret`)).body.secret).toBe(endpoint.body.secret);
    expect((await as(key, "POST", `${at}/secret/rotate`, {})).status).toBe(200);
    expect((await as(key, "PATCH", at, { name: "n" })).status).toBe(200);
    expect((await as(key, "POST", `${own}/events`, { event: "a", data: {} })).status).toBe(202);
    const made = await as(key, "POST", `${own}/keys`, { name: "n", role: "producer" });
    expect(made.status).toBe(201);
    expect((await as(key, "DELETE", `${own}/keys/${made.body.id}`)).status).toBe(204);
    expect((await as(key, "DELETE", at)).status).toBe(204);
    expect((await as(key, "PUT", own, { name: "Mine" })).status).toBe(403);
    expect((await as(key, "PATCH", own, { name: "Mine" })).status).toBe(403);
    expect((await as(key, "DELETE", own)).status).toBe(403);
    expect((await as(key, "POST", "/v1/tenants", { id: fresh("t"), name: "Mine" })).status).toBe(403);
    expect((await as(key, "GET", "/v1/audit")).status).toBe(403);
    expect((await as(key, "PUT", `/v1/event-types/${fresh("x")}`, {})).status).toBe(403);
    expect((await call("GET", own)).body.name).toBe("Test");
  });

  it("producer posts events and nothing else", async ({ expect }) => {
    const tenant = await newTenant();
    const key = await newKey(tenant, "producer");
    const own = `/v1/tenants/${tenant}`;
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const posted = await as(key, "POST", `${own}/events`, { event: "a", data: {} });
    expect(posted.status).toBe(202);
    for (const [method, path] of [
      ["GET", own],
      ["GET", `${own}/events/${posted.body.id}`],
      ["GET", `${own}/endpoints`],
      ["GET", `${own}/endpoints/${id}/secret`],
      ["POST", `${own}/endpoints`],
      ["DELETE", `${own}/endpoints/${id}`],
      ["POST", `${own}/endpoints/${id}/test`],
      ["GET", `${own}/keys`],
      ["POST", `${own}/keys`],
    ] as const) {
      const answer = await as(key, method, path, method === "POST" ? {} : undefined);
      expect(answer.status, `${method} ${path}`).toBe(403);
      expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    }
    expect((await as(key, "GET", "/v1/event-types")).status).toBe(200);
  });

  it("viewer reads what is no secret and no key, and changes nothing", async ({ expect }) => {
    const tenant = await newTenant();
    const key = await newKey(tenant, "viewer");
    const own = `/v1/tenants/${tenant}`;
    const receiver = await newReceiver();
    const profile = { profile: "visits", secret: "the-token-that-is-sent", headers: { "X-Api-Key": "their-api-key" } };
    const { id } = await newEndpoint(tenant, receiver.url, profile);
    const event = await post(tenant);
    await receiver.arrived();
    const [delivery] = event.deliveries;
    await until("the attempt", async () => {
      const { body } = await call("GET", `${own}/endpoints/${id}/deliveries/${delivery.id}`);
      return body.status === "succeeded";
    });
    for (const path of [
      own,
      `${own}/endpoints`,
      `${own}/endpoints/${id}`,
      `${own}/endpoints/${id}/health`,
      `${own}/endpoints/${id}/deliveries`,
      `${own}/endpoints/${id}/deliveries/${delivery.id}`,
      `${own}/events/${event.id}`,
      `${own}/segments`,
      `${own}/automations`,
    ]) {
      const answer = await as(key, "GET", path);
      expect(answer.status, path).toBe(200);
      expect(answer.text, path).not.toMatch(/the-token-that-is-sent|their-api-key|phk_/);
    }
    for (const [method, path] of [
      ["GET", `${own}/endpoints/${id}/secret`],
      ["GET", `${own}/keys`],
      ["PATCH", `${own}/endpoints/${id}`],
      ["POST", `${own}/events`],
      ["POST", `${own}/endpoints/${id}/deliveries/${delivery.id}/resend`],
      ["DELETE", `${own}/endpoints/${id}`],
    ] as const) {
      expect((await as(key, method, path, method === "GET" ? undefined : {})).status, `${method} ${path}`).toBe(403);
    }
    const rows = await runInDurableObject(endpointObject(tenant, id), (_, { storage }) =>
      storage.sql.exec("SELECT count(*) AS n FROM deliveries").one(),
    );
    expect(rows).toEqual({ n: 1 });
  });

  it("is told 403 for what has no rule, whatever its role", async ({ expect }) => {
    const tenant = await newTenant();
    for (const role of ROLES) {
      const key = await newKey(tenant, role);
      const own = `/v1/tenants/${tenant}`;
      for (const path of [
        "/v1/nowhere",
        `${own}/nowhere`,
        `${own}/endpoints/`,
        `${own}/endpoints/x/secret/new`,
        "/v1/tenants//endpoints",
      ]) {
        expect((await as(key, "GET", path)).status, path).toBe(403);
      }
    }
  });
});

describe("another tenant", () => {
  it("is not there for a key, whatever its role and whatever is asked", async ({ expect }) => {
    const [ours, theirs] = [await newTenant(), await newTenant()];
    const { id } = await newEndpoint(theirs, (await newReceiver()).url, { uid: "crm" });
    const event = await post(theirs);
    const foreign = `/v1/tenants/${theirs}`;
    for (const role of ROLES) {
      const key = await newKey(ours, role);
      for (const [method, path] of [
        ["GET", foreign],
        ["PUT", foreign],
        ["PATCH", foreign],
        ["DELETE", foreign],
        ["GET", `${foreign}/keys`],
        ["POST", `${foreign}/keys`],
        ["GET", `${foreign}/endpoints`],
        ["GET", `${foreign}/endpoints/${id}/secret`],
        ["DELETE", `${foreign}/endpoints/crm`],
        ["POST", `${foreign}/events`],
        ["GET", `${foreign}/events/${event.id}`],
        ["GET", `${foreign}/nowhere`],
        ["GET", `/v1/tenants/${fresh("nobody")}`],
        ["GET", "/v1/tenants/operator"],
        ["GET", `/v1/tenants/${ours}%2F..%2F${theirs}`],
      ] as const) {
        const answer = await as(key, method, path, ["POST", "PUT", "PATCH"].includes(method) ? {} : undefined);
        expect(answer.status, `${role} ${method} ${path}`).toBe(404);
        expect(answer.text).not.toContain(theirs);
      }
    }
    const admin = await newKey(ours, "admin");
    for (const path of [`/endpoints/${id}`, "/endpoints/crm", `/endpoints/${id}/secret`, `/events/${event.id}`]) {
      expect((await as(admin, "GET", `/v1/tenants/${ours}${path}`)).status, path).toBe(404);
    }
    expect((await call("GET", `${foreign}/endpoints/${id}`)).status).toBe(200);
  });
});
