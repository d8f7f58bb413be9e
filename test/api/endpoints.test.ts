import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { type Answered, call, newEndpoint, newTenant } from "../lib/api";

const HOOK = "https://hooks.example.com/in";

function paths(answer: Answered): string[] {
  return answer.body.errors.map(({ path }: { path: string }) => path).sort();
}

describe("an endpoint", () => {
  it("is created with the profile's presets filled in, and its secret shown once", async ({ expect }) => {
    const tenant = await newTenant();
    const created = await call("POST", `/v1/tenants/${tenant}/endpoints`, { url: HOOK, events: ["lead.hot"] });
    expect(created.status).toBe(201);
    const { secret, warnings, ...endpoint } = created.body;
    expect(warnings).toEqual([]);
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(endpoint).toEqual({
      id: expect.stringMatching(/^ep_[0-9A-HJKMNP-TV-Z]{26}$/),
      uid: null,
      name: null,
      url: HOOK,
      description: null,
      events: ["lead.hot"],
      profile: "clearview",
      filter: null,
      format: "envelope",
      headers: {},
      signature: { scheme: "hex", header: "X-Webhook-Signature" },
      method: "POST",
      metadata: {},
      retry: [30, 120, 600, 3600, 14_400],
      timeout: 10,
      disableAfter: 604_800,
      rateLimit: null,
      enabled: true,
      disabledReason: null,
      disabledAt: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: endpoint.createdAt,
    });
    const path = `/v1/tenants/${tenant}/endpoints`;
    expect((await call("GET", `${path}/${endpoint.id}`)).body).toEqual(endpoint);
    expect((await call("GET", path)).body).toEqual({ data: [endpoint], nextCursor: null });
    expect((await call("PATCH", `${path}/${endpoint.id}`, { name: "CRM" })).body).not.toHaveProperty("secret");
    expect((await call("GET", `${path}/${endpoint.id}/secret`)).body).toMatchObject({ secret });
  });

  it("keeps what it is given", async ({ expect }) => {
    const tenant = await newTenant();
    const given = {
      uid: "crm:main",
      name: "CRM",
      url: `${HOOK}?a=b`,
      description: "Leads for the sales team – täglich",
      events: ["lead.hot", "company.identified"],
      profile: "clearview",
      metadata: { team: "sales", __proto: "x" },
      retry: [1, 43_200],
      timeout: 30,
      disableAfter: 0,
      enabled: false,
    };
    const secret = "schlüssel of my own, 'quoted'";
    const created = await call("POST", `/v1/tenants/${tenant}/endpoints`, { ...given, secret });
    expect(created.body).toMatchObject({ ...given, secret, disabledReason: "manual" });
    expect(created.body.disabledAt).toBe(created.body.createdAt);
    const path = `/v1/tenants/${tenant}/endpoints/${created.body.id}`;
    expect((await call("GET", path)).body).toMatchObject(given);
    expect((await call("GET", `${path}/secret`)).body).toMatchObject({ secret });
  });

  it("has its secret in the database only in an encrypted form", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, HOOK, { secret: "correct horse battery" });
    const row = await env.DB.prepare("SELECT * FROM endpoints WHERE id = ?").bind(id).first();
    expect(row).not.toBeNull();
    expect(JSON.stringify(row)).not.toContain("correct horse");
  });

  it("is found by its uid wherever its id is", async ({ expect }) => {
    const tenant = await newTenant();
    const { id, secret } = await newEndpoint(tenant, HOOK, { uid: "crm" });
    const path = `/v1/tenants/${tenant}/endpoints/crm`;
    expect((await call("GET", path)).body.id).toBe(id);
    expect((await call("GET", `${path}/secret`)).body.secret).toBe(secret);
    expect((await call("GET", `${path}/health`)).body.state).toBe("healthy");
    expect((await call("GET", `${path}/deliveries`)).body.data).toEqual([]);
    expect((await call("PATCH", path, { name: "CRM" })).body).toMatchObject({ id, name: "CRM" });
    expect((await call("DELETE", path)).status).toBe(204);
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints/${id}`)).status).toBe(404);
  });

  it("has a uid to itself in its tenant, until it is deleted", async ({ expect }) => {
    const [tenant, other] = [await newTenant(), await newTenant()];
    const path = `/v1/tenants/${tenant}/endpoints`;
    const first = await newEndpoint(tenant, HOOK, { uid: "crm" });
    const second = await newEndpoint(tenant, HOOK, { uid: "erp" });
    const taken = await call("POST", path, { url: HOOK, events: [], uid: "crm" });
    expect(taken.status).toBe(409);
    expect(taken.body.detail).toContain("crm");
    expect((await call("PATCH", `${path}/${second.id}`, { uid: "crm", name: "x" })).status).toBe(409);
    expect((await call("GET", `${path}/${second.id}`)).body).toMatchObject({ uid: "erp", name: null });
    expect((await call("GET", path)).body.data).toHaveLength(2);

    expect((await newEndpoint(other, HOOK, { uid: "crm" })).uid).toBe("crm");
    expect((await call("PATCH", `${path}/${first.id}`, { uid: "crm" })).status).toBe(200);
    await call("DELETE", `${path}/${first.id}`);
    expect((await newEndpoint(tenant, HOOK, { uid: "crm" })).uid).toBe("crm");
  });

  it("may be unnamed by many: null is no uid", async ({ expect }) => {
    const tenant = await newTenant();
    await newEndpoint(tenant, HOOK, { uid: null });
    expect((await newEndpoint(tenant, HOOK, { uid: null })).uid).toBeNull();
  });

  it("is changed where PATCH says so, and nowhere else", async ({ expect }) => {
    const tenant = await newTenant();
    const { secret, ...before } = await newEndpoint(tenant, HOOK, { name: "CRM", retry: [1], metadata: { a: "b" } });
    const path = `/v1/tenants/${tenant}/endpoints/${before.id}`;
    const patched = await call("PATCH", path, { url: `${HOOK}/2`, timeout: 5 });
    expect(patched.status).toBe(200);
    const { warnings: _, ...after } = patched.body;
    expect(after).toEqual({ ...before, url: `${HOOK}/2`, timeout: 5, updatedAt: after.updatedAt });
    expect((await call("GET", path)).body).toEqual(after);
    expect((await call("GET", `${path}/secret`)).body.secret).toBe(secret);
  });

  it("goes back to its defaults where PATCH says null", async ({ expect }) => {
    const tenant = await newTenant();
    const own = { uid: "crm", name: "CRM", description: "mine", retry: [7], timeout: 3 };
    const { id } = await newEndpoint(tenant, HOOK, own);
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    const nulls = Object.fromEntries(Object.keys(own).map((field) => [field, null]));
    expect((await call("PATCH", path, nulls)).body).toMatchObject({
      uid: null,
      name: null,
      description: null,
      retry: [30, 120, 600, 3600, 14_400],
      timeout: 10,
    });
  });

  it("is switched off and on by hand", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, HOOK);
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    const off = (await call("PATCH", path, { enabled: false })).body;
    expect(off).toMatchObject({ enabled: false, disabledReason: "manual" });
    expect(Date.parse(off.disabledAt)).toBeGreaterThanOrEqual(Date.parse(off.createdAt));
    expect((await call("GET", `${path}/health`)).body.state).toBe("disabled");
    expect((await call("PATCH", path, { enabled: false })).body.disabledAt).toBe(off.disabledAt);
    const on = (await call("PATCH", path, { enabled: true })).body;
    expect(on).toMatchObject({ enabled: true, disabledReason: null, disabledAt: null });
    expect((await call("GET", path)).body).toMatchObject({ enabled: true });
    expect((await call("GET", `${path}/health`)).body.state).toBe("healthy");
  });

  it("is gone once it is deleted, for the second DELETE too", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, HOOK);
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    const deleted = await call("DELETE", path);
    expect(deleted.status).toBe(204);
    expect(deleted.text).toBe("");
    expect((await call("GET", path)).status).toBe(404);
    expect((await call("PATCH", path, { name: "x" })).status).toBe(404);
    expect((await call("DELETE", path)).status).toBe(404);
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints`)).body.data).toEqual([]);
  });

  it("tells how it fares", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, HOOK);
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints/${id}/health`)).body).toMatchObject({
      state: "healthy",
      failingSince: null,
      disablesAt: null,
      window: Array(7).fill(false),
      consecutiveFailures: 0,
    });
  });
});

describe("a list of endpoints", () => {
  it("goes page by page, newest first, each endpoint once", async ({ expect }) => {
    const tenant = await newTenant();
    const ids: string[] = [];
    for (const name of ["a", "b", "c", "d", "e"]) ids.unshift((await newEndpoint(tenant, HOOK, { name })).id);
    const pages: string[][] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const { status, body } = await call("GET", `/v1/tenants/${tenant}/endpoints?limit=2${query}`);
      expect(status).toBe(200);
      pages.push(body.data.map(({ id }: { id: string }) => id));
      cursor = body.nextCursor;
    } while (cursor !== null && pages.length < 10);
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat().toSorted().toReversed()).toEqual(pages.flat());
    expect(pages.flat().toSorted()).toEqual(ids.toSorted());
  });

  it("has no next page when the last one is just full", async ({ expect }) => {
    const tenant = await newTenant();
    await newEndpoint(tenant, HOOK);
    await newEndpoint(tenant, HOOK);
    const { body } = await call("GET", `/v1/tenants/${tenant}/endpoints?limit=2`);
    expect(body.data).toHaveLength(2);
    expect(body.nextCursor).toBeNull();
  });

  it("takes no cursor but that of a page before", async ({ expect }) => {
    const tenant = await newTenant();
    const answer = await call("GET", `/v1/tenants/${tenant}/endpoints?cursor=zzz`);
    expect(answer.status).toBe(422);
    expect(paths(answer)).toEqual(["cursor"]);
  });

  it("takes a limit from 1 to 250", async ({ expect }) => {
    const tenant = await newTenant();
    for (const limit of ["1", "250"]) {
      expect((await call("GET", `/v1/tenants/${tenant}/endpoints?limit=${limit}`)).status).toBe(200);
    }
    for (const limit of ["0", "251", "-1", "1.5", "many", ""]) {
      const answer = await call("GET", `/v1/tenants/${tenant}/endpoints?limit=${limit}`);
      expect(answer.status, limit).toBe(422);
      expect(paths(answer)).toEqual(["limit"]);
    }
  });
});

/** What is wrong with a field, and the path that names it. */
const WRONG: [change: object, path: string][] = [
  [{ uid: "" }, "uid"],
  [{ uid: "with space" }, "uid"],
  [{ uid: "ep_mine" }, "uid"],
  [{ uid: "x".repeat(129) }, "uid"],
  [{ uid: 5 }, "uid"],
  [{ name: "" }, "name"],
  [{ name: "x".repeat(201) }, "name"],
  [{ name: false }, "name"],
  [{ url: "" }, "url"],
  [{ url: "nonsense" }, "url"],
  [{ url: "ftp://hooks.example.com/in" }, "url"],
  [{ url: "https://me:secret@hooks.example.com/in" }, "url"],
  [{ url: `https://hooks.example.com/${"x".repeat(2048)}` }, "url"],
  [{ url: null }, "url"],
  [{ url: ["https://hooks.example.com"] }, "url"],
  [{ description: "x".repeat(2001) }, "description"],
  [{ events: "lead.hot" }, "events"],
  [{ events: null }, "events"],
  [{ events: [""] }, "events.0"],
  [{ events: [5] }, "events.0"],
  [{ events: ["lead.hot", "with space"] }, "events.1"],
  [{ events: ["lead.hot", "bad\r\nheader"] }, "events.1"],
  [{ events: ["x".repeat(129)] }, "events.0"],
  [{ events: ["*", "lead.hot"] }, "events"],
  [{ events: Array.from({ length: 101 }, (_, i) => `type.${i}`) }, "events"],
  [{ profile: "unheard-of" }, "profile"],
  [{ profile: "toString" }, "profile"],
  [{ metadata: [] }, "metadata"],
  [{ metadata: { team: 5 } }, "metadata.team"],
  [{ metadata: { team: "x".repeat(513) } }, "metadata.team"],
  [{ metadata: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, ""])) }, "metadata"],
  [{ retry: 30 }, "retry"],
  [{ retry: [0] }, "retry.0"],
  [{ retry: [1, 43_201] }, "retry.1"],
  [{ retry: [1.5] }, "retry.0"],
  [{ retry: ["30"] }, "retry.0"],
  [{ retry: Array(21).fill(1) }, "retry"],
  [{ timeout: 0 }, "timeout"],
  [{ timeout: 31 }, "timeout"],
  [{ timeout: "10" }, "timeout"],
  [{ disableAfter: -1 }, "disableAfter"],
  [{ disableAfter: 0.5 }, "disableAfter"],
  [{ enabled: "yes" }, "enabled"],
  [{ enabled: null }, "enabled"],
  [{ secert: "a typing mistake" }, "secert"],
  [{ createdAt: "2026-11-21T00:00:00.000Z" }, "createdAt"],
];

const WRONG_SECRETS = ["short", "x".repeat(257), "line\nbreak", 12_345_678, null];

describe("a field that is wrong", () => {
  it("is named in a 422, and nothing is written, neither by POST nor by PATCH", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/endpoints`;
    const { secret: _, ...endpoint } = await newEndpoint(tenant, HOOK);
    for (const [change, field] of WRONG) {
      const what = JSON.stringify(change).slice(0, 100);
      const posted = await call("POST", path, { url: HOOK, events: [], ...change });
      expect(posted.status, `POST ${what}`).toBe(422);
      expect(posted.headers.get("Content-Type")).toBe("application/problem+json");
      expect(posted.body).toMatchObject({ status: 422, title: "Invalid request", detail: expect.any(String) });
      expect(paths(posted), `POST ${what}`).toEqual([field]);
      expect(posted.body.errors[0].message).not.toBe("");
      // The field that is right stays out too: the refusal is of the whole request.
      const patched = await call("PATCH", `${path}/${endpoint.id}`, { name: "half", ...change });
      expect(patched.status, `PATCH ${what}`).toBe(422);
      expect(paths(patched), `PATCH ${what}`).toEqual([field]);
    }
    for (const secret of WRONG_SECRETS) {
      const posted = await call("POST", path, { url: HOOK, events: [], secret });
      expect(posted.status, `secret ${secret}`).toBe(422);
      expect(paths(posted)).toEqual(["secret"]);
    }
    expect((await call("GET", path)).body).toEqual({ data: [endpoint], nextCursor: null });
  });

  it("is named together with every other", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/endpoints`;
    const answer = await call("POST", path, {
      uid: "crm",
      url: 5,
      events: ["ok", "not ok", 7],
      retry: [0],
      timeout: 99,
      colour: "red",
      size: 3,
    });
    expect(answer.status).toBe(422);
    expect(paths(answer)).toEqual(["colour", "events.1", "events.2", "retry.0", "size", "timeout", "url"]);
    for (const field of paths(answer)) expect(answer.body.detail).toContain(field);
    expect((await newEndpoint(tenant, HOOK, { uid: "crm" })).uid).toBe("crm");
  });

  it("is named together with a URL that is none", async ({ expect }) => {
    const tenant = await newTenant();
    const answer = await call("POST", `/v1/tenants/${tenant}/endpoints`, { url: "nonsense", events: [5] });
    expect(paths(answer)).toEqual(["events.0", "url"]);
  });

  it("is named when it is missing", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}/endpoints`;
    expect(paths(await call("POST", path, {}))).toEqual(["events", "url"]);
    const { id } = await newEndpoint(tenant, HOOK);
    for (const body of [{}, [], "null", '"text"', "5"]) {
      const answer = await call("PATCH", `${path}/${id}`, body);
      expect(answer.status, JSON.stringify(body)).toBe(422);
    }
  });

  it("is the secret in a PATCH: it is changed by rotation only", async ({ expect }) => {
    const tenant = await newTenant();
    const { id, secret } = await newEndpoint(tenant, HOOK);
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    expect(paths(await call("PATCH", path, { secret: "another one, long enough" }))).toEqual(["secret"]);
    expect((await call("GET", `${path}/secret`)).body.secret).toBe(secret);
  });
});
