import { env } from "cloudflare:workers";
import { generateSignedCookie } from "hono/cookie";
import { describe, it, vi } from "vitest";
import { formToken, isFormToken, readSession, sessionKey } from "../../src/dashboard/session";
import { utf8 } from "../../src/lib/crypto";
import { call, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { inPortal, portalLink, Visitor, withKey, words } from "./visitor";

const KEY = env.OPERATOR_KEY ?? "";
const NOW = Date.UTC(2026, 10, 21);

describe("a session's cookie", () => {
  it("lets its visitor in until it ends, and without having been signed nobody", async ({ expect }) => {
    const visitor = new Visitor();
    await visitor.signIn(KEY);
    const [, cookie = ""] = /=([^;]+)/.exec(visitor.session()) ?? [];
    const [session = "", signature = ""] = decodeURIComponent(cookie).split(/\.(?=[^.]*$)/);
    expect(JSON.parse(session)).toMatchObject({ holder: { kind: "operator" } });
    const asked = async (text: string) => {
      const Cookie = `posthorn_session=${encodeURIComponent(text)}`;
      return (await new Visitor().get("/dashboard/tenants", { Cookie })).status;
    };
    expect(await asked(`${session}.${signature}`)).toBe(200);
    const later = session.replace(/"expiresAt":\d+/, `"expiresAt":${Date.now() * 2}`);
    expect(later).not.toBe(session);
    const cut = [
      session,
      `${session}.`,
      `.${signature}`,
      `${session}.${signature.slice(1)}`,
      `${session}.${signature}.`,
    ];
    for (const bad of [`${later}.${signature}`, ...cut, `${session}.${signature}.${signature}`, "", "."]) {
      expect([bad, await asked(bad)]).toEqual([bad, 303]);
    }
    // Signed with another key, or with this one for another purpose.
    for (const key of [await sessionKey("another"), utf8(env.SECRETS_KEY ?? "")]) {
      const other = await generateSignedCookie("posthorn_session", session, key);
      expect(await asked(decodeURIComponent(/=([^;]+)/.exec(other)?.[1] ?? ""))).toBe(303);
    }
    const same = await generateSignedCookie("posthorn_session", session, await sessionKey(env.SECRETS_KEY ?? ""));
    expect(await asked(decodeURIComponent(/=([^;]+)/.exec(same)?.[1] ?? ""))).toBe(200);
    const { expiresAt } = JSON.parse(session) as { expiresAt: number };
    expect(readSession(session, expiresAt - 1)).toEqual(JSON.parse(session));
    expect(readSession(session, expiresAt)).toBeNull();
    expect(readSession('{"id":"a"}', NOW)).toBeNull();
  });

  it("is no form's token, nor is another session's", async ({ expect }) => {
    const token = await formToken("secret", "a");
    expect(await isFormToken("secret", "a", token)).toBe(true);
    expect(await isFormToken("secret", "b", token)).toBe(false);
    const signed = await generateSignedCookie("a", "a", await sessionKey("secret"));
    expect(decodeURIComponent(signed).replaceAll("+", "-").replaceAll("/", "_")).not.toContain(token);
  });
});

describe("signing in", () => {
  it("lets the operator's key and a tenant's admin and viewer in, and each to their own start", async ({ expect }) => {
    const operator = new Visitor();
    expect((await operator.signIn(KEY)).headers.get("Location")).toBe("/dashboard");
    expect((await operator.get("/dashboard")).headers.get("Location")).toBe("/dashboard/now");
    const tenant = await newTenant();
    for (const role of ["admin", "viewer"]) {
      const { visitor } = await withKey(tenant, role);
      expect((await visitor.get("/dashboard")).headers.get("Location")).toBe(`/dashboard/tenants/${tenant}`);
      expect((await visitor.get(`/dashboard/tenants/${tenant}`)).status).toBe(200);
    }
  });

  it("refuses other keys and those of producers, which may see nothing", async ({ expect }) => {
    for (const key of ["", "wrong", `phk_${"A".repeat(43)}`]) {
      const visitor = new Visitor();
      const answer = await visitor.signIn(key);
      expect([answer.status, visitor.session()]).toEqual([401, ""]);
    }
    const { visitor } = await withKey(await newTenant(), "producer");
    expect(visitor.session()).toBe("");
  });

  it("sets a cookie that scripts do not see, other sites do not send, and http does not carry", async ({ expect }) => {
    const visitor = new Visitor();
    await visitor.signIn(KEY);
    for (const attribute of ["HttpOnly", "SameSite=Lax", "Secure", "Path=/dashboard", "Max-Age=43200"]) {
      expect(visitor.session()).toContain(attribute);
    }
    expect(visitor.session()).not.toContain(KEY);
  });

  it("returns to the page that was asked for, and never to another site", async ({ expect }) => {
    const visitor = new Visitor();
    const asked = await visitor.get("/dashboard/tenants/acme/events?event=a");
    const page = asked.headers.get("Location") ?? "";
    expect(page).toBe(`/dashboard/sign-in?next=${encodeURIComponent("/dashboard/tenants/acme/events?event=a")}`);
    for (const [next, to] of [
      ["/dashboard/tenants/acme/events?event=a", "/dashboard/tenants/acme/events?event=a"],
      ["//evil.example", "/dashboard"],
      ["https://evil.example/dashboard/", "/dashboard"],
      ["/dashboard/\\evil.example", "/dashboard"],
      ["/v1/tenants", "/dashboard"],
    ]) {
      const answer = await visitor.submit("/dashboard/sign-in", "/dashboard/sign-in", { key: KEY, next: next ?? "" });
      expect(answer.headers.get("Location")).toBe(to);
    }
  });

  it("ends with the key: one that is revoked lets nobody in any more", async ({ expect }) => {
    const tenant = await newTenant();
    const { visitor, id } = await withKey(tenant, "admin");
    await call("DELETE", `/v1/tenants/${tenant}/keys/${id}`);
    const answer = await visitor.get(`/dashboard/tenants/${tenant}`);
    expect(answer.headers.get("Location")).toContain("/dashboard/sign-in?ended=1");
    expect(visitor.session()).toBe("");
  });

  it("ends when the operator's key is replaced", async ({ expect }) => {
    const visitor = new Visitor();
    await visitor.signIn(KEY);
    const before = env.OPERATOR_KEY;
    try {
      Object.assign(env, { OPERATOR_KEY: "the next one" });
      expect((await visitor.get("/dashboard/tenants")).status).toBe(303);
    } finally {
      Object.assign(env, { OPERATOR_KEY: before });
    }
  });

  it("ends by signing out", async ({ expect }) => {
    const visitor = new Visitor();
    await visitor.signIn(KEY);
    expect((await visitor.submit("/dashboard/tenants", "/dashboard/sign-out", {})).status).toBe(303);
    expect((await visitor.get("/dashboard/tenants")).status).toBe(303);
  });

  it("ends on the server: a copy of the cookie lets nobody in after the sign-out", async ({ expect }) => {
    const tenant = await newTenant();
    const operator = new Visitor();
    await operator.signIn(KEY);
    const { visitor: admin } = await withKey(tenant, "admin");
    for (const [visitor, page] of [
      [operator, "/dashboard/tenants"],
      [admin, `/dashboard/tenants/${tenant}`],
      [await inPortal(tenant), `/portal/tenants/${tenant}`],
    ] as const) {
      const base = page.split("/tenants")[0] as string;
      const Cookie = `posthorn_session=${/=([^;]+)/.exec(visitor.session(base))?.[1]}`;
      expect([page, (await new Visitor().get(page, { Cookie })).status]).toEqual([page, 200]);
      await visitor.submit(page, `${base}/sign-out`, {});
      expect([page, (await new Visitor().get(page, { Cookie })).status]).toEqual([page, 303]);
    }
    // Another session of the same key goes on.
    const again = new Visitor();
    await again.signIn(KEY);
    expect((await again.get("/dashboard/tenants")).status).toBe(200);
  });
});

describe("a portal link", () => {
  it("lets its visitor in once, to its tenant", async ({ expect }) => {
    const tenant = await newTenant();
    const link = await portalLink(tenant);
    const visitor = new Visitor();
    expect((await visitor.open(link)).headers.get("Location")).toBe("/portal");
    expect((await visitor.get("/portal")).headers.get("Location")).toBe(`/portal/tenants/${tenant}`);
    expect((await visitor.get(`/portal/tenants/${tenant}`)).status).toBe(200);
    const second = new Visitor();
    expect([(await second.open(link)).status, second.session("/portal")]).toEqual([401, ""]);
  });

  it("is not used up by who only looks: a scanner, a prefetch, a HEAD, a reload", async ({ expect }) => {
    const tenant = await newTenant();
    const link = await portalLink(tenant);
    const row = async () => (await call("GET", `/v1/tenants/${tenant}/portal-links`)).body.data;
    const before = await row();
    for (let i = 0; i < 3; i++) expect((await new Visitor().get(link)).status).toBe(200);
    await new Visitor().get(link, { Purpose: "prefetch", "Sec-Purpose": "prefetch" });
    expect((await call("HEAD", link)).status).toBe(200);
    // Without a token of its page, or from another site, the form is nobody's.
    expect((await new Visitor().post(link, {})).status).toBe(403);
    const token = /name="_token" value="([^"]+)"/.exec((await new Visitor().get(link)).html)?.[1] ?? "";
    expect((await new Visitor().post(link, { _token: token })).status).toBe(403);
    const foreign = new Visitor();
    await foreign.get(link);
    expect((await foreign.post(link, { _token: token }, { Origin: "https://evil.example" })).status).toBe(403);
    expect(await row()).toEqual(before);
    expect(before[0].openedAt).toBeNull();
    expect((await new Visitor().open(link)).status).toBe(303);
    expect((await row())[0].openedAt).not.toBeNull();
  });

  it("lets one of two in who open it at a time", async ({ expect }) => {
    const link = await portalLink(await newTenant());
    const both = [new Visitor(), new Visitor()];
    for (const visitor of both) await visitor.get(link);
    const answers = await Promise.all(both.map((visitor) => visitor.open(link)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([303, 401]);
  });

  it("leads whoever it let in back inside, and takes nobody's session away", async ({ expect }) => {
    const [tenant, other] = [await newTenant(), await newTenant()];
    const link = await portalLink(tenant, { path: "/endpoints" });
    const visitor = new Visitor();
    await visitor.open(link);
    const session = visitor.session("/portal");
    const there = `/portal/tenants/${tenant}/endpoints`;
    expect((await visitor.get(link)).headers.get("Location")).toBe(there);
    expect((await visitor.submit(there, link, {})).headers.get("Location")).toBe(there);
    const used = await portalLink(other);
    await new Visitor().open(used);
    expect((await visitor.get(used)).status).toBe(401);
    expect((await visitor.submit(there, used, {})).status).toBe(401);
    // Only looked at, a fresh one leaves the session as it is; its button replaces it.
    const fresh = await portalLink(other);
    expect((await visitor.get(fresh)).status).toBe(200);
    expect(visitor.session("/portal")).toBe(session);
    expect((await visitor.get(there)).status).toBe(200);
    expect((await visitor.open(fresh)).status).toBe(303);
    expect((await visitor.get(there)).status).toBe(404);
  });

  it("is listed and revoked, with its session", async ({ expect }) => {
    const tenant = await newTenant();
    const at = `/v1/tenants/${tenant}/portal-links`;
    const { body: key } = await call("POST", `/v1/tenants/${tenant}/keys`, { name: "k", role: "admin" });
    const mine = { Authorization: `Bearer ${key.key}` };
    const one = (await call("POST", at, { readOnly: true, path: "/deliveries?status=failed" }, mine)).body;
    const other = (await call("POST", at, {})).body;
    const { body } = await call("GET", at);
    expect(
      body.data.map(({ id, madeBy, readOnly, path }: Record<string, unknown>) => [id, madeBy, readOnly, path]),
    ).toEqual([
      [other.id, "operator", false, null],
      [one.id, key.id, true, "/deliveries?status=failed"],
    ]);
    expect(JSON.stringify(body)).not.toContain(new URL(one.url).pathname.split("/").at(-1));
    expect((await call("GET", `${at}?limit=1`)).body.nextCursor).toBe(other.id);
    expect((await call("GET", `${at}/${one.id}`)).body).toEqual(body.data[1]);
    const visitor = new Visitor();
    await visitor.open(new URL(other.url).pathname);
    expect((await call("DELETE", `/v1/tenants/${await newTenant()}/portal-links/${other.id}`)).status).toBe(404);
    expect((await visitor.get(`/portal/tenants/${tenant}`)).status).toBe(200);
    expect((await call("DELETE", `${at}/${other.id}`)).status).toBe(204);
    expect((await visitor.get(`/portal/tenants/${tenant}`)).status).toBe(303);
    expect((await call("DELETE", `${at}/${other.id}`)).status).toBe(404);
    expect((await call("GET", `${at}/${other.id}`)).status).toBe(404);
    expect((await call("DELETE", `${at}/${one.id}`, undefined, mine)).status).toBe(204);
    expect((await new Visitor().get(new URL(one.url).pathname)).status).toBe(401);
    expect((await call("GET", at)).body.data).toEqual([]);
  });

  it("ends with the key that made it, opened or not, a tenant's as the operator's", async ({ expect }) => {
    const tenant = await newTenant();
    const at = `/v1/tenants/${tenant}/portal-links`;
    const { body: key } = await call("POST", `/v1/tenants/${tenant}/keys`, { name: "k", role: "admin" });
    const make = async (bearer: string) => {
      const { body } = await call("POST", at, {}, { Authorization: `Bearer ${bearer}` });
      return new URL(body.url).pathname;
    };
    const opened = async (link: string) => {
      const visitor = new Visitor();
      await visitor.open(link);
      return visitor;
    };
    const statuses = async (visitor: Visitor, link: string) => [
      (await visitor.get(`/portal/tenants/${tenant}`)).status,
      (await new Visitor().get(link)).status,
    ];
    const theirs = [await opened(await make(key.key)), await make(key.key)] as const;
    Object.assign(env, { OPERATOR_KEY_NEXT: "the-next-one" });
    try {
      const first = [await opened(await make(KEY)), await make(KEY)] as const;
      const next = [await opened(await make("the-next-one")), await make("the-next-one")] as const;
      await call("DELETE", `/v1/tenants/${tenant}/keys/${key.id}`);
      expect(await statuses(...theirs)).toEqual([303, 401]);
      expect(await statuses(...first)).toEqual([200, 200]);
      // The first is taken away, the second moves up.
      Object.assign(env, { OPERATOR_KEY: "the-next-one", OPERATOR_KEY_NEXT: undefined });
      expect(await statuses(...first)).toEqual([303, 401]);
      expect(await statuses(...next)).toEqual([200, 200]);
    } finally {
      Object.assign(env, { OPERATOR_KEY: KEY });
      delete env.OPERATOR_KEY_NEXT;
    }
  });

  it("that only reads shows endpoints and logs, no secret, and changes nothing", async ({ expect }) => {
    const tenant = await newTenant();
    const { id, secret } = await newEndpoint(tenant, (await newReceiver()).url);
    const visitor = await inPortal(tenant, { readOnly: true, path: "/endpoints" });
    const base = `/portal/tenants/${tenant}`;
    for (const page of ["", "/endpoints", `/endpoints/${id}`, "/deliveries", "/events"]) {
      const { status, html } = await visitor.get(base + page);
      expect([page, status]).toEqual([page, 200]);
      expect(html).not.toContain(secret);
    }
    for (const page of [`/endpoints/${id}/verify`, `/endpoints/${id}/settings`, "/keys", "/portal-links"]) {
      const { status, html } = await visitor.get(base + page);
      expect([page, status]).toEqual([page, 403]);
      expect(html).not.toContain(secret);
    }
    const before = (await call("GET", `/v1/tenants/${tenant}/endpoints`)).body;
    for (const what of ["disable", "delete", "reveal", "rotate", "promote", "recover", "test", "settings"]) {
      const { status } = await visitor.submit(base, `${base}/endpoints/${id}/${what}`, { url: "https://x.example/" });
      expect([what, status]).toEqual([what, 403]);
    }
    expect((await call("GET", `/v1/tenants/${tenant}/endpoints`)).body).toEqual(before);
  });

  it("ends when it says, and its session with it", async ({ expect }) => {
    const tenant = await newTenant();
    const { body } = await call("POST", `/v1/tenants/${tenant}/portal-links`, { expiresIn: 60 });
    const left = Date.parse(body.expiresAt) - Date.now();
    expect(left).toBeGreaterThan(50_000);
    expect(left).toBeLessThanOrEqual(60_000);
    const visitor = new Visitor();
    await visitor.open(new URL(body.url).pathname);
    vi.setSystemTime(Date.parse(body.expiresAt));
    try {
      expect((await visitor.get(`/portal/tenants/${tenant}`)).status).toBe(303);
      const late = await portalLink(tenant, { expiresIn: 1 });
      vi.setSystemTime(Date.parse(body.expiresAt) + 2_000);
      expect((await new Visitor().get(late)).status).toBe(401);
    } finally {
      vi.useRealTimers();
    }
  });

  it("ends with its tenant", async ({ expect }) => {
    const tenant = await newTenant();
    const visitor = await inPortal(tenant);
    await call("DELETE", `/v1/tenants/${tenant}`);
    expect((await visitor.get(`/portal/tenants/${tenant}`)).status).toBe(303);
  });

  it("manages endpoints and reads logs, and neither sees nor makes keys", async ({ expect }) => {
    const tenant = await newTenant();
    const visitor = await inPortal(tenant);
    const { url } = await newReceiver();
    const base = `/portal/tenants/${tenant}`;
    const created = await visitor.submit(`${base}/endpoints/new`, `${base}/endpoints`, {
      url,
      events: "*",
      enabled: "yes",
    });
    expect(created.headers.get("Location")).toMatch(/\/ep_\w+\?done=created$/);
    for (const page of ["/endpoints", "/deliveries", "/events", "/event-types", "/segments", "/automations"]) {
      expect([page, (await visitor.get(base + page)).status]).toEqual([page, 200]);
    }
    const overview = await visitor.get(base);
    expect(words(overview.html)).not.toContain("API keys");
    expect((await visitor.get(`${base}/keys`)).status).toBe(403);
    expect((await visitor.get(`${base}/portal-links`)).status).toBe(403);
    expect((await visitor.submit(`${base}/endpoints`, `${base}/keys`, { name: "mine", role: "admin" })).status).toBe(
      403,
    );
    expect((await call("GET", `/v1/tenants/${tenant}/keys`)).body.data).toEqual([]);
  });

  it("says what it does not take", async ({ expect }) => {
    const at = `/v1/tenants/${await newTenant()}/portal-links`;
    for (const expiresIn of [0, -1, 1.5, "60", 604_801]) {
      const { status, body } = await call("POST", at, { expiresIn });
      expect([status, body.errors[0].path]).toEqual([422, "expiresIn"]);
    }
    for (const path of [
      "endpoints",
      "//evil.example",
      "/\\evil.example",
      "/a#b",
      "/../../dashboard",
      "/a/./b",
      "/é",
      "/ a",
    ]) {
      const { status, body } = await call("POST", at, { path });
      expect([path, status, body.errors?.[0].path]).toEqual([path, 422, "path"]);
    }
    expect((await call("POST", at)).status).toBe(201);
    expect((await call("POST", "/v1/tenants/nobody/portal-links", {})).status).toBe(404);
  });
});

describe("another tenant's things", () => {
  it("are not there for a key or a portal, whatever is asked of them", async ({ expect }) => {
    const [own, other] = await Promise.all([newTenant(), newTenant()]);
    const { url } = await newReceiver();
    const theirs = await newEndpoint(other, url, { name: "theirs" });
    const { visitor: admin } = await withKey(own, "admin");
    const portal = await inPortal(own);
    for (const [visitor, base] of [
      [admin, "/dashboard"],
      [portal, "/portal"],
    ] as const) {
      const there = `${base}/tenants/${other}`;
      const mixed = `${base}/tenants/${own}/endpoints/${theirs.id}`;
      const pages = [
        there,
        `${there}/endpoints`,
        `${there}/endpoints/${theirs.id}`,
        `${there}/events`,
        mixed,
        `${mixed}/verify`,
      ];
      for (const page of [
        ...pages,
        `${there}/endpoints/${theirs.id}/verify`,
        `${mixed}/deliveries`,
        `${base}/tenants`,
      ]) {
        const answer = await visitor.get(page);
        expect([page, answer.status]).toEqual([page, 404]);
        expect(answer.html).not.toContain("theirs");
      }
      const changes = [
        `${there}/endpoints/${theirs.id}/disable`,
        `${mixed}/disable`,
        `${mixed}/delete`,
        `${mixed}/rotate`,
        `${mixed}/reveal`,
      ];
      for (const action of changes) {
        const answer = await visitor.submit(`${base}/tenants/${own}/endpoints`, action, {});
        expect([action, answer.status]).toEqual([action, 404]);
      }
    }
    expect((await call("GET", `/v1/tenants/${other}/endpoints/${theirs.id}`)).body.enabled).toBe(true);
  });
});
