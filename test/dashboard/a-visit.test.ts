import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { call, newEndpoint, newReceiver, newTenant, until } from "../lib/api";
import { inPortal, type Seen, Visitor, withKey } from "./visitor";

const KEY = env.OPERATOR_KEY ?? "";

/** Where the theme's switch of a page returns to. */
function backOf({ html }: Seen): string {
  return (/name="back" value="([^"]+)"/.exec(html)?.[1] ?? "").replaceAll("&amp;", "&");
}

describe("switching the theme", () => {
  it("returns to the page, whatever else its address says", async ({ expect }) => {
    const tenant = await newTenant();
    const visitor = await inPortal(tenant);
    const at = `/portal/tenants/${tenant}/deliveries`;
    for (const [query, left] of [
      ["?theme=dark&status=failed", "?status=failed"],
      ["?status=failed&theme=dark", "?status=failed"],
      ["?theme=dark", ""],
      ["", ""],
    ]) {
      const back = backOf(await visitor.get(at + query));
      const answer = await visitor.submit(at, "/portal/theme", { theme: "light", back });
      expect(answer.headers.get("Location")).toBe(at + left);
      expect((await visitor.get(at + left)).html).toContain('data-theme="light"');
    }
  });

  it("returns from an answer to a form to a page that is there", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const { visitor } = await withKey(tenant, "admin");
    const base = `/dashboard/tenants/${tenant}`;
    for (const [action, there] of [
      ["/endpoints/preview", "/endpoints"],
      [`/endpoints/${id}/settings/preview`, `/endpoints/${id}`],
      [`/endpoints/${id}/test`, `/endpoints/${id}`],
      ["/signals/try", "/signals"],
      ["/portal-links", "/portal-links"],
    ]) {
      const answer = await visitor.submit(`${base}/endpoints`, base + action, { profile: "clearview", url: "x" });
      expect([action, backOf(answer)]).toEqual([action, base + there]);
      expect((await visitor.get(base + there)).status).toBe(200);
    }
  });
});

describe("signing in", () => {
  it("goes to no address that is none", async ({ expect }) => {
    const visitor = new Visitor();
    for (const next of [
      "/dashboard/\r\nX: y",
      "/dashboard/\t",
      "/dashboard/\u007f",
      "/dashboard/€",
      "/dashboard/a b",
    ]) {
      const answer = await visitor.submit("/dashboard/sign-in", "/dashboard/sign-in", { key: KEY, next: `${next}z` });
      expect([answer.status, answer.headers.get("Location")]).toEqual([303, "/dashboard"]);
    }
  });

  it("is a use of the key", async ({ expect }) => {
    const tenant = await newTenant();
    const usedAt = async () => (await call("GET", `/v1/tenants/${tenant}/keys`)).body.data[0].lastUsedAt as string;
    const before = Date.now();
    await withKey(tenant, "viewer");
    const at = await until("the key's use to be written down", usedAt, 5_000);
    expect(Date.parse(at)).toBeGreaterThanOrEqual(before);
  });
});
