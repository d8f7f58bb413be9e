import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import { Journal } from "../../src/event-log/journal/journal";
import { eventId } from "../../src/lib/ids";
import { Sql } from "../../src/lib/sql";
import { dayOf } from "../../src/lib/time";
import { call, newTenant } from "../lib/api";

const inShard = (ulid: string, shard: string) => `${ulid.slice(0, 10)}${shard}${ulid.slice(11)}`;

/** The log of today's shard, as a later writer would name it. */
function shardOf(tenant: string, shard: string) {
  return env.EVENT_LOG.getByName(`${tenant}/${dayOf(Date.now())}/${shard}`) as unknown as DurableObjectStub;
}

describe("an event of another shard than the one that is written to", () => {
  it("is read, erased and found with its deliveries in its own log", async ({ expect }) => {
    const tenant = await newTenant();
    const log = shardOf(tenant, "5");
    const ulid = await runInDurableObject(log, (_, { storage }) => {
      const request = { type: "lead.hot", data: '{"a":1}', matches: [{ endpoint: "ep_gone" }] };
      const result = new Journal(new Sql(storage.sql), dayOf(Date.now())).append(request, Date.now());
      if (result.kind !== "appended") throw new Error(result.kind);
      const there = inShard(result.event.ulid, "5");
      storage.sql.exec("UPDATE events SET ulid = ?", there);
      return there;
    });
    await evictDurableObject(log);
    const path = `/v1/tenants/${tenant}/events/${eventId(ulid)}`;
    expect((await call("GET", path)).body).toMatchObject({ data: { a: 1 }, deliveries: [{ id: `dlv_${ulid}0` }] });
    expect((await call("GET", `/v1/tenants/${tenant}/events/${eventId(inShard(ulid, "6"))}`)).status).toBe(404);
    expect((await call("DELETE", `${path}/content`)).status).toBe(204);
    expect((await call("GET", path)).body.data).toBeNull();
    // Lists look at the shard that is written to.
    expect((await call("GET", `/v1/tenants/${tenant}/events`)).body.data).toEqual([]);
  });

  it("that was never written is a 404, and looking for it leaves no tables", async ({ expect }) => {
    const tenant = await newTenant();
    const posted = await call("POST", `/v1/tenants/${tenant}/events`, { event: "lead.hot", data: {} });
    const id = eventId(inShard(posted.body.id.slice(4), "Z"));
    for (const [method, rest] of [
      ["GET", ""],
      ["GET", "/explain"],
      ["POST", "/replay"],
      ["DELETE", "/content"],
    ] as const) {
      expect((await call(method, `/v1/tenants/${tenant}/events/${id}${rest}`)).status, method + rest).toBe(404);
    }
    const empty = await runInDurableObject(shardOf(tenant, "Z"), (_, { storage }) => new Sql(storage.sql).isEmpty);
    expect(empty).toBe(true);
  });
});
