import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { endPortalSession, findPortalLink, makersOf, revokePortalLink } from "../../src/config/access/portal-links";
import { findEndpoint, markEndpointDeleted, mirrorEnablement } from "../../src/config/endpoints/endpoints";
import { deleteList, listRows, putItem, removeItem, updateList } from "../../src/config/rules/lists";
import { findTenant, markTenantDeleted, updateTenant } from "../../src/config/tenants";
import { ChangedMeanwhile } from "../../src/config/version";
import { call } from "../lib/api";
import { newWorld, type World } from "./world";

const NOW = Date.now();
const entry = (target: string) => ({ actor: "operator", action: "list.updated" as const, target, tenant: null });

/** Something that is read, changed by somebody else, and then deleted as it was read: `changes`, each by another way. */
interface Case {
  read(world: World): Promise<unknown>;
  changes: Record<string, (world: World) => Promise<unknown>>;
  remove(world: World, read: unknown): Promise<unknown>;
}

async function endpointIn({ tenant, endpoint }: World) {
  const row = await findEndpoint(env.DB, tenant ?? "", endpoint ?? "");
  if (row === null) throw new Error("it is not there");
  return row;
}

async function listIn({ tenant, list }: World) {
  const row = await listRows.find(env.DB, tenant ?? "", list ?? "");
  if (row === null) throw new Error("it is not there");
  return row;
}

async function tenantIn({ tenant }: World) {
  const row = await findTenant(env.DB, tenant ?? "");
  if (row === null) throw new Error("it is not there");
  return row;
}

async function linkIn({ tenant = "", link = "" }: World) {
  const makers = await makersOf([env.SECRETS_KEY ?? ""], [env.OPERATOR_KEY ?? ""]);
  const row = await findPortalLink(env.DB, tenant, link, NOW, makers);
  if (row === null) throw new Error("it is not there");
  return row;
}

const CASES: Record<string, Case> = {
  "an endpoint": {
    read: endpointIn,
    changes: {
      PATCH: ({ tenant, endpoint }) => call("PATCH", `/v1/tenants/${tenant}/endpoints/${endpoint}`, { name: "other" }),
      "being switched off": async (world) => {
        const { tenant, id } = await endpointIn(world);
        await mirrorEnablement(env.DB, tenant, id, { enabled: false, disabledReason: "manual", disabledAt: NOW });
      },
      "a rotation": ({ tenant, endpoint }) =>
        call("POST", `/v1/tenants/${tenant}/endpoints/${endpoint}/secret/rotate`, {}),
    },
    remove: (world, read) =>
      markEndpointDeleted(env.DB, world.tenant ?? "", world.endpoint ?? "", NOW, entry, read as never),
  },
  "a list": {
    read: listIn,
    changes: {
      PATCH: async (world) => updateList(env.DB, await listIn(world), { items: ["b"] }, NOW, entry("")),
      "an item that is put on it": async (world) => putItem(env.DB, await listIn(world), "b", NOW, entry("")),
      "an item that is taken off": async (world) =>
        removeItem(env.DB, await listIn(world), world.item ?? "", NOW, entry("")),
    },
    remove: (world, read) => deleteList(env.DB, world.tenant ?? "", world.list ?? "", NOW, entry(""), read as never),
  },
  "a tenant": {
    read: tenantIn,
    changes: { PATCH: async (world) => updateTenant(env.DB, await tenantIn(world), { name: "other" }, NOW, entry("")) },
    remove: (world, read) => markTenantDeleted(env.DB, world.tenant ?? "", NOW, entry(""), read as never),
  },
  "a portal link": {
    read: linkIn,
    changes: {
      "being opened": ({ link }) =>
        env.DB.prepare("UPDATE portal_links SET opened_at = ? WHERE id = ?").bind(NOW, link).run(),
      "its visitor's sign-out": ({ tenant = "", link = "" }) => endPortalSession(env.DB, tenant, link, NOW),
    },
    remove: ({ tenant = "", link = "" }, read) => revokePortalLink(env.DB, tenant, link, NOW, entry(""), read as never),
  },
};

describe.for(Object.entries(CASES))("the deletion of %s as it was read", ([, { read, changes, remove }]) => {
  it.for(Object.entries(changes))("does nothing after %s", async ([, change], { expect }) => {
    const world = await newWorld();
    const before = await read(world);
    await change(world);
    await expect(remove(world, before)).rejects.toThrow(ChangedMeanwhile);
    const after = await read(world);
    expect(after).not.toEqual(before);
    // As it is now it goes.
    await remove(world, after);
    await expect(read(world)).rejects.toThrow("not there");
  });
});

describe("a list's items", () => {
  it("are a part of it: each that comes or goes gives it another tag, and one that changes nothing does not", async ({
    expect,
  }) => {
    const { tenant, list } = await newWorld();
    const at = `/v1/tenants/${tenant}/lists/${list}`;
    const tag = async () => (await call("GET", at)).headers.get("ETag");
    const tags = [await tag()];
    await call("PUT", `${at}/items/b.com`);
    tags.push(await tag());
    await call("PUT", `${at}/items/b.com`);
    expect(await tag()).toBe(tags[1]);
    await call("DELETE", `${at}/items/b.com`);
    tags.push(await tag());
    expect((await call("DELETE", `${at}/items/b.com`)).status).toBe(404);
    expect(await tag()).toBe(tags[2]);
    expect(new Set(tags).size).toBe(3);
    // Off and on again: what is on it is the same, and it is another one for all that.
    const stale = await call("PATCH", at, { items: [] }, { "If-Match": tags[0] ?? "" });
    expect(stale.status).toBe(412);
    const audit = await call("GET", `/v1/audit?tenant=${tenant}`);
    const actions = audit.body.data.map(({ action }: { action: string }) => action);
    expect(actions.filter((action: string) => action.startsWith("list.item."))).toEqual([
      "list.item.deleted",
      "list.item.put",
    ]);
  });
});

describe("a change and a deletion of what both have read", () => {
  it.for([
    ["endpoint", { name: "other" }],
    ["list", { items: ["b"] }],
    ["tenant", { name: "other" }],
  ] as const)("do not both happen: %s", async ([what, change], { expect }) => {
    for (let round = 0; round < 6; round++) {
      const world = await newWorld();
      const own = `/v1/tenants/${world.tenant}`;
      const at = what === "tenant" ? own : `${own}/${what}s/${world[what]}`;
      const match = { "If-Match": (await call("GET", at)).headers.get("ETag") ?? "" };
      const [changed, deleted] = await Promise.all([
        call("PATCH", at, change, match),
        call("DELETE", at, undefined, match),
      ]);
      expect([
        [200, 412],
        [404, 204],
        [412, 204],
      ]).toContainEqual([changed.status, deleted.status]);
    }
  });
});
