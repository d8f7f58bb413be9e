import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { enforcedSchema } from "../../src/config/catalogs/event-types";
import { invalidateSnapshot, snapshotOf } from "../../src/config/snapshot";
import { call, fresh, newTenant } from "../lib/api";
import { newSignal } from "../signals/world";

/** D1 with the number of times that it was asked. */
function counted() {
  let calls = 0;
  const d1 = new Proxy(env.DB, {
    get: (target, key) => {
      if (key === "batch" || key === "prepare") calls++;
      const value = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return {
    /** Whether this asks D1. */
    asks: async (what: (d1: D1Database) => Promise<unknown>): Promise<boolean> => {
      const before = calls;
      await what(d1);
      return calls > before;
    },
  };
}

describe("what an isolate remembers of tenants", () => {
  it("is not what was read before a change that was made meanwhile", async ({ expect }) => {
    const tenant = await newTenant();
    const now = Date.now();
    invalidateSnapshot(tenant);
    const changing = new Proxy(env.DB, {
      get: (target, key) => {
        const value = Reflect.get(target, key);
        if (typeof value !== "function") return value;
        return async (...parameters: unknown[]) => {
          const result = await value.apply(target, parameters);
          invalidateSnapshot(tenant);
          return result;
        };
      },
    });
    const d1 = new Proxy(env.DB, {
      get: (target, key) => {
        const value = Reflect.get(key === "batch" ? changing : target, key);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const before = await snapshotOf(d1, tenant, now);
    const after = await snapshotOf(env.DB, tenant, now);
    expect(before).not.toBeNull();
    expect(after).not.toBe(before);
    // Without a change it is.
    expect(await snapshotOf(env.DB, tenant, now)).toBe(after);
  });

  it("is so many bytes of their configuration, whatever their number", async ({ expect }) => {
    const { asks } = counted();
    const now = Date.now();
    const large = JSON.stringify({ "data.x": "x".repeat(250_000) });
    const tenants: string[] = [];
    const look = (tenant: string) => asks((d1) => snapshotOf(d1, tenant, now));
    const small = await newTenant();
    await look(small);
    for (let i = 0; i < 20; i++) {
      const tenant = await newTenant();
      await newSignal(tenant, { once: true });
      await env.DB.prepare("UPDATE signals SET filter = ? WHERE tenant = ?").bind(large, tenant).run();
      await look(tenant);
      // What is asked for stays.
      expect(await look(small)).toBe(false);
      tenants.push(tenant);
    }
    expect(await look(tenants.at(-1) as string)).toBe(false);
    expect(await look(tenants[0] as string)).toBe(true);
    expect(await look(tenants[0] as string)).toBe(false);
  });

  it("reads a segment once for all automations that use it", async ({ expect }) => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant}`;
    const segment = (await call("POST", `${path}/segments`, { name: "s", filter: { "data.x": 1 } })).body.id;
    const { id } = (await call("POST", `${path}/endpoints`, { url: "https://receiver.example/", events: [] })).body;
    const reveal = { type: "reveal_contacts", endpoint: id, persona: segment };
    for (const action of [{ type: "webhook", endpoint: id }, reveal]) {
      await call("POST", `${path}/automations`, { name: "a", trigger: "t", segment, actions: [action] });
    }
    const snapshot = await snapshotOf(env.DB, tenant, Date.now() + 10_000);
    const [first, second] = snapshot?.automations ?? [];
    expect(first?.filter).toEqual({ "data.x": 1 });
    expect(second?.filter).toBe(first?.filter);
    expect(second?.reveals?.[0]?.persona).toBe(first?.filter);
  });
});

describe("what an isolate remembers of event types", () => {
  it("has their schemas only once they are needed, and reads each once", async ({ expect }) => {
    const { asks } = counted();
    const names = [fresh("type"), fresh("type")];
    for (const name of names) await call("PUT", `/v1/event-types/${name}`, { schema: { title: name }, enforce: true });
    const now = Date.now();
    const need = (name: string) => asks((d1) => enforcedSchema(d1, name, now));
    expect(await need("unheard.of")).toBe(true);
    expect(await need("unheard.of")).toBe(false);
    for (const name of names) {
      expect(await need(name)).toBe(true);
      expect(await need(name)).toBe(false);
    }
    expect(await enforcedSchema(env.DB, names[1] as string, now)).toBe(JSON.stringify({ title: names[1] }));
    await call("PATCH", `/v1/event-types/${names[0]}`, { schema: { title: "other" } });
    expect(await enforcedSchema(env.DB, names[0] as string, now)).toBe('{"title":"other"}');
    // The other one's is as it was.
    expect(await need(names[1] as string)).toBe(false);
  });
});
