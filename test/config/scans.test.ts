import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, it, vi } from "vitest";
import { countForeignSeals, MOST_COUNTED } from "../../src/config/endpoints/foreign-seals";
import { noteHost } from "../../src/config/endpoints/own-hosts";
import { reseal } from "../../src/config/endpoints/reseal";
import { listTenants } from "../../src/config/tenants";
import { keyIdOf } from "../../src/lib/crypto";
import { operationsOf, theDocument } from "../api/operations";
import { newWorld, pathIn } from "../api/world";
import { portalLink, Visitor, withKey } from "../dashboard/visitor";
import { call, fresh, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { type Asked, asked } from "../lib/asked";

const KEY = env.SECRETS_KEY as string;
const [FEW, MANY] = [2_000, 200_000];

/** How many rows D1 reads while something is done. */
async function rowsRead(what: () => Promise<unknown>): Promise<number> {
  const statements = asked();
  await what();
  vi.restoreAllMocks();
  let rows = 0;
  // Asked again: what was written is there, and reading is what is counted.
  for (const { query, values } of statements) {
    const { meta } = await env.DB.prepare(query)
      .bind(...values)
      .run();
    rows += meta.rows_read;
  }
  return rows;
}

/** Fills up to so many endpoints, of a thousand tenants, sealed under a key of that id. */
async function fill(count: number, keyId: string): Promise<void> {
  await env.DB.prepare("DELETE FROM endpoints").run();
  await env.DB.prepare(
    `INSERT OR IGNORE INTO tenants (id, name, created_at, updated_at)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT 'many' || i, 'n', i, i FROM n`,
  ).run();
  await env.DB.prepare(
    `INSERT INTO endpoints (id, tenant, url, events, profile, metadata, disable_after, secret, headers, version, enabled,
       created_at, updated_at)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
     SELECT printf('ep_%026d', i), 'many' || (1 + i % 1000), 'https://host' || i || '.example/hooks', '["*"]', 'standard',
       '{}', 0, 'v1.' || ?2 || '.AAAA.BBBB', '{"X-A":"v1.' || ?2 || '.AAAA.BBBB"}', 1, 1, 1, 1 FROM n`,
  )
    .bind(count, keyId)
    .run();
}

afterEach(() => vi.restoreAllMocks());

describe("with 200,000 endpoints, as many rows are read as with 2,000:", () => {
  const entry = { actor: "operator", action: "secrets.resealed" as const, target: "", tenant: null };
  const [mine, other] = ["the key of all rows", "another key"];
  /** Whose rows they are: today's, those of the key before it, or of one that is lost. */
  const deployed = { today: [mine, other], former: [other, mine], lost: [other, "a third key"] };

  /** What each costs in rows, with so many endpoints. */
  async function costs(count: number) {
    const costs: Record<string, number> = {};
    await fill(count, await keyIdOf(mine));
    for (const [name, keys] of Object.entries(deployed)) {
      costs[`health, ${name}`] = await rowsRead(() => countForeignSeals(env.DB, keys));
      costs[`reseal, ${name}`] = await rowsRead(() => reseal(env.DB, keys, Date.now(), entry, null));
    }
    costs.host = await rowsRead(() => noteHost([env.DB], `host${count / 2}.example`, Date.now()));
    return costs;
  }

  it("telling of seals, sealing anew, noting a host", async ({ expect }) => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const few = await costs(FEW);
    const many = await costs(MANY);
    expect(Object.keys(many)).toHaveLength(7);
    for (const [name, rows] of Object.entries(many)) {
      expect(rows, name).toBeLessThanOrEqual(2 * (few[name] as number));
      // Few enough for the two seconds that /health gives D1.
      expect(rows, name).toBeLessThan(20_000);
    }
  });

  it("and what is told is right, or at least so much", async ({ expect }) => {
    await fill(FEW, await keyIdOf(mine));
    expect(await countForeignSeals(env.DB, deployed.former)).toEqual({
      underOldKeys: 2 * MOST_COUNTED,
      unreadable: 0,
    });
    await fill(10, await keyIdOf(mine));
    expect(await countForeignSeals(env.DB, deployed.former)).toEqual({ underOldKeys: 20, unreadable: 0 });
    expect(await countForeignSeals(env.DB, deployed.lost)).toEqual({ underOldKeys: 0, unreadable: 20 });
    expect(await countForeignSeals(env.DB, deployed.today)).toEqual({ underOldKeys: 0, unreadable: 0 });
  });
});

describe("sealing anew", () => {
  const deployWith = (key: string, old: string) => Object.assign(env, { SECRETS_KEY: key, SECRETS_KEY_OLD: old });
  afterEach(() => {
    Object.assign(env, { SECRETS_KEY: KEY });
    delete env.SECRETS_KEY_OLD;
  });

  it("passes over what does not open by its cursor, and finds what is behind it", async ({ expect }) => {
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    await fill(450, await keyIdOf(KEY));
    const { id } = await newEndpoint(await newTenant(), (await newReceiver()).url, { secret: "opens-of-course" });
    deployWith("another key", KEY);
    let [cursor, resealed, calls] = ["", 0, 0];
    do {
      const { status, body } = await call("POST", `/v1/secrets/reseal${cursor && `?cursor=${cursor}`}`);
      expect(status).toBe(200);
      resealed += body.resealed;
      cursor = body.nextCursor ?? "";
      calls++;
    } while (cursor !== "" && calls < 10);
    expect([resealed, calls]).toEqual([1, 3]);
    const row = await env.DB.prepare("SELECT secret FROM endpoints WHERE id = ?").bind(id).first("secret");
    expect(row).toMatch(`v1.${await keyIdOf("another key")}.`);
    expect((await call("POST", "/v1/secrets/reseal?cursor=endpoints")).status).toBe(422);
  });

  it("finds values under every key that a row has, whichever stands first", async ({ expect }) => {
    await env.DB.prepare("DELETE FROM endpoints").run();
    const keys = ["key 1", "key 2", "key 3", "key 4"];
    const tenant = await newTenant();
    const headers: Record<string, string> = {};
    deployWith(keys[0] as string, "");
    const { id } = await newEndpoint(tenant, (await newReceiver()).url, { secret: "the-first-of-all" });
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    for (const [i, key] of keys.entries()) {
      deployWith(key, keys.slice(0, i).join(","));
      for (const name of Object.keys(headers)) headers[name] = "***";
      headers[`X-${i}`] = `value-${i}`;
      expect((await call("PATCH", path, { headers })).status).toBe(200);
    }
    deployWith("key 4", "key 2");
    expect(await countForeignSeals(env.DB, ["key 4", "key 2"])).toEqual({ underOldKeys: 1, unreadable: 3 });
    expect((await call("POST", "/v1/secrets/reseal")).body).toEqual({ resealed: 1, underOldKeys: 0, unreadable: 3 });
    deployWith("key 4", "key 1,key 3");
    expect((await call("POST", "/v1/secrets/reseal")).body).toEqual({ resealed: 3, underOldKeys: 0, unreadable: 0 });
    expect((await call("GET", `${path}/secret`)).body.secret).toBe("the-first-of-all");
  });
});

describe("a page of tenants", () => {
  it("costs as much at the end of the list as at its beginning", async ({ expect }) => {
    await fill(1, "00000000");
    const first = await rowsRead(() => listTenants(env.DB, 50, null));
    const last = await rowsRead(() => listTenants(env.DB, 50, { createdAt: 50, id: "many50" }));
    expect(first).toBeGreaterThanOrEqual(50);
    expect(last).toBeLessThanOrEqual(first);
  });
});

describe("a host of our own", () => {
  it("counts up the endpoints that lead there, however they spell it, and no others", async ({ expect }) => {
    await env.DB.prepare("DELETE FROM endpoints").run();
    const tenant = await newTenant();
    const there = [
      "https://hooks.ours.example/a",
      "HTTPS://Hooks.OURS.Example:8443/a",
      "https://hooks.ours.example.",
      "https://hooks.ours.example?a=1",
      "https://hooks.ours.example#a",
      "https:/hooks.ours.example/a",
      "https:\\\\hooks.ours.example",
      "https://hooks.%6furs.example/",
      "https://ｈooks.ours.example/",
    ];
    const elsewhere = [
      "https://hooks.ours.example.com/",
      "https://a.hooks.ours.example/",
      "https://other.example/hooks.ours.example",
      "https://other.example/?u=https://hooks.ours.example/",
    ];
    const insert = `INSERT INTO endpoints (id, tenant, url, events, profile, metadata, disable_after, secret, version, enabled,
      created_at, updated_at) VALUES (?, ?, ?, '["*"]', 'standard', '{}', 0, '', 1, 1, 1, 1)`;
    for (const url of [...there, ...elsewhere]) await env.DB.prepare(insert).bind(fresh("ep"), tenant, url).run();
    await noteHost([env.DB], "hooks.ours.example", Date.now());
    const { results } = await env.DB.prepare("SELECT url FROM endpoints WHERE version > 1").all<{ url: string }>();
    expect(results.map(({ url }) => url).toSorted()).toEqual(there.toSorted());
  });
});

describe("what requests ask of D1", () => {
  /** Tables that have a row per tenant, endpoint, key, link, change, or item of a list. */
  const GROWING =
    /^SCAN (tenants|endpoints|former_endpoints|audit|api_keys|portal_links|ended_sessions|segments|automations|signals|lists|list_items)\b/;
  /** Pages in the order of an index, from its end on: they stop at their LIMIT. */
  const PAGES = [
    "SCAN endpoints USING INDEX sqlite_autoindex_endpoints_1",
    "SCAN audit USING INDEX sqlite_autoindex_audit_1",
    "SCAN tenants USING INDEX tenants_by_creation",
  ];

  let statements: Asked[] = [];

  beforeAll(async () => {
    const all = asked();
    const operations = operationsOf(await theDocument());
    const worlds = [await newWorld(), await newWorld()];
    for (const world of worlds) {
      // What deletes comes last, and what is asked after it finds nothing.
      const order = operations.toSorted((a, b) => Number(a.method === "DELETE") - Number(b.method === "DELETE"));
      for (const operation of order) await call(operation.method, pathIn(world, operation), operation.body?.example);
    }
    const world = await newWorld();
    const tenant = world.tenant as string;
    const list = await call("GET", "/v1/tenants?limit=1");
    await call("GET", `/v1/tenants?limit=1&cursor=${list.body.nextCursor}`);
    await call("GET", `/v1/audit?tenant=${tenant}&since=2020-01-01T00:00:00Z`);
    await call("GET", `/v1/tenants/${tenant}/audit?target=${world.endpoint}`);
    for (const part of ["keys", "endpoints", "segments", "automations", "signals", "lists"]) {
      await call("GET", `/v1/tenants/${tenant}/${part}?limit=1`);
    }
    await call("POST", `/v1/tenants/${tenant}/signals/catalogs/clearview`);
    await call("POST", `/v1/tenants/${tenant}/observations`, { company: { domain: "acme.com", leadScore: 90 } });
    await call("PUT", `/v1/tenants/${tenant}/lists/${world.list}/items/b`);
    await call("DELETE", `/v1/tenants/${tenant}/endpoints/${world.endpoint}`);
    const { visitor } = await withKey(tenant, "admin");
    const base = `/dashboard/tenants/${tenant}`;
    for (const page of ["", "/endpoints", "/events", "/deliveries", "/keys", "/lists", "/segments", "/signals"]) {
      await visitor.get(base + page);
    }
    const operator = new Visitor();
    await operator.signIn(env.OPERATOR_KEY ?? "");
    await operator.get("/dashboard/tenants");
    await operator.submit("/dashboard/tenants", "/dashboard/sign-out", {});
    const customer = new Visitor();
    await customer.open(await portalLink(tenant));
    await customer.submit(`/portal/tenants/${tenant}`, "/portal/sign-out", {});
    Object.assign(env, { SECRETS_KEY_OLD: "an older key" });
    await call("POST", "/v1/secrets/reseal");
    delete env.SECRETS_KEY_OLD;
    await noteHost([env.DB], "new.example", Date.now());
    vi.restoreAllMocks();
    statements = [...new Map(all.map((statement) => [statement.query, statement])).values()];
  });

  it("scans no table that grows", async ({ expect }) => {
    expect(statements.length).toBeGreaterThan(80);
    const scans: string[] = [];
    for (const { query, values } of statements) {
      const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${query}`)
        .bind(...values)
        .all<{ detail: string }>();
      const bad = plan.results.map(({ detail }) => detail).filter((detail) => GROWING.test(detail));
      const page = /\blimit\b/i.test(query) && bad.every((detail) => PAGES.includes(detail));
      if (bad.length > 0 && !page) scans.push(`${bad.join("; ")}: ${query}`);
    }
    expect(scans).toEqual([]);
  });
});
