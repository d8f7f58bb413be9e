import { env } from "cloudflare:workers";
import { afterAll, afterEach, beforeAll, describe, it, vi } from "vitest";
import { configOf, databasesOf, findInAny } from "../../src/config/databases";
import { countForeignSeals } from "../../src/config/endpoints/foreign-seals";
import { writeSummary } from "../../src/config/endpoints/summaries";
import { tenantAnywhere } from "../../src/config/tenants";
import { endpointStub } from "../../src/contracts/find";
import { keyIdOf } from "../../src/lib/crypto";
import { type Operation, operationsOf, theDocument } from "../api/operations";
import { everythingIn, newKey, newWorld, pathIn, type World } from "../api/world";
import { portalLink, Visitor, withKey } from "../dashboard/visitor";
import { call, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import { asked } from "../lib/asked";
import { fresh } from "../lib/fresh";
import { until } from "../lib/until";

const sources = import.meta.glob<string>("../../src/**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });

/** Tables of what tenants have: none of a tenant's rows is in two databases. */
const OWNED = "endpoints segments automations signals lists api_keys portal_links former_endpoints audit".split(" ");

async function rowsOf(d1: D1Database, tenant: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of OWNED) {
    counts[table] =
      (await d1.prepare(`SELECT count(*) AS n FROM ${table} WHERE tenant = ?`).bind(tenant).first("n")) ?? 0;
  }
  counts.tenants = (await d1.prepare("SELECT count(*) AS n FROM tenants WHERE id = ?").bind(tenant).first("n")) ?? 0;
  return counts;
}

afterEach(() => vi.restoreAllMocks());

describe("a tenant's configuration", () => {
  it("is reached through one door: nothing else takes a database out of the bindings", ({ expect }) => {
    const door = "../../src/config/databases.ts";
    expect(sources[door]).toContain("env.DB");
    const others = Object.entries(sources).filter(([file]) => file !== door);
    const found = others.filter(([, text]) =>
      /\benv\??\.DB|\{[^}]*\bDB(?:_\d+)?\b[^}]*\} = (?:\w+\.)*env|\["DB/.test(text),
    );
    expect(found.map(([file]) => file)).toEqual([]);
    // What is the service's own is asked of there by name, and by no query of a tenant.
    const ofService = others.filter(([, text]) => text.includes("serviceOf(")).map(([file]) => file.slice(10));
    expect(ofService.toSorted()).toEqual([
      "accept/accept.ts",
      "api/catalog/event-types.ts",
      "api/changes/idempotency.ts",
      "api/endpoints/test-sends.ts",
      "api/events/batch.ts",
      "api/events/events.ts",
      "api/http/destination.ts",
      "api/problems/warnings.ts",
      "api/service/reachability.ts",
      "dashboard/identity.ts",
      "dashboard/inspect/sample.tsx",
      "dashboard/preview.ts",
      "send/dead-letters.ts",
      "signals/emission.ts",
      "signals/observe.ts",
    ]);
  });

  it("costs no query more where there is one database", async ({ expect }) => {
    const statements = asked();
    const { tenant } = await newWorld();
    await call("GET", `/v1/tenants/${tenant}/endpoints`);
    await call("GET", "/v1/tenants");
    await call("DELETE", `/v1/tenants/${tenant}`);
    vi.restoreAllMocks();
    expect(statements.length).toBeGreaterThan(20);
    expect(statements.filter(({ query }) => query.includes("tenant_databases"))).toEqual([]);
    expect(await env.DB.prepare("SELECT count(*) AS n FROM tenant_databases").first("n")).toBe(0);
  });
});

describe("with two databases", () => {
  /** One in each. */
  let worlds: World[];
  let early: string;
  let operations: Operation[];
  const place = (tenant: string) =>
    env.DB.prepare("SELECT database FROM tenant_databases WHERE tenant = ?").bind(tenant).first("database");

  beforeAll(async () => {
    early = await newTenant();
    const queries = env.TEST_MIGRATIONS.flatMap(({ queries }) => queries);
    await env.SPARE.batch(queries.map((query) => env.SPARE.prepare(query)));
    Object.assign(env, { DB_1: env.SPARE });
    // The new one fills first.
    const first = await newWorld();
    const second = await newWorld();
    worlds = [second, first];
    operations = operationsOf(await theDocument());
  });
  afterAll(() => {
    delete env.DB_1;
  });

  it("a tenant goes to the one with the fewest, and all it has is there alone", async ({ expect }) => {
    const [home, away] = worlds as [World, World];
    const tenants = [home.tenant as string, away.tenant as string];
    expect(await Promise.all(tenants.map(place))).toEqual([0, 1]);
    expect(databasesOf(env)).toEqual([env.DB, env.SPARE]);
    for (const [i, tenant] of tenants.entries()) {
      const [here, there] = i === 0 ? [env.DB, env.SPARE] : [env.SPARE, env.DB];
      expect(await configOf(env, tenant)).toBe(here);
      const own = await rowsOf(here, tenant);
      for (const table of OWNED.slice(0, -2)) expect(own[table], table).toBeGreaterThan(0);
      expect(own.audit).toBeGreaterThan(5);
      expect(Object.values(await rowsOf(there, tenant)).filter((n) => n > 0)).toEqual([]);
    }
  });

  it("one from before there were several stays where it is", async ({ expect }) => {
    expect(await place(early)).toBeNull();
    expect((await call("PUT", `/v1/tenants/${early}`, { name: "Renamed" })).status).toBe(200);
    expect(await place(early)).toBe(0);
    expect(await configOf(env, early)).toBe(env.DB);
    expect((await call("POST", "/v1/tenants", { id: early, name: "Again" })).status).toBe(409);
  });

  it.for([0, 1])(
    "everything of a tenant is read, by the operator and by its own key (DB %i)",
    async (n, { expect }) => {
      const world = worlds[n] as World;
      const reads = operations.filter(({ method, path }) => method === "GET" && path.includes("{tenant}"));
      expect(reads.length).toBeGreaterThan(20);
      const key = await newKey(world.tenant as string, "admin");
      for (const operation of reads) {
        const path = pathIn(world, operation);
        expect([operation.id, (await call("GET", path)).status]).toEqual([operation.id, 200]);
        const own = await call("GET", path, undefined, { Authorization: `Bearer ${key}` });
        expect([operation.id, own.status]).toEqual([operation.id, 200]);
      }
    },
  );

  it.for([0, 1])(
    "what is made there can be changed, sent to, signed in to and deleted (DB %i)",
    async (n, { expect }) => {
      const { tenant = "", segment, list, automation, signal } = worlds[n] as World;
      const at = `/v1/tenants/${tenant}`;
      for (const [path, change] of [
        [`segments/${segment}`, { name: "b" }],
        [`automations/${automation}`, { name: "b" }],
        [`signals/${signal}`, { name: "b" }],
        [`lists/${list}`, { items: ["b.com"] }],
      ] as const) {
        expect([path, (await call("PATCH", `${at}/${path}`, change)).status]).toEqual([path, 200]);
      }
      const receiver = await newReceiver();
      const { id, secret } = await newEndpoint(tenant, receiver.url);
      expect((await call("GET", `${at}/endpoints/${id}/secret`)).body.secret).toBe(secret);
      await post(tenant);
      await receiver.arrived(1);
      // Its object writes back what it decides.
      await receiver.answer({ status: 410 });
      await post(tenant);
      await until("it is disabled", async () => (await call("GET", `${at}/endpoints/${id}`)).body.enabled === false);
      const { visitor } = await withKey(tenant, "viewer");
      expect((await visitor.get(`/dashboard/tenants/${tenant}/endpoints`)).status).toBe(200);
      const portal = new Visitor();
      await portal.open(await portalLink(tenant));
      expect((await portal.get(`/portal/tenants/${tenant}/endpoints`)).status).toBe(200);
      const observed = await call("POST", `${at}/observations`, { data: { c: "halden.example" } });
      expect(observed.status).toBe(202);
      expect((await call("DELETE", `${at}/endpoints/${id}`)).status).toBe(204);
      expect((await call("GET", `${at}/endpoints/${id}`)).status).toBe(404);
    },
  );

  it("lists of the operator go over both, page by page, and name nothing twice", async ({ expect }) => {
    const walk = async (path: string) => {
      const ids: string[] = [];
      let cursor = "";
      do {
        const { body } = await call("GET", `${path}?limit=2${cursor && `&cursor=${cursor}`}`);
        ids.push(...body.data.map(({ id }: { id: string }) => id));
        cursor = body.nextCursor ?? "";
      } while (cursor !== "");
      return ids;
    };
    const tenants = await walk("/v1/tenants");
    const rows = await Promise.all(
      [env.DB, env.SPARE].map(async (d1) => (await d1.prepare("SELECT id FROM tenants").all<{ id: string }>()).results),
    );
    const all = rows.flat().map(({ id }) => id);
    expect(tenants.toSorted()).toEqual([...new Set(all)].toSorted());
    expect(tenants.filter((id) => id === "operator")).toHaveLength(1);
    const audit = await walk("/v1/audit");
    expect(audit).toEqual(audit.toSorted().toReversed());
    expect(new Set(audit).size).toBe(audit.length);
    for (const { tenant } of worlds) {
      const { body } = await call("GET", `/v1/audit?tenant=${tenant}`);
      expect(body.data.length).toBeGreaterThan(0);
    }
  });

  it("search, overview and tenants' summaries look into both", async ({ expect }) => {
    const at = Date.now();
    for (const world of worlds) {
      const [tenant, endpoint] = [world.tenant as string, world.endpoint as string];
      const failing = {
        at,
        state: "failing" as const,
        failingSince: at,
        failedShare: 1,
        waiting: 3,
        oldestWaitingAt: at,
      };
      const summary = { ...failing, held: 0, lastSuccessAt: null, lastFailure: null };
      const told = { summary, day: { accepted: 1_000, succeeded: 1, failed: 2 }, from: at, hours: {}, over: [] };
      await writeSummary(await configOf(env, tenant), tenant, endpoint, { ...told, keptSince: 0 });
    }
    const { body: overview } = await call("GET", "/v1/overview");
    const { body: list } = await call("GET", "/v1/tenants?include=summary&limit=250");
    const named = (rows: { tenant: string }[], tenant: unknown) => rows.filter((row) => row.tenant === tenant);
    for (const { tenant, endpoint, event } of worlds) {
      expect(named(overview.endpoints, tenant)).toMatchObject([
        { endpoint, tenantName: "Test", summary: { waiting: 3 } },
      ]);
      for (const rows of [overview.busiest, overview.mostFailing]) {
        expect(named(rows, tenant)).toMatchObject([{ name: "Test", accepted: 1_000, failed: 2 }]);
      }
      expect(list.data.find(({ id }: { id: string }) => id === tenant).summary).toMatchObject({
        failing: 1,
        waiting: 3,
      });
      for (const id of [tenant, endpoint, event]) {
        const { body } = await call("GET", `/v1/search?q=${id}`);
        expect(body.data, id).toMatchObject([{ id, tenant }]);
      }
    }
    expect(overview).toMatchObject({ failing: 2, waiting: 6, oldestWaitingAt: new Date(at).toISOString() });
  });

  it("what is sealed is counted and sealed anew in both", async ({ expect }) => {
    const KEY = env.SECRETS_KEY as string;
    const before = await Promise.all([env.DB, env.SPARE].map((d1) => countForeignSeals(d1, ["another", KEY])));
    for (const { underOldKeys } of before) expect(underOldKeys).toBeGreaterThan(0);
    const sum = before.reduce((all, { underOldKeys }) => all + underOldKeys, 0);
    const all = async () => {
      let [resealed, cursor, calls] = [0, "", 0];
      do {
        const { body } = await call("POST", `/v1/secrets/reseal${cursor && `?cursor=${cursor}`}`);
        resealed += body.resealed;
        cursor = body.nextCursor ?? "";
      } while (cursor !== "" && ++calls < 20);
      return resealed;
    };
    try {
      Object.assign(env, { SECRETS_KEY: "another", SECRETS_KEY_OLD: KEY });
      expect((await call("GET", "/health")).body.secrets).toEqual({ underOldKeys: sum, unreadable: 0 });
      expect(await all()).toBe(sum);
      const prefix = `v1.${await keyIdOf("another")}.`;
      for (const [i, { tenant, endpoint }] of worlds.entries()) {
        const d1 = [env.DB, env.SPARE][i] as D1Database;
        const sealed = await d1.prepare("SELECT secret FROM endpoints WHERE id = ?").bind(endpoint).first("secret");
        expect(sealed).toMatch(prefix);
        expect((await call("GET", `/v1/tenants/${tenant}/endpoints/${endpoint}/secret`)).status).toBe(200);
      }
      Object.assign(env, { SECRETS_KEY: KEY, SECRETS_KEY_OLD: "another" });
      expect(await all()).toBe(sum);
    } finally {
      Object.assign(env, { SECRETS_KEY: KEY });
      delete env.SECRETS_KEY_OLD;
    }
  });

  it("two who make one tenant at once make it in one place, and one of them is told that it is there", async ({
    expect,
  }) => {
    for (let round = 0; round < 4; round++) {
      const id = fresh("both");
      const answers = await Promise.all([1, 2, 3].map(() => call("POST", "/v1/tenants", { id, name: "Both" })));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
      const counts = await Promise.all([env.DB, env.SPARE].map((d1) => rowsOf(d1, id)));
      expect(counts.map(({ tenants }) => tenants).toSorted()).toEqual([0, 1]);
    }
  });

  it("a name keeps its database when its tenant is deleted, of which nothing is left but the audit", async ({
    expect,
  }) => {
    for (const world of worlds) {
      const tenant = world.tenant as string;
      const [d1, where] = [await configOf(env, tenant), await place(tenant)];
      const other = worlds.find((one) => one !== world) as World;
      const rest = async () => (await everythingIn(other, operations)).map((text) => text.replace(/req_\w+/, ""));
      const before = await rest();
      let status = 503;
      while (status === 503) ({ status } = await call("DELETE", `/v1/tenants/${tenant}`));
      expect(status).toBe(204);
      const { audit, former_endpoints: _, ...left } = await rowsOf(d1, tenant);
      expect(Object.values(left).filter((n) => n > 0)).toEqual([]);
      expect(audit).toBeGreaterThan(0);
      expect(await rest()).toEqual(before);
      expect((await call("POST", "/v1/tenants", { id: tenant, name: "Again" })).status).toBe(201);
      expect(await place(tenant)).toBe(where);
    }
  });

  it("is found again where the first database has forgotten its place", async ({ expect }) => {
    const id = fresh("forgotten");
    await env.SPARE.prepare("INSERT INTO tenants (id, name, created_at, updated_at) VALUES (?, 'Forgotten', 1, 1)")
      .bind(id)
      .run();
    expect((await call("GET", `/v1/tenants/${id}/endpoints`)).status).toBe(200);
    expect(await place(id)).toBe(1);
  });

  it("a tenant whose database is not bound any more is out of reach, and not taken for deleted", async ({ expect }) => {
    const gone = fresh("gone");
    await env.DB.prepare("INSERT INTO tenant_databases VALUES (?, 7)").bind(gone).run();
    await expect(configOf(env, gone)).rejects.toThrow("DB_7");
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const answer = await call("GET", `/v1/tenants/${gone}/endpoints`);
    expect([answer.status, answer.body.code, answer.headers.get("Retry-After")]).toEqual([503, "misconfigured", "60"]);
    expect(answer.body.errors).toEqual([{ path: "DB_7", message: expect.stringContaining("bind it again") }]);
    expect(answer.body.detail).not.toContain(gone);
  });

  it("is missed on /health where a later one is bound", async ({ expect }) => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    Object.assign(env, { DB_3: env.SPARE });
    try {
      const { status, body } = await call("GET", "/health");
      expect([status, body.errors]).toEqual([503, [{ path: "DB_2", message: "is not bound, though DB_3 is" }]]);
    } finally {
      delete env.DB_3;
    }
  });

  it("nor is one whose database was taken away with all but the first: its objects keep what they have", async ({
    expect,
  }) => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    await newTenant(); // the next one goes to the other
    const ids = [await newTenant(), await newTenant()];
    const tenant = ids[(await place(ids[0] as string)) === 1 ? 0 : 1] as string;
    expect(await place(tenant)).toBe(1);
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url);
    const event = await post(tenant);
    await receiver.arrived(1);
    const log = `/v1/tenants/${tenant}/endpoints/${id}/deliveries`;
    const before = (await call("GET", log)).body.data.length;
    expect(before).toBe(1);
    delete env.DB_1;
    try {
      expect((await call("GET", log)).status).toBe(404);
      await expect(tenantAnywhere(env, tenant)).rejects.toThrow("DB_1");
      // Whoever tells its object, has it look for its settings.
      await endpointStub(env, tenant, id)
        .configure({})
        .catch(() => undefined);
      await endpointStub(env, tenant, id).health();
    } finally {
      Object.assign(env, { DB_1: env.SPARE });
    }
    expect((await call("GET", log)).body.data.map(({ id }: { id: string }) => id)).toEqual([event.deliveries[0].id]);
    expect((await call("GET", `/v1/tenants/${tenant}/events/${event.id}`)).status).toBe(200);
  });

  it("what is found in one counts while another is out of reach; what is not found, may be there", async ({
    expect,
  }) => {
    const find = (answers: readonly (string | null | Error)[]) =>
      findInAny(databasesOf(env), async (d1) => {
        const answer = answers[d1 === env.DB ? 0 : 1];
        if (answer instanceof Error) throw answer;
        return answer ?? null;
      });
    expect(await find([new Error("out of reach"), "found"])).toBe("found");
    expect(await find([null, null])).toBeNull();
    await expect(find([new Error("out of reach"), null])).rejects.toThrow("out of reach");
  });
});
