import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, describe, it, vi } from "vitest";
import { accept, acceptAll, type Posted } from "../../src/accept/accept";
import type { Env } from "../../src/contracts/env";
import { LOG_FULL } from "../../src/contracts/event-log";
import { eventLogStub } from "../../src/contracts/find";
import { ancestorsOf, homeOf } from "../../src/contracts/shards";
import { Announcer } from "../../src/event-log/announce";
import { Journal } from "../../src/event-log/journal/journal";
import { merged } from "../../src/event-log/list";
import { EventLog } from "../../src/event-log/object";
import { busyWith, Growth, MOST_BUSY, wantedShards } from "../../src/event-log/shards/growth";
import { type EventRef, eventId, logName, parseEventId } from "../../src/lib/ids";
import { Sql } from "../../src/lib/sql";
import { addDays, DAY, type Day, dayOf, dayStart, SECOND } from "../../src/lib/time";
import { type Answered, call, fresh, newEndpoint, newReceiver, newTenant, until } from "../lib/api";
import { holdsAsync } from "../lib/property";
import { endpointObject } from "../send/harness";

const { leastShards, mostBytes } = EventLog;
afterEach(() => {
  Object.assign(EventLog, { leastShards, mostBytes });
  vi.useRealTimers();
  vi.restoreAllMocks();
});

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
    // Lists look at the shards that the first one knows of.
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

describe("the home of a key", () => {
  it("stays or moves by as many as there were when the number doubles, so its ancestors are all it may have had", ({
    expect,
  }) => {
    for (let i = 0; i < 500; i++) {
      const homes = [1, 2, 4, 8, 16, 32].map((shards) => homeOf(`key-${i}`, shards));
      for (const [level, home] of homes.entries()) {
        expect(home).toBeLessThan(2 ** level);
        expect([home, ...ancestorsOf(home)]).toEqual(expect.arrayContaining(homes.slice(0, level)));
      }
    }
    expect(ancestorsOf(0)).toEqual([]);
    expect(ancestorsOf(13)).toEqual([5, 1, 0]);
  });

  it("is spread over all shards", ({ expect }) => {
    const counts = new Map<number, number>();
    for (let i = 0; i < 3_200; i++) {
      const home = homeOf(`key-${i}`, 32);
      counts.set(home, (counts.get(home) ?? 0) + 1);
    }
    expect(counts.size).toBe(32);
    expect(Math.max(...counts.values())).toBeLessThan(200);
  });
});

describe("the number of shards", () => {
  it("doubles when a shard is busy, and with what is used, and never beyond 32", ({ expect }) => {
    expect(wantedShards(1, MOST_BUSY, 0)).toBe(1);
    expect(wantedShards(4, MOST_BUSY + 0.01, 0)).toBe(8);
    expect([0.01, 0.07, 0.13, 0.2, 0.26, 0.4, 1].map((used) => wantedShards(1, 0, used))).toEqual([
      1, 2, 4, 8, 16, 32, 32,
    ]);
    expect(wantedShards(32, 10 * MOST_BUSY, 1)).toBe(32);
  });

  it("goes by commits, which events share that come together", ({ expect }) => {
    expect(busyWith(150, 150, SECOND)).toBeLessThan(MOST_BUSY);
    expect(busyWith(160, 160, SECOND)).toBeGreaterThan(MOST_BUSY);
    expect(busyWith(40, 1_500, SECOND)).toBeLessThan(MOST_BUSY);
    expect(busyWith(40, 2_000, SECOND)).toBeGreaterThan(MOST_BUSY);
  });

  it("follows a rate that lasts, not a burst, and waits until it is gone by", ({ expect }) => {
    const growth = new Growth();
    const numbers: number[] = [];
    let shards = 1;
    const play = (from: number, seconds: number, perSecond: number, together = 1) => {
      for (let i = 0; i < seconds * perSecond; i++) {
        if (i % together === 0) growth.committed();
        shards = growth.after(1, shards, () => 0, from + (i * SECOND) / perSecond);
      }
      numbers.push(shards);
    };
    play(1_000_000, 5, 1_000);
    play(1_600_000, 40, 75);
    play(1_700_000, 40, 1_000, 20);
    play(1_800_000, 20, 600);
    play(1_820_000, 20, 600);
    expect(numbers).toEqual([1, 1, 1, 2, 4]);
  });
});

describe("pages of shards", () => {
  const page = (ulids: string[], next: string | null = null) => ({
    events: ulids.map((ulid) => ({ ulid, event: "e", timestamp: 0 })),
    looked: ulids.length,
    next,
  });

  it("are merged by time, and end where one of them does not know what comes next", ({ expect }) => {
    const ulids = (merge: ReturnType<typeof merged>) => merge.events.map(({ ulid }) => ulid);
    const all = merged([page(["G", "C", "A"]), page(["H", "B"]), page([])]);
    expect([ulids(all), all.next]).toEqual([["H", "G", "C", "B", "A"], null]);
    const part = merged([page(["G", "E"], "E"), page(["H", "D"], "C"), page(["F", "A"])]);
    expect([ulids(part), part.next]).toEqual([["H", "G", "F", "E"], "E"]);
    // One that has looked at many and found little has said how far.
    const sparse = merged([page([], "D"), page(["F", "C"])]);
    expect([ulids(sparse), sparse.next]).toEqual([["F"], "D"]);
  });
});

/** What a tenant is answered, with events by the order in which they were accepted. */
class Answers {
  readonly #ids: string[] = [];

  of({ status, body }: Pick<Answered, "status" | "body">): unknown {
    if (status >= 400) return [status, body.errors?.map(({ path }: { path: string }) => path)];
    const events = Array.isArray(body.data) ? body.data : [body];
    return [
      status,
      events.map((event: { id: string; duplicate?: boolean }) => [this.index(event.id), event.duplicate]),
    ];
  }

  index(id: string): number {
    if (!this.#ids.includes(id)) this.#ids.push(id);
    return this.#ids.indexOf(id);
  }

  get ids(): readonly string[] {
    return this.#ids;
  }
}

/** What a caller may do with keys and ids, alone and in batches. */
const POSTS: { path?: string; body: object; key?: string }[] = [
  ...Array.from({ length: 12 }, (_, n) => ({ body: { event: n % 3 === 0 ? "third" : "other", data: { n } } })),
  ...Array.from({ length: 8 }, (_, n) => ({ body: { event: "keyed", data: { n } }, key: `key-${n}` })),
  ...Array.from({ length: 8 }, (_, n) => ({ body: { event: "keyed", data: { n } }, key: `key-${n}` })),
  { body: { event: "keyed", data: { other: true } }, key: "key-3" },
  ...Array.from({ length: 6 }, (_, n) => ({ body: { event: "named", data: { n }, id: `id-${n}` } })),
  // An id beside a key, the same under another key, with other data, and under the id alone.
  { body: { event: "both", data: {}, id: "own" }, key: "beside" },
  { body: { event: "both", data: {}, id: "own" }, key: "another" },
  { body: { event: "both", data: { x: 1 }, id: "own" }, key: "third" },
  { body: { event: "both", data: {}, id: "own" } },
  {
    path: "/batch",
    body: { events: Array.from({ length: 9 }, (_, n) => ({ event: "batch", data: { n }, id: `id-${n}` })) },
  },
  {
    path: "/batch",
    body: { events: Array.from({ length: 9 }, (_, n) => ({ event: "named", data: { n }, id: `id-${n}` })) },
  },
  {
    path: "/batch",
    body: { events: Array.from({ length: 3 }, (_, n) => ({ event: "b", data: { n } })) },
    key: "whole",
  },
  {
    path: "/batch",
    body: { events: Array.from({ length: 3 }, (_, n) => ({ event: "b", data: { n } })) },
    key: "whole",
  },
  { path: "/batch", body: { events: [{ event: "b", data: {} }] }, key: "whole" },
  {
    path: "/batch",
    body: { events: Array.from({ length: 3 }, (_, n) => ({ event: "c", data: { n }, id: `in-${n}` })) },
    key: "with ids",
  },
  { body: { event: "c", data: { n: 2 }, id: "in-2" } },
  { body: { event: "c", data: { n: 7 }, id: "in-2" }, key: "once more" },
];

/** Plays all of it for a tenant whose days begin with so many shards, at times of the test's own. */
async function play(shards: number) {
  EventLog.leastShards = shards;
  vi.useFakeTimers({ toFake: ["Date"] });
  const noon = dayStart(dayOf(Date.now())) + DAY / 2;
  vi.setSystemTime(noon);
  const tenant = await newTenant();
  const { url } = await newReceiver();
  // Nothing is sent, so that all that is answered is the log's.
  const endpoint = await newEndpoint(tenant, url, { events: ["third"], enabled: false });
  const events = `/v1/tenants/${tenant}/events`;
  const answers = new Answers();
  const told: unknown[] = [];
  for (const [i, { path = "", body, key }] of POSTS.entries()) {
    vi.setSystemTime(noon + (i + 1) * SECOND);
    told.push(answers.of(await call("POST", events + path, body, key === undefined ? {} : { "Idempotency-Key": key })));
  }
  const pages = async (query: string) => {
    const found: number[][] = [];
    let cursor = "";
    do {
      const { body, text } = await call("GET", `${events}?${query}${cursor}`);
      if (body.data === undefined) throw new Error(text);
      found.push(body.data.map(({ id }: { id: string }) => answers.index(id)));
      cursor = body.nextCursor === null ? "" : `&cursor=${body.nextCursor}`;
    } while (cursor !== "");
    return found;
  };
  const until = new Date(noon + 9 * SECOND).toISOString();
  const lists = [await pages("limit=7"), await pages("limit=250"), await pages(`limit=3&until=${until}`)];
  const ofType = (await pages("limit=2&event=third")).flat();
  // The next day: repeats within 24 hours, from its own shards.
  vi.setSystemTime(noon + DAY / 2 + SECOND);
  const nextDay: unknown[] = [];
  for (const { path = "", body, key } of POSTS.slice(10)) {
    nextDay.push(
      answers.of(await call("POST", events + path, body, key === undefined ? {} : { "Idempotency-Key": key })),
    );
  }
  const added = await newEndpoint(tenant, url, { events: ["third", "batch"], enabled: false });
  const replays: unknown[] = [];
  for (const index of lists[1]?.flat() ?? []) {
    const { status, body } = await call("POST", `${events}/${answers.ids[index]}/replay`);
    const name = (id: string) => (id === endpoint.id ? "first" : id === added.id ? "added" : id);
    replays.push([
      status,
      body.deliveries?.map((one: { endpoint: string; action: string }) => [name(one.endpoint), one.action]),
    ]);
  }
  const logs = new Set(answers.ids.map((id) => logName(parseEventId(id) as EventRef)));
  return { tenant, told, lists, ofType, nextDay, replays, logs: logs.size, ids: answers.ids, endpoint, noon };
}

describe("a tenant whose day has four shards", () => {
  it("is answered, listed, refused and replayed as one whose day has one", { timeout: 240_000 }, async ({ expect }) => {
    const { tenant: _, logs: oneLog, ids: __, endpoint: ___, noon: ____, ...one } = await play(1);
    const { tenant, logs, ids, endpoint: _____, noon, ...four } = await play(4);
    expect(four).toEqual(one);
    expect(oneLog).toBe(2);
    expect(logs).toBeGreaterThanOrEqual(5);
    // Each is read by its id.
    for (const id of ids) expect((await call("GET", `/v1/tenants/${tenant}/events/${id}`)).body.id).toBe(id);
    // Erasure empties them all; nothing says that they were there.
    expect((await call("DELETE", `/v1/tenants/${tenant}`)).status).toBe(204);
    for (const shard of [0, 1, 2, 3]) {
      expect(await eventLogStub(env as Env, tenant, dayOf(noon), shard).holds(), String(shard)).toBe(false);
    }
  });

  it("loses nothing when no message leaves: each shard hands over what it has", async ({ expect }) => {
    EventLog.leastShards = 4;
    const tenant = await newTenant();
    const receiver = await newReceiver();
    const { id } = await newEndpoint(tenant, receiver.url);
    vi.spyOn(Announcer.prototype, "leaves").mockReturnValue(false);
    const out = vi.spyOn(env.DELIVERIES, "sendBatch").mockRejectedValue(new Error("Queues is out"));
    const posted: Answered["body"][] = [];
    for (let i = 0; i < 24; i++) {
      posted.push((await call("POST", `/v1/tenants/${tenant}/events`, { event: "e", data: { i } })).body);
    }
    const days = new Set(posted.map((event) => logName(parseEventId(event.id) as EventRef)));
    expect(days.size).toBe(4);
    out.mockRestore();
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 600 * SECOND);
    for (const name of days) {
      const log = env.EVENT_LOG.getByName(`${tenant}/${name}`) as unknown as DurableObjectStub;
      await until("the handover", async () => {
        await runDurableObjectAlarm(log);
        vi.setSystemTime(Date.now() + 60 * SECOND);
        return runInDurableObject(log, (_, { storage }) => {
          const sql = new Sql(storage.sql);
          const last = sql.first<{ ulid: string }>("SELECT max(ulid) AS ulid FROM events")?.ulid;
          return sql.first<{ confirmed: string }>("SELECT confirmed FROM state")?.confirmed === last;
        });
      });
    }
    const { records } = await endpointObject(tenant, id).look(posted.map((event) => event.deliveries[0].id));
    expect(records.filter((record) => record !== null)).toHaveLength(posted.length);
  });

  it("takes what names no key as long as any shard has room, and a key where its home has", async ({ expect }) => {
    const tenant = await newTenant();
    const day = dayOf(Date.now());
    const first = eventLogStub(env as Env, tenant, day, 0);
    // By another isolate: this one knows of one shard.
    const early = { type: "e", data: "{}", matches: [] };
    await first.append(early, undefined, 4);
    await evictDurableObject(first as unknown as DurableObjectStub);
    EventLog.mostBytes = 1;
    // As a promise of our own: whoever looks into that of a call asks for its parts, and each of them fails by itself.
    const refused = async () => first.append(early);
    await expect(refused()).rejects.toThrow(LOG_FULL);
    EventLog.mostBytes = mostBytes;
    const post = (key?: string) => {
      const headers: Record<string, string> = key === undefined ? {} : { "Idempotency-Key": key };
      return call("POST", `/v1/tenants/${tenant}/events`, { event: "e", data: {} }, headers);
    };
    const posted = await Promise.all(Array.from({ length: 24 }, () => post()));
    expect(posted.map(({ status }) => status)).toEqual(posted.map(() => 202));
    const logs = posted.map(({ body }) => logName(parseEventId(body.id) as EventRef));
    expect(new Set(logs).size).toBe(3);
    expect(logs).not.toContain(day);
    vi.spyOn(console, "error").mockImplementation(() => undefined);
    const keys = Array.from({ length: 40 }, (_, i) => `key-${i}`);
    const [home, other] = [keys.find((key) => homeOf(key, 4) === 0), keys.find((key) => homeOf(key, 4) !== 0)];
    const { status, body } = await post(home);
    expect([status, body.code]).toEqual([503, "event-log-full"]);
    expect((await post(other)).status).toBe(202);
  });

  it("is dropped once retention is over, its first shard last", async ({ expect }) => {
    EventLog.leastShards = 4;
    const tenant = await newTenant();
    const day = dayOf(Date.now());
    const logs = [0, 1, 2, 3].map((shard) => eventLogStub(env as Env, tenant, day, shard));
    for (let i = 0; i < 60; i++) await call("POST", `/v1/tenants/${tenant}/events`, { event: "e", data: { i } });
    expect(await Promise.all(logs.map((log) => log.holds()))).toEqual([true, true, true, true]);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 40 * DAY);
    const ring = (log: unknown) => runDurableObjectAlarm(log as DurableObjectStub);
    for (let i = 0; i < 3; i++) await ring(logs[0]);
    expect(await logs[0]?.holds()).toBe(true);
    await until("the day to be gone", async () => {
      vi.setSystemTime(Date.now() + DAY);
      for (const log of logs) await ring(log);
      return !(await Promise.all(logs.map((log) => log.holds()))).includes(true);
    });
  });
});

describe("keys of a shard", () => {
  it("are taken by the one that is their home, which knows those of its ancestors, and refused by others", async ({
    expect,
  }) => {
    const tenant = fresh("t");
    const day = dayOf(Date.now() + 900 * DAY);
    const log = (shard: number) => eventLogStub(env as Env, tenant, day, shard);
    const keyed = (key: string, fingerprint = "f") => ({
      type: "e",
      data: "{}",
      matches: [],
      idempotency: { key, fingerprint },
    });
    const keys = Array.from({ length: 40 }, (_, i) => `k-${i}`);
    const [moving = "", unused = ""] = keys.filter((key) => homeOf(key, 4) === 3 && homeOf(key, 2) === 1);
    const staying = keys.find((key) => homeOf(key, 4) === 1) ?? "";
    const first = await log(1).append(keyed(moving), undefined, 2);
    expect(first.kind).toBe("appended");
    const ulid = "event" in first ? first.event.ulid : "";
    expect(ulid[10]).toBe("1");
    // Four by now: its new home asks the old one, which from then on takes none of those.
    expect(await log(3).append(keyed(moving), undefined, 4)).toMatchObject({ kind: "duplicate", event: { ulid } });
    expect(await log(3).append(keyed(moving, "other"), undefined, 4)).toMatchObject({ kind: "conflict" });
    expect(await log(1).append(keyed(unused), undefined, 2)).toEqual({ kind: "moved", shards: 4 });
    expect(await log(1).append(keyed(staying), undefined, 2)).toMatchObject({ kind: "appended", shards: 4 });
    expect(await log(0).append(keyed(unused), undefined, 4)).toEqual({ kind: "moved", shards: 4 });
    expect(await log(3).append(keyed(unused), undefined, 4)).toMatchObject({ kind: "appended" });
  });

  it("cost a day of one shard nothing: no call, no row and no table more", async ({ expect }) => {
    const tenant = fresh("t");
    const calls = (["claim", "find", "holds"] as const).map((name) => vi.spyOn(EventLog.prototype, name));
    const log = eventLogStub(env as Env, tenant, dayOf(Date.now() + 900 * DAY));
    const result = await log.append({ type: "e", data: "{}", matches: [] }, undefined, 1);
    expect(result).not.toHaveProperty("shards");
    const tables = await runInDurableObject(log as unknown as DurableObjectStub, (_, { storage }) =>
      new Sql(storage.sql).all<{ name: string }>("SELECT name FROM sqlite_master WHERE name IN ('shards', 'claims')"),
    );
    expect(tables).toEqual([]);
    expect(calls.flatMap(({ mock }) => mock.calls)).toEqual([]);
  });
});

describe("keys while the number of shards grows", () => {
  const NAMES = ["a", "b", "c", "d", "e", "f", "g", "h"];
  let nextDay = dayOf(Date.now() + 1_000 * DAY);
  const newDay = (): Day => {
    nextDay = addDays(nextDay, 3);
    return nextDay;
  };
  /** The configuration of nobody, as an isolate has it; each remembers a number of shards of its own. */
  const isolate = (since: number) => ({ since, loadedAt: 0, subscriptions: [], automations: [], signals: [] });

  const name = fc.option(fc.constantFrom(...NAMES), { nil: undefined });
  const posted = fc.record({ id: name, idempotencyKey: name, data: fc.constantFrom("{}", '{"x":1}') });
  const step = fc.record({
    isolate: fc.integer({ min: 1, max: 3 }),
    one: fc.option(posted, { nil: undefined }),
    batch: fc.array(posted, { minLength: 1, maxLength: 4 }),
    key: name,
    grows: fc.constantFrom(false, false, false, true),
  });
  type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

  async function take(steps: readonly Step[], grow: boolean): Promise<unknown[]> {
    const now = dayStart(newDay());
    const ids: string[] = [];
    const index = (ulid: string) => (ids.includes(ulid) ? ids.indexOf(ulid) : ids.push(ulid) - 1);
    const told: unknown[] = [];
    EventLog.leastShards = 1;
    const eventOf = ({
      id,
      idempotencyKey,
      data,
    }: typeof posted extends fc.Arbitrary<infer P> ? P : never): Posted => ({
      type: "e",
      data,
      ...(id === undefined ? {} : { id }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    });
    for (const [i, { isolate: at, one, batch, key, grows }] of steps.entries()) {
      if (grows && grow) EventLog.leastShards = Math.min(EventLog.leastShards * 2, 32);
      // An isolate that knows nothing begins at the first shard, which then says how many there shall be.
      if (grows) await accept(env as Env, "operator", isolate(100 + i + now), { type: "e", data: "{}" }, now);
      if (one !== undefined) {
        const answer = await accept(env as Env, "operator", isolate(at), eventOf(one), now);
        told.push("event" in answer ? [answer.kind, index(answer.event.ulid)] : answer);
        continue;
      }
      const events = batch.map(({ idempotencyKey: _, ...rest }) => eventOf({ ...rest, idempotencyKey: undefined }));
      const answer = await acceptAll(env as Env, "operator", isolate(at), events, key, now);
      told.push(
        answer.kind === "accepted"
          ? answer.events.map(({ event, duplicate }) => [index(event.ulid), duplicate])
          : answer,
      );
    }
    return told;
  }

  it("are decided over as by one shard, whatever is posted and whoever knows which number", {
    timeout: 240_000,
  }, async ({ expect }) => {
    await holdsAsync(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        expect(await take(steps, true)).toEqual(await take(steps, false));
      }),
      30,
      60 * SECOND,
    );
  });

  it("are used once by requests at the same time, whichever number each goes by and whatever else they name", async ({
    expect,
  }) => {
    for (let round = 0; round < 6; round++) {
      const now = dayStart(newDay());
      EventLog.leastShards = 1;
      await accept(env as Env, "operator", isolate(1), { type: "e", data: "{}" }, now);
      for (const least of [2, 4, 8]) {
        EventLog.leastShards = least;
        await accept(env as Env, "operator", isolate(least + now), { type: "e", data: "{}" }, now);
      }
      const ids = ["p", "q", "r"].map((id) => `${id}-${round}`);
      const requests = Array.from({ length: 12 }, (_, i) => {
        const by = isolate(i % 2 === 0 ? 1 : now + [2, 4, 8][i % 3]!);
        if (i % 3 === 0)
          return accept(env as Env, "operator", by, { type: "e", data: "{}", id: ids[0] as string }, now);
        const events = ids.map((id): Posted => ({ type: "e", data: "{}", id }));
        return acceptAll(env as Env, "operator", by, i % 2 === 0 ? events : events.toReversed(), undefined, now);
      });
      // Two that name what the other is about to use wait for each other in turn.
      const ended = await Promise.all(requests);
      const again = await acceptAll(
        env as Env,
        "operator",
        isolate(1),
        ids.map((id): Posted => ({ type: "e", data: "{}", id })),
        undefined,
        now,
      );
      if (again.kind !== "accepted") throw new Error(again.kind);
      const first = new Map(ids.map((id, i) => [id, again.events[i]?.event.ulid]));
      const seen = ended.flatMap((end) => {
        if ("events" in end) return end.events.map(({ event }) => event);
        return "event" in end ? [end.event] : [];
      });
      for (const { payloadId, ulid } of seen) expect(ulid).toBe(first.get(payloadId));
    }
  });
});
