import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { MAX_LOADED_BYTES } from "../../src/config/limits";
import { call, newTenant } from "../lib/api";
import { newSignal } from "../signals/world";
import { Visitor, words } from "./visitor";

/** A tenant that has as much as it may, and a visitor to its pages. */
async function world() {
  const tenant = await newTenant();
  const endpoint = { url: "https://receiver.example/", events: [] };
  const { id } = (await call("POST", `/v1/tenants/${tenant}/endpoints`, endpoint)).body;
  const signal = await newSignal(tenant, { once: true });
  const filter = JSON.stringify({ "data.x": "x".repeat(MAX_LOADED_BYTES) });
  await env.DB.prepare("UPDATE signals SET filter = ? WHERE id = ?").bind(filter, signal).run();
  const segment = (await call("POST", `/v1/tenants/${tenant}/segments`, { name: "s", filter: {} })).body.id;
  const visitor = new Visitor();
  await visitor.signIn(env.OPERATOR_KEY ?? "");
  return { segment, endpoint: id as string, visitor, at: (page: string) => `/dashboard/tenants/${tenant}/${page}` };
}

describe("a page whose form is refused", () => {
  it("for a filter of more than 16 KB says so", async ({ expect }) => {
    const { at, segment, visitor } = await world();
    const filter = JSON.stringify({ "data.x": "x".repeat(20_000) });
    for (const [page, action] of [
      ["segments", "segments"],
      [`segments/${segment}`, `segments/${segment}`],
    ] as const) {
      const { status, html } = await visitor.submit(at(page), at(action), { name: "s", filter });
      expect([status, words(html)]).toEqual([422, expect.stringContaining("at most 16384")]);
    }
  });

  it("for more than is matched of a tenant says so", async ({ expect }) => {
    const { at, endpoint, visitor } = await world();
    const action = { "type.0": "webhook", "endpoint.0": endpoint };
    for (const [page, to, fields] of [
      ["automations", "automations", { name: "a", trigger: "t", ...action }],
      ["signals", "signals/install", { catalog: "clearview" }],
    ] as const) {
      const { status, html } = await visitor.submit(at(page), at(to), fields);
      expect([status, words(html)]).toEqual([422, expect.stringContaining(`more than ${MAX_LOADED_BYTES} bytes`)]);
    }
  });
});
