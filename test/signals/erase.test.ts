import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, it, vi } from "vitest";
import { app } from "../../src/api/app";

import type { EventLogContract } from "../../src/contracts/event-log";
import { DAY } from "../../src/lib/time";
import { Entity } from "../../src/signals/object";
import { type Answered, call, deliveryPath, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { endpointObject, logObject } from "../send/harness";
import { emitted, entityObject, eventOf, logged, newSignal, observe, seen } from "./world";

const SECRET = "ann.secret";
const lead = (domain = "acme.com") => ({ company: { domain }, contacts: [{ email: `${SECRET}@acme.com` }] });

const erase = (tenant: string, id: string): Promise<Answered> =>
  call("DELETE", `/v1/tenants/${tenant}/events/${id}/content`);

/** A tenant whose automation reveals the contacts of `new_lead` to an endpoint that fails. */
async function world() {
  const tenant = await newTenant();
  const receiver = await newReceiver({ status: 500, body: `you said ${SECRET}` });
  const endpoint = (await newEndpoint(tenant, receiver.url, { events: [] })).id as string;
  const actions = [{ type: "reveal_contacts", endpoint }];
  await call("POST", `/v1/tenants/${tenant}/automations`, { name: "a", trigger: "new_lead", actions });
  const stub = async (company = "acme.com") =>
    (await entityObject(tenant, company)) as unknown as DurableObjectStub & Awaited<ReturnType<typeof entityObject>>;
  return { tenant, receiver, endpoint, entity: await stub(), stub };
}

/** What the tenant's log has revealed. */
async function revealed(tenant: string): Promise<Answered["body"][]> {
  const events = (await logged(tenant)).filter(({ event }) => event === "contact_revealed");
  return Promise.all(events.map(({ id }) => eventOf(tenant, id)));
}

/** All that an object stores, as text. */
function stored(stub: DurableObjectStub): Promise<string> {
  return runInDurableObject(stub, (_, { storage }) => {
    const tables = storage.sql.exec(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
    );
    const rows = tables.toArray().map(({ name }) => storage.sql.exec(`SELECT * FROM "${name}"`).toArray());
    return JSON.stringify(rows);
  });
}

/** Gives an entity's object a log some of whose calls are others. */
async function relog(
  stub: DurableObjectStub,
  calls: (log: EventLogContract) => Partial<EventLogContract>,
): Promise<void> {
  const log = {
    getByName: (name: string) => {
      const room = env.EVENT_LOG.getByName(name) as unknown as EventLogContract;
      return {
        append: (...asked: Parameters<EventLogContract["append"]>) => room.append(...asked),
        appendAll: (...asked: Parameters<EventLogContract["appendAll"]>) => room.appendAll(...asked),
        noteDerived: (...asked: Parameters<EventLogContract["noteDerived"]>) => room.noteDerived(...asked),
        erase: (ulid: string) => room.erase(ulid),
        ...calls(room),
      };
    },
  };
  await runInDurableObject(stub, (entity) => {
    Object.defineProperty(entity, "env", { value: { ...env, EVENT_LOG: log }, configurable: true });
  });
}

/** Marks an event as erased in its log, without anybody else hearing of it. */
async function markErased(tenant: string, id: string): Promise<void> {
  await runInDurableObject(logObject(tenant) as unknown as DurableObjectStub, (_, { storage }) => {
    storage.sql.exec("UPDATE events SET data = 'null', erased = 1 WHERE ulid = ?", id.slice(4));
  });
}

async function restore(stub: DurableObjectStub): Promise<void> {
  await relog(stub, () => ({}));
}

const lost = () => Promise.reject(new Error("Network connection lost"));

describe("erasing an event's content", () => {
  it("erases what was revealed of it, wherever that is", async ({ expect }) => {
    const { tenant, receiver, endpoint } = await world();
    const [first, other] = [await post(tenant, "new_lead", lead()), await post(tenant, "new_lead", lead("b.com"))];
    await receiver.arrived(2);
    const [derived] = await revealed(tenant);
    const ref = { id: derived.deliveries[0].id as string, endpoint };
    const shown = async () => (await call("GET", deliveryPath(tenant, ref))).body;
    await until("the attempt", async () => (await shown()).attempts === 1);
    expect((await erase(tenant, first.id)).status).toBe(204);
    const [gone, kept] = await revealed(tenant);
    expect(gone).toMatchObject({ id: derived.id, data: null, erasedAt: expect.any(String) });
    expect(JSON.stringify(kept.data)).toContain(SECRET);
    const after = await shown();
    expect(after).toMatchObject({ status: "canceled", nextAttemptAt: null, attemptLog: [{ response: null }] });
    expect(JSON.stringify([after, await endpointObject(tenant, endpoint).detail(ref.id)])).not.toContain(SECRET);
    expect((await erase(tenant, first.id)).status).toBe(204);
    // Of what is derived alone its source stays.
    expect((await erase(tenant, kept.id)).status).toBe(204);
    expect(JSON.stringify((await eventOf(tenant, other.id)).data)).toContain(SECRET);
  });

  it("of what a signal emitted erases what was revealed of that, and leaves its siblings", async ({ expect }) => {
    const { tenant } = await world();
    await newSignal(tenant, { once: true }, { emit: "new_lead" });
    await newSignal(tenant, { once: true }, { emit: "sibling" });
    const { body } = await observe(tenant, lead());
    const [event, sibling] = body.events;
    await until("the contacts", async () => (await revealed(tenant)).length === 1);
    await erase(tenant, event.id);
    expect((await revealed(tenant)).map(({ data }) => data)).toEqual([null]);
    expect((await eventOf(tenant, event.id)).data).toBeNull();
    expect((await eventOf(tenant, sibling.id)).data).toEqual(lead());
  });

  it("of another day erases what was revealed today", async ({ expect }) => {
    const { tenant } = await world();
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const late = new Date(Date.now() + 3 * DAY);
      late.setUTCHours(23, 59, 59, 900);
      vi.setSystemTime(late);
      const entity = (await entityObject(tenant, "acme.com")) as unknown as DurableObjectStub;
      await relog(entity, () => ({ append: lost }));
      const event = await post(tenant, "new_lead", lead());
      vi.setSystemTime(late.getTime() + 1_000);
      await restore(entity);
      await until("the contacts", async () => {
        await runDurableObjectAlarm(entity);
        return (await revealed(tenant)).length === 1;
      });
      await erase(tenant, event.id);
      expect((await revealed(tenant)).map(({ data }) => data)).toEqual([null]);
    } finally {
      vi.useRealTimers();
    }
  });

  it.for(["before", "after"] as const)(
    "leaves nothing in an entity that died %s the log had what it reveals",
    async (when, { expect }) => {
      const { tenant, entity, receiver } = await world();
      await relog(entity, (log) => ({
        append: async (...asked) => {
          if (when === "after") await log.append(...asked);
          return lost();
        },
      }));
      const event = await post(tenant, "new_lead", lead());
      await until("the contacts to wait", async () => (await stored(entity)).includes(SECRET));
      await restore(entity);
      expect((await erase(tenant, event.id)).status).toBe(204);
      expect(await stored(entity)).not.toContain(SECRET);
      for (let i = 0; i < 3; i++) await runDurableObjectAlarm(entity);
      await runDurableObjectAlarm(logObject(tenant));
      expect((await revealed(tenant)).map(({ data }) => data)).toEqual(when === "after" ? [null] : []);
      if (when === "before") expect(await receiver.seen()).toEqual([]);
    },
  );

  it.for(["before the entity could be asked", "and the entity was asked"])(
    "ends with what is revealed at the same time erased too, %s",
    async (when, { expect }) => {
      const { tenant, entity } = await world();
      let id = "";
      await relog(entity, (log) => ({
        append: async (...asked) => {
          const result = await log.append(...asked);
          if (id !== "") return result;
          // While the log has not been told yet that it is there.
          [id] = (await logged(tenant)).flatMap(({ id, event }) => (event === "new_lead" ? [id] : [])) as [string];
          if (when.startsWith("and")) await logObject(tenant).erase(id.slice(4));
          else await markErased(tenant, id);
          return result;
        },
      }));
      await post(tenant, "new_lead", lead());
      await until("the revelation to be through", async () => id !== "" && !(await stored(entity)).includes(SECRET));
      const all = await revealed(tenant);
      expect(all.map(({ data }) => data)).toEqual([null]);
      expect(all[0].deliveries.map(({ status }: { status: string }) => status)).toEqual(["canceled"]);
      // Its entity comes up again: nothing is brought back.
      await runDurableObjectAlarm(entity);
      await erase(tenant, id);
      expect((await revealed(tenant)).map(({ data }) => data)).toEqual([null]);
    },
  );

  it("keeps from being revealed what the log has yet to have revealed", async ({ expect }) => {
    const { tenant } = await world();
    vi.spyOn(Entity.prototype, "reveal").mockRejectedValue(new Error("out of reach"));
    const event = await post(tenant, "new_lead", lead());
    expect((await erase(tenant, event.id)).status).toBe(204);
    vi.restoreAllMocks();
    const later = Date.now() + 3_600_000;
    vi.spyOn(Date, "now").mockReturnValue(later);
    try {
      for (let i = 0; i < 3; i++) await runDurableObjectAlarm(logObject(tenant));
      expect(await revealed(tenant)).toEqual([]);
    } finally {
      vi.restoreAllMocks();
    }
  });

  it("keeps what waits from being revealed when only the log knows", async ({ expect }) => {
    const { tenant, entity, receiver } = await world();
    await relog(entity, () => ({ append: lost }));
    const event = await post(tenant, "new_lead", lead());
    await until("the contacts to wait", async () => (await stored(entity)).includes(SECRET));
    // As if the revelation had come to the entity after it was told.
    await markErased(tenant, event.id);
    await restore(entity);
    await runDurableObjectAlarm(entity);
    expect(await revealed(tenant)).toEqual([]);
    expect(await stored(entity)).not.toContain(SECRET);
    expect(await receiver.seen()).toEqual([]);
  });

  it("has an entity forget the observation's text, and emit what is left of it", async ({ expect }) => {
    const tenant = await newTenant();
    for (const emit of ["one", "two"]) await newSignal(tenant, { once: true }, { emit });
    const entity = (await entityObject(tenant, "acme.com")) as unknown as DurableObjectStub;
    await relog(entity, (log) => ({
      appendAll: async ({ events }, versions) => {
        await log.appendAll({ events: events.slice(0, 1) }, versions);
        return lost();
      },
    }));
    const key = { "Idempotency-Key": "k" };
    expect((await observe(tenant, lead(), key)).status).toBeGreaterThanOrEqual(500);
    expect(await stored(entity)).toContain(SECRET);
    await restore(entity);
    const [one] = await logged(tenant);
    expect((await erase(tenant, one.id)).status).toBe(204);
    expect(await stored(entity)).not.toContain(SECRET);
    const events = await logged(tenant);
    expect(events.map(({ event }) => event)).toEqual(["one", "two"]);
    expect((await eventOf(tenant, one.id)).data).toBeNull();
    const again = await observe(tenant, lead(), key);
    expect(again.body.events.map(({ id }: { id: string }) => id)).toEqual(events.map(({ id }) => id));
    expect(await emitted(tenant, lead())).toEqual([]);
  });

  it("is repeated whole when it failed half way", async ({ expect }) => {
    const { tenant, entity } = await world();
    const event = await post(tenant, "new_lead", lead());
    await until("the contacts", async () => (await revealed(tenant)).length === 1);
    const [derived] = await revealed(tenant);
    let calls = 0;
    const failing = {
      getByName: (name: string) => ({
        erase: (ulid: string) => (++calls === 2 ? lost() : env.EVENT_LOG.getByName(name).erase(ulid)),
      }),
    };
    const init = { method: "DELETE", headers: { Authorization: `Bearer ${env.OPERATOR_KEY}` } };
    const path = `/v1/tenants/${tenant}/events/${event.id}/content`;
    const answer = await app.request(path, init, { ...env, EVENT_LOG: failing });
    expect([answer.status, calls]).toEqual([503, 2]);
    expect(JSON.stringify((await eventOf(tenant, derived.id)).data)).toContain(SECRET);
    expect((await erase(tenant, event.id)).status).toBe(204);
    expect((await eventOf(tenant, derived.id)).data).toBeNull();
    expect(await stored(entity)).not.toContain(SECRET);
  });
});

describe("what is remembered for it", () => {
  it("is a row for what is revealed, and none for any other event", async ({ expect }) => {
    const { tenant } = await world();
    await newSignal(tenant, { once: true }, { emit: "hot" });
    await post(tenant, "other", lead());
    await emitted(tenant, seen("acme.com"));
    const rows = () =>
      runInDurableObject(logObject(tenant) as unknown as DurableObjectStub, (_, { storage }) =>
        storage.sql.exec("SELECT * FROM derived").toArray(),
      );
    expect(await rows()).toEqual([]);
    const event = await post(tenant, "new_lead", lead());
    await until("the contacts", async () => (await revealed(tenant)).length === 1);
    const [derived] = await revealed(tenant);
    await until("the note", async () => (await rows()).length > 0);
    expect(await rows()).toEqual([{ source: event.id.slice(4), ulid: derived.id.slice(4) }]);
  });
});
