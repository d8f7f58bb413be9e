import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { frameAncestors } from "../../src/dashboard/guard";
import { call, newEndpoint, newReceiver, newTenant } from "../lib/api";
import { inPortal, portalLink, Visitor } from "./visitor";

const KEY = env.OPERATOR_KEY ?? "";

async function operator(): Promise<Visitor> {
  const visitor = new Visitor();
  await visitor.signIn(KEY);
  return visitor;
}

/** A page of somebody who was granted frames for as long as it is looked at. */
async function withFrames<T>(origins: string, look: () => Promise<T>): Promise<T> {
  const before = env.FRAME_ANCESTORS;
  try {
    Object.assign(env, { FRAME_ANCESTORS: origins });
    return await look();
  } finally {
    Object.assign(env, { FRAME_ANCESTORS: before });
  }
}

describe("a form", () => {
  it("is taken from our own pages only, and changes nothing otherwise", async ({ expect }) => {
    const tenant = await newTenant();
    const visitor = await operator();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const page = `/dashboard/tenants/${tenant}/endpoints`;
    const action = `${page}/${id}/disable`;
    const token = /name="_token" value="([^"]+)"/.exec((await visitor.get(page)).html)?.[1] ?? "";
    const foreign = await (await operator()).get(page);
    const theirs = /name="_token" value="([^"]+)"/.exec(foreign.html)?.[1] ?? "";
    const tries = [
      visitor.post(action, {}),
      visitor.post(action, { _token: "" }),
      visitor.post(action, { _token: theirs }),
      visitor.post(action, { _token: token.slice(1) }),
      visitor.post(action, { _token: token }, { Origin: "https://evil.example" }),
      visitor.post(action, { _token: token }, { Origin: "null" }),
    ];
    for (const answer of await Promise.all(tries)) expect(answer.status).toBe(403);
    const enabled = async () => (await call("GET", `/v1/tenants/${tenant}/endpoints/${id}`)).body.enabled;
    expect(await enabled()).toBe(true);
    expect((await visitor.post(action, { _token: token })).status).toBe(303);
    expect(await enabled()).toBe(false);
  });

  it("of a session is taken with the session's token alone, not with that of the visit before it", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const action = `/dashboard/tenants/${tenant}/endpoints/${id}/disable`;
    const visitor = new Visitor();
    const before = /name="_token" value="([^"]+)"/.exec((await visitor.get("/dashboard/sign-in")).html)?.[1] ?? "";
    expect((await visitor.post("/dashboard/sign-in", { _token: before, key: KEY })).status).toBe(303);
    expect((await visitor.post(action, { _token: before })).status).toBe(403);
    expect((await visitor.post("/dashboard/sign-out", { _token: before })).status).toBe(403);
    expect((await visitor.get("/dashboard/tenants")).status).toBe(200);
    // Whoever signs in once more does it in a form of the session that is there.
    expect((await visitor.signIn(KEY)).status).toBe(303);
  });

  it("of signing in is ours as well", async ({ expect }) => {
    expect((await new Visitor().post("/dashboard/sign-in", { key: KEY })).status).toBe(403);
  });
});

describe("a page", () => {
  it("runs no script and no style but its own, and stands in no frame", async ({ expect }) => {
    const visitor = await operator();
    const tenant = await newTenant();
    const base = `/dashboard/tenants/${tenant}`;
    for (const page of ["/dashboard/tenants", base, `${base}/endpoints/new`, `${base}/events`, "/dashboard/nowhere"]) {
      const { headers, html } = await visitor.get(page);
      const policy = headers.get("Content-Security-Policy") ?? "";
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*/);
      expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect(headers.get("X-Frame-Options")).toBe("DENY");
      expect(headers.get("Referrer-Policy")).toBe("same-origin");
      expect(headers.get("Cross-Origin-Opener-Policy")).toBe("same-origin");
      expect(headers.get("Permissions-Policy")).toBe("camera=(), geolocation=(), microphone=()");
      expect(headers.get("Strict-Transport-Security")).toBeNull();
      expect(headers.get("Cache-Control")).toBe("no-store");
      expect(html).not.toMatch(/<script(?![^>]* src="\/)|<style|\sstyle=|\son[a-z]+=/i);
    }
  });

  it("of the portal stands in the frames that the operator names, with a cookie that they let through", async ({
    expect,
  }) => {
    const tenant = await newTenant();
    await withFrames("https://app.example.com, https://*.example.org", async () => {
      const visitor = await inPortal(tenant);
      const { headers } = await visitor.get(`/portal/tenants/${tenant}`);
      expect(headers.get("Content-Security-Policy")).toContain(
        "frame-ancestors https://app.example.com https://*.example.org",
      );
      expect(headers.get("X-Frame-Options")).toBeNull();
      for (const part of ["SameSite=None", "Secure", "Partitioned", "HttpOnly"]) {
        expect(visitor.session("/portal")).toContain(part);
      }
      const dashboard = await (await operator()).get("/dashboard/tenants");
      expect(dashboard.headers.get("Content-Security-Policy")).toContain("frame-ancestors 'none'");
    });
  });

  it("takes no text for an origin that is none", ({ expect }) => {
    const named = (text: string) => frameAncestors({ ...env, FRAME_ANCESTORS: text });
    expect(named("")).toEqual([]);
    expect(named("https://a.example http://localhost:3000")).toEqual(["https://a.example", "http://localhost:3000"]);
    expect(named("* https: 'self' https://a.example/path https://a;b")).toEqual([]);
  });

  it("has the theme that its link or its visitor chose", async ({ expect }) => {
    const tenant = await newTenant();
    const visitor = new Visitor();
    await visitor.open(`${await portalLink(tenant)}?theme=dark`);
    expect((await visitor.get(`/portal/tenants/${tenant}`)).html).toContain('data-theme="dark"');
    await visitor.submit(`/portal/tenants/${tenant}`, "/portal/theme", { theme: "light", back: "/portal" });
    expect((await visitor.get(`/portal/tenants/${tenant}`)).html).toContain('data-theme="light"');
    await visitor.get(`/portal/tenants/${tenant}?theme="><script>`);
    expect((await visitor.get(`/portal/tenants/${tenant}`)).html).toContain('data-theme="light"');
  });

  it("that is not there is a 404, also for who is not signed in at the root", async ({ expect }) => {
    const visitor = await operator();
    expect((await visitor.get("/dashboard/nowhere")).status).toBe(404);
    expect((await new Visitor().get("/")).headers.get("Location")).toBe("/dashboard");
    expect((await call("GET", "/nowhere")).body.status).toBe(404);
  });
});
