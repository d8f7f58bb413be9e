import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import {
  type Deletion,
  endpointsToErase,
  findTenant,
  forgetEndpoint,
  insertTenant,
  isBeingDeleted,
  markTenantDeleted,
  noteErased,
  removeTenant,
} from "../../src/config/tenants";
import { newKey } from "../api/world";
import { call, fresh, newEndpoint } from "../lib/api";

const entry = (id: string) => ({ actor: "operator", action: "tenant.deleted" as const, target: id, tenant: id });

/** All that D1 has of a tenant. */
async function everything(id: string): Promise<unknown[]> {
  const of = async (table: string) => {
    const column = table === "tenants" ? "id" : "tenant";
    return (await env.DB.prepare(`SELECT * FROM ${table} WHERE ${column} = ?`).bind(id).all()).results;
  };
  const tables = ["tenants", "api_keys", "lists", "segments", "signals", "automations", "portal_links"];
  return Promise.all(tables.map(of));
}

/** A tenant that was deleted to the end, and another of its name that has one of each. */
async function succeeded(): Promise<{ id: string; over: Deletion; endpoint: string }> {
  const id = fresh("t");
  await insertTenant(env.DB, id, { name: "First" }, Date.now() - 1_000, entry(id));
  const over = (await markTenantDeleted(env.DB, id, Date.now(), entry(id))) as Deletion;
  await removeTenant(env.DB, over);
  expect(await findTenant(env.DB, id)).toBeNull();
  const at = `/v1/tenants/${id}`;
  await call("PUT", at, { name: "Second" });
  const endpoint = await newEndpoint(id, "https://receiver.example/");
  await newKey(id, "viewer");
  await call("POST", `${at}/lists`, { name: "a", items: ["x"] });
  await call("POST", `${at}/segments`, { name: "a", filter: {} });
  await call("POST", `${at}/signals`, { name: "a", emit: "b", entity: "c", when: { once: true } });
  const actions = [{ type: "webhook", endpoint: endpoint.id }];
  await call("POST", `${at}/automations`, { name: "a", trigger: "b", actions });
  await call("POST", `${at}/portal-links`, {});
  return { id, over, endpoint: endpoint.id };
}

describe("the steps of a deletion that is over", () => {
  it.for(["while the name is another's", "while that one is being deleted too"])(
    "take nothing of its successor, %s",
    async (when, { expect }) => {
      const { id, over, endpoint } = await succeeded();
      const next = when.startsWith("while that one")
        ? ((await markTenantDeleted(env.DB, id, Date.now() + 1, entry(id))) as Deletion)
        : null;
      expect(await isBeingDeleted(env.DB, over)).toBe(false);
      expect(await endpointsToErase(env.DB, over, 10)).toEqual([]);
      if (next !== null) expect(await endpointsToErase(env.DB, next, 10)).toEqual([endpoint]);
      await forgetEndpoint(env.DB, id, endpoint);
      const before = await everything(id);
      for (const rows of before) expect(rows).toHaveLength(1);
      await noteErased(env.DB, over, "2026-01-01");
      await removeTenant(env.DB, over);
      expect(await everything(id)).toEqual(before);
      if (next === null) return;
      // Its own take all of it.
      expect(await isBeingDeleted(env.DB, next)).toBe(true);
      await removeTenant(env.DB, next);
      expect((await everything(id)).flat()).toEqual([]);
    },
  );
});
