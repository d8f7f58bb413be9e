import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { call, delivery, newEndpoint, newReceiver, newTenant, post } from "../lib/api";
import { endpointObject } from "./harness";

/** D1 as it was at a moment: what time travel brings back. */
async function remember(table: string, id: string): Promise<() => Promise<void>> {
  const row = await env.DB.prepare(`SELECT * FROM ${table} WHERE id = ?`).bind(id).first();
  if (row === null) throw new Error(`there is no ${id}`);
  const columns = Object.keys(row);
  return async () => {
    const marks = columns.map(() => "?").join(", ");
    const insert = `INSERT OR REPLACE INTO ${table} (${columns.join(", ")}) VALUES (${marks})`;
    await env.DB.prepare(insert)
      .bind(...Object.values(row))
      .run();
  };
}

/** The statement of the runbook, after which all endpoints read their configuration anew. */
const TOUCH = "UPDATE endpoints SET version = max(version, unixepoch() * 1000) + 1000";

function passSnapshot(): void {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + 6_000);
}

afterEach(() => vi.useRealTimers());

describe("after D1 was set back to an earlier time", () => {
  it("a change reaches an endpoint whose object has seen later ones", async ({ expect }) => {
    const tenant = await newTenant();
    const [first, second, third] = [await newReceiver(), await newReceiver(), await newReceiver()];
    const { id } = await newEndpoint(tenant, first.url);
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    const restore = await remember("endpoints", id);
    for (let i = 0; i < 3; i++) await call("PATCH", path, { url: second.url, name: `change ${i}` });
    await restore();
    await call("PATCH", path, { url: third.url });
    await post(tenant);
    await third.arrived();
    expect(await first.seen()).toEqual([]);
    expect(await second.seen()).toEqual([]);
  });

  it("the runbook's statement brings objects back to what D1 says", async ({ expect }) => {
    const tenant = await newTenant();
    const [first, second] = [await newReceiver(), await newReceiver()];
    const { id } = await newEndpoint(tenant, first.url);
    const path = `/v1/tenants/${tenant}/endpoints/${id}`;
    const restore = await remember("endpoints", id);
    await call("PATCH", path, { url: second.url });
    await call("PATCH", path, { enabled: false });
    await restore();
    expect((await call("GET", path)).body).toMatchObject({ url: first.url, enabled: true });
    await env.DB.prepare(TOUCH).run();
    passSnapshot();
    // Whether it is enabled is the object's to say: D1's copy is set right.
    const event = await post(tenant);
    await delivery(tenant, event.deliveries[0], "held");
    vi.setSystemTime(Date.now() + 31_000);
    await runDurableObjectAlarm(endpointObject(tenant, id));
    expect((await call("GET", path)).body).toMatchObject({ url: first.url, enabled: false });
    await call("PATCH", path, { enabled: true });
    await call("POST", `${path}/recover`, { since: "2020-01-01T00:00:00Z" });
    vi.setSystemTime(Date.now() + 1_000);
    await runDurableObjectAlarm(endpointObject(tenant, id));
    await first.arrived();
    expect(await second.seen()).toEqual([]);
  });

  it("an endpoint that was deleted since is there again, and gets what comes", async ({ expect }) => {
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url);
    const before = await post(tenant);
    await delivery(tenant, before.deliveries[0], "succeeded");
    const restore = await remember("endpoints", id);
    await call("DELETE", `/v1/tenants/${tenant}/endpoints/${id}`);
    await restore();
    await env.DB.prepare(TOUCH).run();
    passSnapshot();
    const after = await post(tenant);
    await delivery(tenant, after.deliveries[0], "succeeded");
    expect(await receiver.seen()).toHaveLength(2);
  });
});
