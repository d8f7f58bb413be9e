import { env, exports } from "cloudflare:workers";
import { describe, it, onTestFinished, vi } from "vitest";
import { app } from "../../src/api/app";
import { isOperatorKey } from "../../src/lib/operator";
import { call, deliveryPath, fresh, newEndpoint, newReceiver, newTenant, post } from "../lib/api";

describe("the operator's key", () => {
  it("is asked for when there is none", async ({ expect }) => {
    const answer = await exports.default.fetch(new Request("https://posthorn.test/v1/tenants/acme"));
    expect(answer.status).toBe(401);
    expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer\b/);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(await answer.json()).toMatchObject({ status: 401, title: expect.any(String), detail: expect.any(String) });
  });

  const wrong = ["Bearer wrong", "Bearer ", "Bearer", "Basic b3BlcmF0b3I6", "", "operator-key-of-the-tests"];
  it.for(wrong)("is refused as %j", async (Authorization, { expect }) => {
    const answer = await call("GET", "/v1/tenants/acme", undefined, { Authorization });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("WWW-Authenticate")).toMatch(/^Bearer\b/);
  });

  it("is asked for before anything is read or told apart", async ({ expect }) => {
    const Authorization = "Bearer wrong";
    for (const [method, path, body] of [
      ["PUT", `/v1/tenants/${fresh("t")}`, { name: "Mallory" }],
      ["POST", `/v1/tenants/${fresh("t")}/events`, "{ not json"],
      ["GET", "/v1/nothing/here", undefined],
    ] as const) {
      expect((await call(method, path, body, { Authorization })).status, path).toBe(401);
    }
  });

  it("does not create a tenant when it is wrong", async ({ expect }) => {
    const tenant = fresh("t");
    await call("PUT", `/v1/tenants/${tenant}`, { name: "Mallory" }, { Authorization: "Bearer wrong" });
    expect((await call("GET", `/v1/tenants/${tenant}`)).status).toBe(404);
  });

  it("may be either of two while the first is being replaced", async ({ expect }) => {
    const tenant = await newTenant();
    const rotating = { ...env, OPERATOR_KEY_NEXT: "the-next-operator-key" };
    const status = async (key: string, bindings: typeof env) => {
      const headers = { Authorization: `Bearer ${key}` };
      return (await app.request(`/v1/tenants/${tenant}`, { headers }, bindings)).status;
    };
    expect(await status("the-next-operator-key", rotating)).toBe(200);
    expect(await status(env.OPERATOR_KEY ?? "", rotating)).toBe(200);
    expect(await status("the-next-operator-key", env)).toBe(401);
  });

  it("lets nobody in while the deployment has none", async ({ expect }) => {
    const bare = { ...env, OPERATOR_KEY: "", OPERATOR_KEY_NEXT: undefined };
    for (const key of ["undefined", "null", '""']) {
      const headers = { Authorization: `Bearer ${key}` };
      const answer = await app.request("/v1/tenants/acme", { headers }, bare as unknown as typeof env);
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({ code: "misconfigured", errors: [{ path: "OPERATOR_KEY" }] });
      expect(isOperatorKey(bare as unknown as typeof env, key)).toBe(false);
    }
  });
});

describe("a tenant", () => {
  it("is created by PUT, and renamed by another", async ({ expect }) => {
    const path = `/v1/tenants/${fresh("t")}`;
    const created = await call("PUT", path, { name: "Acme" });
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ id: path.slice("/v1/tenants/".length), name: "Acme" });
    expect(created.body.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const renamed = await call("PUT", path, { name: "Acme Ltd" });
    expect(renamed.status).toBe(200);
    expect(renamed.body).toMatchObject({ name: "Acme Ltd", createdAt: created.body.createdAt });
    const read = await call("GET", path);
    expect(read.status).toBe(200);
    expect(read.body).toEqual(renamed.body);
  });

  it("is renamed, not created, by a PUT in the same millisecond", async ({ expect }) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const path = `/v1/tenants/${fresh("t")}`;
    expect((await call("PUT", path, { name: "Acme" })).status).toBe(201);
    expect((await call("PUT", path, { name: "Acme Ltd" })).status).toBe(200);
  });

  it.for(["a", "0", "a_b-c", `a${"b".repeat(62)}`])("may be called %s", async (slug, { expect }) => {
    expect((await call("PUT", `/v1/tenants/${slug}`, { name: "Acme" })).status).toBe(201);
  });

  const slugs = ["Acme", "-acme", "_acme", "acme.com", "a%20b", "%C3%A9", `a${"b".repeat(63)}`, "a%2Fendpoints"];
  it.for(slugs)("may not be called %s", async (slug, { expect }) => {
    const answer = await call("PUT", `/v1/tenants/${slug}`, { name: "Acme" });
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map(({ path }: { path: string }) => path)).toEqual(["tenant"]);
  });

  it("is not created by a body that is refused, which names each field", async ({ expect }) => {
    const path = `/v1/tenants/${fresh("t")}`;
    for (const [body, paths] of [
      [{}, ["name"]],
      [{ name: "" }, ["name"]],
      [{ name: 5, plan: "gold" }, ["name", "plan"]],
      [{ name: "x".repeat(201) }, ["name"]],
    ] as const) {
      const answer = await call("PUT", path, body);
      expect(answer.status).toBe(422);
      expect(answer.body.errors.map((error: { path: string }) => error.path).sort()).toEqual(paths);
    }
    expect((await call("GET", path)).status).toBe(404);
  });
});

describe("what is not there", () => {
  it("is a 404 as problem+json", async ({ expect }) => {
    const tenant = await newTenant();
    const paths = [
      "/nowhere",
      "/v1/nowhere",
      `/v1/tenants/${fresh("nobody")}`,
      `/v1/tenants/${fresh("nobody")}/endpoints`,
      `/v1/tenants/${tenant}/endpoints/ep_none`,
      `/v1/tenants/${tenant}/endpoints/ep_none/secret`,
      `/v1/tenants/${tenant}/endpoints/ep_none/health`,
      `/v1/tenants/${tenant}/endpoints/ep_none/deliveries`,
      `/v1/tenants/${tenant}/events/evt_none`,
      `/v1/tenants/${tenant}/events/evt_01M7XWE9HP00AED4KJY9TWPK34`,
      `/v1/tenants/${tenant}/events/evt_7ZZZZZZZZZ0ZZZZZZZZZZZZZZZ`,
    ];
    for (const path of paths) {
      const answer = await call("GET", path);
      expect(answer.status, path).toBe(404);
      expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
      expect(answer.body).toMatchObject({ status: 404, title: "Not found" });
      expect(answer.body.type).toEqual(expect.any(String));
      expect(answer.body.detail).toEqual(expect.any(String));
    }
  });

  it("is a 404 for a delivery id that is none, or names another event", async ({ expect }) => {
    const tenant = await newTenant();
    const { id: endpoint } = await newEndpoint(tenant, (await newReceiver()).url);
    for (const id of ["dlv_none", "dlv_01M7XWE9HP00AED4KJY9TWPK340", "dlv_7ZZZZZZZZZ0ZZZZZZZZZZZZZZZ0", "evt_x"]) {
      expect((await call("GET", deliveryPath(tenant, { id, endpoint }))).status, id).toBe(404);
      expect((await call("POST", `${deliveryPath(tenant, { id, endpoint })}/resend`)).status, id).toBe(404);
    }
  });
});

describe("an outage of the database", () => {
  it("is a 503 that says when to try again, and nothing of its cause", async ({ expect }) => {
    const out = () => Promise.reject(new Error("D1_ERROR: Network connection lost"));
    const statement = { bind: () => statement, all: out, run: out, raw: out, first: out };
    const DB = { prepare: () => statement, batch: out } as unknown as D1Database;
    const headers = { Authorization: `Bearer ${env.OPERATOR_KEY}` };
    for (const path of [`/v1/tenants/${fresh("t")}`, `/v1/tenants/${fresh("t")}/endpoints`]) {
      const answer = await app.request(path, { headers }, { ...env, DB });
      expect(answer.status, path).toBe(503);
      expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
      expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
      expect(await answer.text()).not.toMatch(/D1|Network|select/i);
    }
  });
});

describe("another tenant's things", () => {
  it("are not there, whatever is asked of them", async ({ expect }) => {
    const [ours, theirs] = [await newTenant(), await newTenant()];
    const receiver = await newReceiver();
    const endpoint = await newEndpoint(ours, receiver.url, { uid: "crm" });
    const event = await post(ours);
    const [delivery] = event.deliveries;
    await receiver.arrived();

    const foreign = `/v1/tenants/${theirs}`;
    const span = { since: "2020-01-01T00:00:00Z" };
    for (const [method, path, body] of [
      ["GET", `${foreign}/events/${event.id}`],
      ...[endpoint.id, "crm"].flatMap((id): [string, string, object?][] => [
        ["GET", `${foreign}/endpoints/${id}`],
        ["GET", `${foreign}/endpoints/${id}/secret`],
        ["GET", `${foreign}/endpoints/${id}/health`],
        ["GET", `${foreign}/endpoints/${id}/deliveries`],
        ["GET", `${foreign}/endpoints/${id}/deliveries/${delivery.id}`],
        ["POST", `${foreign}/endpoints/${id}/deliveries/${delivery.id}/resend`],
        ["POST", `${foreign}/endpoints/${id}/recover`, span],
        ["PATCH", `${foreign}/endpoints/${id}`, { name: "Mallory" }],
        ["DELETE", `${foreign}/endpoints/${id}`],
      ]),
    ] as [string, string, object?][]) {
      expect((await call(method, path, body)).status, `${method} ${path}`).toBe(404);
    }
    expect((await call("GET", `${foreign}/endpoints`)).body).toEqual({ data: [], nextCursor: null });

    const { secret: _, ...shown } = endpoint;
    expect((await call("GET", `/v1/tenants/${ours}/endpoints/${endpoint.id}`)).body).toEqual(shown);
    expect(await receiver.seen()).toHaveLength(1);
  });

  it("are not there through an endpoint of one's own either", async ({ expect }) => {
    const [ours, theirs] = [await newTenant(), await newTenant()];
    const receiver = await newReceiver();
    await newEndpoint(ours, receiver.url);
    const { deliveries } = await post(ours);
    const own = await newEndpoint(theirs, (await newReceiver()).url);
    const path = deliveryPath(theirs, { id: deliveries[0].id, endpoint: own.id });
    expect((await call("GET", path)).status).toBe(404);
    expect((await call("POST", `${path}/resend`)).status).toBe(404);
  });

  it("leave a delivery of a sibling endpoint alone", async ({ expect }) => {
    const tenant = await newTenant();
    const [to, other] = [
      await newEndpoint(tenant, (await newReceiver()).url, { events: ["lead.hot"] }),
      await newEndpoint(tenant, (await newReceiver()).url, { events: [] }),
    ];
    const { deliveries } = await post(tenant);
    expect(deliveries.map(({ endpoint }: { endpoint: string }) => endpoint)).toEqual([to.id]);
    const path = deliveryPath(tenant, { id: deliveries[0].id, endpoint: other.id });
    expect((await call("GET", path)).status).toBe(404);
    expect((await call("POST", `${path}/resend`)).status).toBe(404);
  });
});

describe("health", () => {
  it("needs no key and then tells nothing but that the Worker runs", async ({ expect }) => {
    for (const headers of [{}, { Authorization: "Bearer wrong" }]) {
      const answer = await exports.default.fetch(new Request("https://posthorn.test/health", { headers }));
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual({ status: "ok" });
    }
  });

  it("tells the operator how many messages nobody could read", async ({ expect }) => {
    const answer = await call("GET", "/health");
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ status: "ok", deadLetters: { count: 0, lastAt: null } });
  });
});
