import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, type ExpectStatic, it, vi } from "vitest";
import { app } from "../../src/api/app";
import { networkOf } from "../../src/api/http/refusal-rate";
import { findHolder, hashOf, invalidateKeys, newKey as makeKey } from "../../src/config/access/keys";
import { newPortalToken, openPortalLink } from "../../src/config/access/portal-links";
import { portalLink, Visitor } from "../dashboard/visitor";
import { call, fresh, newTenant } from "../lib/api";
import { asked } from "../lib/asked";
import { withinOnePeriod } from "../lib/clock";
import { newKey } from "./world";

const SECRETS_KEY = env.SECRETS_KEY as string;
const random = () => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32)))).replace(/[+/=]/g, "A");
/** A key as it was before there were tags. */
const oldForm = () => `phk_${random().slice(0, 43)}`;

function as(key: string, path: string, headers: Record<string, string> = {}) {
  return call("GET", path, undefined, { Authorization: `Bearer ${key}`, ...headers });
}

/** Writes a key down as it was before there were tags. */
async function giveOut(tenant: string, key: string): Promise<void> {
  const insert = "INSERT INTO api_keys (id, tenant, name, role, hash, created_at) VALUES (?, ?, 'old', 'viewer', ?, 1)";
  await env.DB.prepare(insert)
    .bind(fresh("key"), tenant, await hashOf(key))
    .run();
}

beforeEach(() => invalidateKeys());
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  Object.assign(env, { SECRETS_KEY });
  delete env.SECRETS_KEY_OLD;
});

describe("a key that is not ours", () => {
  it("is refused without a query, whatever of it is another", async ({ expect }) => {
    const tenant = await newTenant();
    const key = await newKey(tenant, "admin");
    const foreign = [key.slice(4), `${key}A`, key.slice(0, -1), key.toUpperCase(), "phk_", "phk_x", random()];
    // One character is another: of the random part, of the tag.
    for (const at of [4, 20, 46, key.length - 1]) {
      foreign.push(key.slice(0, at) + (key[at] === "0" ? "1" : "0") + key.slice(at + 1));
    }
    const queries = asked();
    for (const text of foreign) expect((await as(text, `/v1/tenants/${tenant}`)).status, text).toBe(401);
    for (let i = 0; i < 50; i++) {
      const forged = `phk_${random().slice(0, 43)}${key.slice(47, 55)}${random().slice(0, 8)}`;
      expect((await as(forged, `/v1/tenants/${tenant}`)).status).toBe(401);
    }
    expect(queries).toEqual([]);
    expect((await as(key, `/v1/tenants/${tenant}`)).status).toBe(200);
  });

  it("is remembered as unknown where only D1 can tell: for 5 s with our tag, for a minute without", async ({
    expect,
  }) => {
    const now = Date.now();
    const revoked = await makeKey(SECRETS_KEY);
    const queries = asked();
    for (const [key, age] of [
      [revoked, 5_000],
      [oldForm(), 60_000],
      [await makeKey("a key that is retired"), 60_000],
    ] as const) {
      queries.length = 0;
      for (const at of [now, now, now + age - 1]) {
        expect(await findHolder([env.DB], key, at, [SECRETS_KEY])).toBeNull();
      }
      expect(queries).toHaveLength(1);
      expect(await findHolder([env.DB], key, now + age, [SECRETS_KEY])).toBeNull();
      expect(queries).toHaveLength(2);
    }
  });

  it("is not remembered as unknown once something has changed here", async ({ expect }) => {
    const tenant = await newTenant();
    const key = oldForm();
    expect((await as(key, `/v1/tenants/${tenant}`)).status).toBe(401);
    await giveOut(tenant, key);
    expect((await as(key, `/v1/tenants/${tenant}`)).status).toBe(401);
    invalidateKeys();
    expect((await as(key, `/v1/tenants/${tenant}`)).status).toBe(200);
  });
});

describe("a key that was given out", () => {
  it("before there were tags is let in", async ({ expect }) => {
    const tenant = await newTenant();
    const key = oldForm();
    await giveOut(tenant, key);
    expect((await as(key, `/v1/tenants/${tenant}`)).status).toBe(200);
    expect((await as(key, `/v1/tenants/${await newTenant()}`)).status).toBe(404);
  });

  it("is let in while SECRETS_KEY is replaced, and after the old one is taken away", async ({ expect }) => {
    const tenant = await newTenant();
    const key = await newKey(tenant, "viewer");
    for (const keys of [
      { SECRETS_KEY: "the next key", SECRETS_KEY_OLD: SECRETS_KEY },
      { SECRETS_KEY: "the next key", SECRETS_KEY_OLD: "" },
    ]) {
      Object.assign(env, keys);
      invalidateKeys();
      expect((await as(key, `/v1/tenants/${tenant}`)).status).toBe(200);
    }
  });
});

describe("a portal link that is not ours", () => {
  it("is refused without a query", async ({ expect }) => {
    const link = await portalLink(await newTenant());
    const queries = asked();
    for (const path of [
      link.slice(0, -1),
      `${link}A`,
      `/portal/open/${random().slice(0, 43)}`,
      `${link.slice(0, -8)}AAAAAAAA`,
    ]) {
      expect((await new Visitor().get(path)).status).toBe(401);
    }
    expect(await openPortalLink(env.DB, await newPortalToken("another key"), Date.now(), [SECRETS_KEY])).toBeNull();
    expect(queries).toEqual([]);
    // Sealed under a key that was replaced since, it is ours.
    Object.assign(env, { SECRETS_KEY: "the next key", SECRETS_KEY_OLD: SECRETS_KEY });
    expect((await new Visitor().open(link)).status).toBe(303);
  });
});

describe("an address that is refused too often", () => {
  let addresses = 0;
  const address = () => `203.0.113.${++addresses}`;

  /** A test within one minute, which is what is counted. */
  const counted = (name: string, act: (context: { expect: ExpectStatic }) => Promise<void>) =>
    it(name, ({ expect }) => withinOnePeriod(60_000, () => act({ expect })));

  counted("is answered 429, with when to come back; a key that is known still works from there", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}`;
    const key = await newKey(tenant, "viewer");
    const [from, other] = [{ "CF-Connecting-IP": address() }, { "CF-Connecting-IP": address() }];
    // Whoever is let in is not counted.
    for (let i = 0; i < 40; i++) expect((await as(key, path, from)).status).toBe(200);
    for (let i = 0; i < 30; i++) expect((await as(`wrong-${i}`, path, from)).status).toBe(401);
    const refused = await as("wrong", path, from);
    expect(refused.status).toBe(429);
    expect(refused.headers.get("Retry-After")).toBe("60");
    expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
    expect(refused.body).toMatchObject({ status: 429, title: "Too many requests" });
    expect((await call("GET", path, undefined, { Authorization: "", ...from })).status).toBe(429);
    expect((await as(key, path, from)).status).toBe(200);
    expect((await as(env.OPERATOR_KEY as string, path, from)).status).toBe(200);
    expect((await as("wrong", path, other)).status).toBe(401);
    // Without the binding there is no limit.
    const request = new Request(`https://posthorn.test${path}`, {
      headers: { Authorization: "Bearer wrong", ...from },
    });
    expect((await app.fetch(request.clone(), env)).status).toBe(429);
    const { SIGN_IN_RATE: _, ...without } = env;
    expect((await app.fetch(request, without)).status).toBe(401);
  });

  counted("opens no portal with guesses, and does with a link", async ({ expect }) => {
    const link = await portalLink(await newTenant());
    const from = { "CF-Connecting-IP": address() };
    for (let i = 0; i < 30; i++) expect((await new Visitor().get(`/portal/open/guess-${i}`, from)).status).toBe(401);
    const refused = await new Visitor().get("/portal/open/guess", from);
    expect([refused.status, refused.headers.get("Retry-After")]).toEqual([429, "60"]);
    expect(refused.html).toContain("many attempts");
    expect((await new Visitor().get(link, from)).status).toBe(200);
  });

  counted("signs in with a key, and not with guesses", async ({ expect }) => {
    const from = { "CF-Connecting-IP": address() };
    const visitor = new Visitor();
    const signIn = (key: string) => visitor.submit("/dashboard/sign-in", "/dashboard/sign-in", { key }, from);
    for (let i = 0; i < 35; i++) expect((await signIn(env.OPERATOR_KEY as string)).status).toBe(303);
    for (let i = 0; i < 30; i++) expect((await signIn(`wrong-${i}`)).status).toBe(401);
    const refused = await signIn("wrong");
    expect([refused.status, refused.headers.get("Retry-After")]).toEqual([429, "60"]);
    expect((await signIn(env.OPERATOR_KEY as string)).status).toBe(303);
  });

  counted(
    "is refused by the button of a link as by a look at it, and by a producer's key as by one that is not known",
    async ({ expect }) => {
      const tenant = await newTenant();
      const link = await portalLink(tenant);
      const producer = await newKey(tenant, "producer");
      const visitor = new Visitor();
      const _token = /name="_token" value="([^"]+)"/.exec((await visitor.get(link)).html)?.[1] ?? "";
      const press = (path: string, from: Record<string, string>) => visitor.post(path, { _token }, from);
      const signIn = (key: string, from: Record<string, string>) =>
        new Visitor().submit("/dashboard/sign-in", "/dashboard/sign-in", { key }, from);
      for (const [refused, letIn] of [
        [
          (from: Record<string, string>, i: number) => press(`/portal/open/guess-${i}`, from),
          (from: Record<string, string>) => press(link, from),
        ],
        [
          (from: Record<string, string>) => signIn(producer, from),
          (from: Record<string, string>) => signIn(env.OPERATOR_KEY as string, from),
        ],
      ] as const) {
        const from = { "CF-Connecting-IP": address() };
        for (let i = 0; i < 30; i++) expect((await refused(from, i)).status).toBe(401);
        const { status, headers } = await refused(from, 30);
        expect([status, headers.get("Retry-After")]).toEqual([429, "60"]);
        expect((await letIn(from)).status).toBe(303);
      }
    },
  );

  it("is a whole network where there are so many that each request could have its own", ({ expect }) => {
    expect(networkOf("203.0.113.9")).toBe("203.0.113.9");
    const network = "2001:db8:1:2::/64";
    for (const one of ["2001:db8:1:2:3:4:5:6", "2001:DB8:1:2::", "2001:0db8:0001:0002::f"]) {
      expect(networkOf(one)).toBe(network);
    }
    expect(networkOf("2001:db8::1")).toBe("2001:db8:0:0::/64");
    expect(networkOf("::1")).toBe("0:0:0:0::/64");
    expect(networkOf("2001:db8:1:3::")).not.toBe(network);
  });
});
