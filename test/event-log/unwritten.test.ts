import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, it, vi } from "vitest";
import { OperatorEvents } from "../../src/accept/operator-events";
import type { AppendRequest } from "../../src/contracts/event-log";
import { Endpoint } from "../../src/endpoint/object";
import { Announcer } from "../../src/event-log/announce";
import { Journal } from "../../src/event-log/journal/journal";
import { EventLog } from "../../src/event-log/object";
import { Sql } from "../../src/lib/sql";
import { addDays, DAY, dayOf, dayStart, HOUR, MINUTE, SECOND } from "../../src/lib/time";
import { type Answered, call, fresh, newEndpoint, newReceiver, newTenant, post, until } from "../lib/api";
import { endpointObject, logObject } from "../send/harness";
import { logged, newSignal, observe, seen } from "../signals/world";

const { mostBytes } = EventLog;

afterEach(() => {
  EventLog.mostBytes = mostBytes;
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const stubOf = (object: unknown) => object as DurableObjectStub;
const inLog = <T>(tenant: string, use: (storage: DurableObjectStorage) => T) =>
  runInDurableObject(stubOf(logObject(tenant)), (_, { storage }) => use(storage));

/** From now on the log of today has no room, or has it again. */
async function setFull(tenant: string, full: boolean): Promise<void> {
  EventLog.mostBytes = full ? 1 : mostBytes;
  await evictDurableObject(logObject(tenant));
}

/** Writes of the log's table fail, as they do when an object has all it may have. */
async function setBroken(tenant: string, broken: boolean, table = "events", what = "INSERT"): Promise<void> {
  await inLog(tenant, ({ sql }) => {
    if (!broken) sql.exec("DROP TRIGGER broken");
    else {
      sql.exec(
        `CREATE TRIGGER broken BEFORE ${what} ON ${table}
         BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`,
      );
    }
  });
}

const send = (tenant: string, body: object, key?: string) =>
  call("POST", `/v1/tenants/${tenant}/events`, body, key === undefined ? {} : { "Idempotency-Key": key });
const sendAll = (tenant: string, events: object[]) => call("POST", `/v1/tenants/${tenant}/events/batch`, { events });

const EVENT = { event: "lead.hot", data: { a: 1 } };

describe.for([
  ["that is full", setFull, /full/, HOUR / SECOND],
  ["that cannot write", setBroken, /could not write/, MINUTE / SECOND],
] as const)("a log %s", ([, set, why, longest]) => {
  const isRefusal = (answer: Answered) =>
    answer.status === 503 &&
    answer.headers.get("Content-Type") === "application/problem+json" &&
    why.test(answer.body.detail) &&
    Number(answer.headers.get("Retry-After")) >= 1 &&
    Number(answer.headers.get("Retry-After")) <= longest;

  it("accepts nothing, says so with 503, and goes on once it can", async ({ expect }) => {
    const tenant = await newTenant();
    await post(tenant);
    await set(tenant, true);
    const answers = [
      await send(tenant, EVENT),
      await send(tenant, EVENT, "new"),
      ...(await Promise.all([1, 2, 3].map((n) => send(tenant, { ...EVENT, data: { n } })))),
      await sendAll(tenant, [EVENT, EVENT]),
      await sendAll(tenant, [{ ...EVENT, id: "mine" }, EVENT]),
    ];
    expect(answers.map((answer) => isRefusal(answer) || answer.text)).toEqual(answers.map(() => true));
    expect(await logged(tenant)).toHaveLength(1);
    await set(tenant, false);
    expect((await send(tenant, EVENT, "new")).status).toBe(202);
    expect((await sendAll(tenant, [{ ...EVENT, id: "mine" }, EVENT])).status).toBe(202);
    expect(await logged(tenant)).toHaveLength(4);
  });

  it("still answers the first event to a repeat, alone and in a batch", async ({ expect }) => {
    const tenant = await newTenant();
    const first = await send(tenant, EVENT, "k");
    const batch = await sendAll(tenant, [
      { ...EVENT, id: "a" },
      { ...EVENT, id: "b" },
    ]);
    await set(tenant, true);
    const repeat = await send(tenant, EVENT, "k");
    expect([repeat.status, repeat.body.id]).toEqual([200, first.body.id]);
    expect((await send(tenant, { ...EVENT, data: {} }, "k")).status).toBe(422);
    const again = await sendAll(tenant, [
      { ...EVENT, id: "b" },
      { ...EVENT, id: "a" },
    ]);
    expect(again.status).toBe(200);
    const ids = ({ body }: Answered) => body.data.map(({ id }: { id: string }) => id);
    expect(ids(again)).toEqual(ids(batch).toReversed());
  });

  it("adds no deliveries to an event, and a replay resends nothing", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await post(tenant);
    const receiver = await newReceiver();
    await newEndpoint(tenant, receiver.url);
    if (set === setFull) await setFull(tenant, true);
    else await setBroken(tenant, true, "events", "UPDATE");
    const path = `/v1/tenants/${tenant}/events/${id}`;
    const refused = await call("POST", `${path}/replay`);
    expect(isRefusal(refused) || refused.text).toBe(true);
    expect((await call("GET", path)).body.deliveries).toEqual([]);
    expect(await inLog(tenant, ({ sql }) => sql.exec("SELECT * FROM unconfirmed").toArray())).toEqual([]);
    await set(tenant, false);
    expect((await call("POST", `${path}/replay`)).status).toBe(202);
    await receiver.arrived();
  });

  it("is out of reach for signals: what fired is emitted later, once", async ({ expect }) => {
    const tenant = await newTenant();
    await newSignal(tenant, { once: true });
    await post(tenant);
    await set(tenant, true);
    const refused = await observe(tenant, seen("acme.com"), { "Idempotency-Key": "k" });
    expect(isRefusal(refused) || refused.text).toBe(true);
    await set(tenant, false);
    const repeat = await observe(tenant, seen("acme.com"), { "Idempotency-Key": "k" });
    expect(repeat.body.events.map(({ event }: { event: string }) => event)).toEqual(["it.fired"]);
    await observe(tenant, seen("acme.com"));
    expect((await logged(tenant)).map(({ event }) => event)).toEqual(["lead.hot", "it.fired"]);
  });

  it("is out of reach for operator events: the endpoint keeps them", async ({ expect }) => {
    const tenant = await newTenant();
    const { id } = await newEndpoint(tenant, (await newReceiver()).url);
    const kept = () =>
      runInDurableObject(stubOf(endpointObject(tenant, id)), (_, { storage }) =>
        storage.sql.exec("SELECT id FROM outbox").toArray(),
      );
    await newEndpoint("operator", (await newReceiver()).url, { events: ["endpoint.disabled"] });
    await send("operator", EVENT);
    await set("operator", true);
    const before = (await logged("operator")).length;
    const tell = vi.spyOn(OperatorEvents.prototype, "tell");
    await call("PATCH", `/v1/tenants/${tenant}/endpoints/${id}`, { enabled: false });
    await until("the log to refuse", async () => tell.mock.settledResults[0]?.type === "rejected");
    expect(await kept()).toHaveLength(1);
    expect(await logged("operator")).toHaveLength(before);
    await set("operator", false);
    vi.useFakeTimers({ toFake: ["Date"] });
    await until("the outbox to be empty", async () => {
      vi.setSystemTime(Date.now() + 10 * SECOND);
      await runDurableObjectAlarm(endpointObject(tenant, id));
      return (await kept()).length === 0;
    });
    expect((await logged("operator")).at(-1)?.event).toBe("endpoint.disabled");
  });
});

describe("a full log", () => {
  it("asks callers to wait until the next day begins, and an hour at most", async ({ expect }) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const midnight = dayStart(addDays(dayOf(Date.now()), 3));
    vi.setSystemTime(midnight - 6 * HOUR);
    const tenant = await newTenant();
    await post(tenant);
    await setFull(tenant, true);
    const wait = async () => (await send(tenant, EVENT)).headers.get("Retry-After");
    expect(await wait()).toBe("3600");
    vi.setSystemTime(midnight - 90 * SECOND);
    expect(await wait()).toBe("90");
  });
});

// Far enough ahead that the object's own alarm has nothing to do.
const DAY_OF_TEST = dayOf(Date.now() + 400 * DAY);
const T0 = dayStart(DAY_OF_TEST);
const REQUEST: AppendRequest = { type: "e", data: "{}", matches: [{ endpoint: "ep_a" }] };

describe("what a log remembers", () => {
  /** What it answers, partly from memory. */
  const facts = (journal: Journal) => {
    const { refs, left, turn, upTo } = journal.pointer.handover(T0 + DAY);
    const handed = refs.get("ep_a")?.map(({ id }) => id) ?? [];
    const next = journal.pointer.next(T0 + DAY, 300 * SECOND);
    const { sealed } = journal;
    const retire = journal.ending.retire()?.upTo;
    return { sealed, first: handed[0], handed: handed.length, left: left.size, turn, upTo, next, retire };
  };

  it.for([
    ["seal", "state", (journal: Journal) => journal.seal()],
    ["confirm", "state", (journal: Journal) => journal.pointer.confirm(journal.pointer.handover(T0 + DAY), new Set())],
    [
      "leave",
      "unconfirmed",
      (journal: Journal) => journal.pointer.confirm(journal.pointer.handover(T0 + DAY), new Set(["ep_a"])),
    ],
    ["retire", "state", (journal: Journal) => journal.ending.retired({ endpoints: new Set(), upTo: "7" })],
    ["append", "events", (journal: Journal) => journal.append(REQUEST, T0 + HOUR)],
  ] as const)("is what is stored after %s could not be written", ([, table, change], { expect }) => {
    const stub = env.EVENT_LOG.getByName(`${fresh("t")}/${DAY_OF_TEST}`) as unknown as DurableObjectStub;
    return runInDurableObject(stub, (_, { storage }) => {
      const { sql } = storage;
      const journal = new Journal(new Sql(sql), DAY_OF_TEST);
      for (let i = 0; i < 600; i++) journal.append(REQUEST, T0);
      // More than a page is left, so that whose turn it is matters.
      for (let i = 0; i < 2; i++) journal.pointer.confirm(journal.pointer.handover(T0 + DAY), new Set(["ep_a"]));
      journal.append(REQUEST, T0 + MINUTE);
      const before = facts(journal);
      for (const what of ["INSERT", "UPDATE", "DELETE"]) {
        sql.exec(`CREATE TRIGGER broken_${what} BEFORE ${what} ON ${table} BEGIN SELECT RAISE(ABORT, 'full'); END`);
      }
      expect(() => storage.transactionSync(() => change(journal))).toThrow("full");
      for (const what of ["INSERT", "UPDATE", "DELETE"]) sql.exec(`DROP TRIGGER broken_${what}`);
      expect(facts(journal)).toEqual(before);
      expect(journal.append(REQUEST, T0).kind).toBe("appended");
    });
  });

  it("is nothing of a batch that failed in its middle", async ({ expect }) => {
    const tenant = await newTenant();
    const first = await post(tenant);
    await inLog(tenant, ({ sql }) =>
      sql.exec(
        `CREATE TRIGGER broken BEFORE INSERT ON events WHEN new.data = '{"n":2}'
         BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`,
      ),
    );
    const batch = [1, 2, 3].map((n) => ({ event: "lead.hot", data: { n }, id: `id-${n}` }));
    expect((await sendAll(tenant, batch)).status).toBe(503);
    expect((await logged(tenant)).map(({ id }) => id)).toEqual([first.id]);
    await inLog(tenant, ({ sql }) => sql.exec("DROP TRIGGER broken"));
    const again = await sendAll(tenant, batch);
    expect(again.status).toBe(202);
    expect((await logged(tenant)).map(({ id }) => id)).toEqual([
      first.id,
      ...again.body.data.map(({ id }: { id: string }) => id),
    ]);
  });

  it("is not half of its tables: an object that could not make them all makes them again", async ({ expect }) => {
    const real = Sql.prototype.all;
    let came = 0;
    for (let statement = 0; statement < 12; statement++) {
      const log = logObject(fresh("t"));
      let left = statement;
      const all = vi.spyOn(Sql.prototype, "all").mockImplementation(function (this: Sql, ...args) {
        if (left-- === 0) throw new Error("database or disk is full");
        return real.apply(this, args) as never;
      });
      const failed = await log.append(REQUEST).then(
        () => false,
        () => true,
      );
      all.mockRestore();
      if (failed) came++;
      const { event } = (await log.append(REQUEST)) as unknown as { event: { ulid: string } };
      expect((await log.read([event.ulid]))[0], String(statement)).not.toBeNull();
    }
    expect(came).toBeGreaterThan(8);
  });
});

describe("a handover that cannot be noted", () => {
  it("is repeated after a rest, not at once, and then noted", async ({ expect }) => {
    const tenant = await newTenant();
    await newEndpoint(tenant, (await newReceiver()).url);
    vi.spyOn(Announcer.prototype, "leaves").mockReturnValue(false);
    vi.spyOn(env.DELIVERIES, "sendBatch").mockRejectedValue(new Error("Queues is out"));
    await post(tenant);
    const log = logObject(tenant);
    const alarm = () => runInDurableObject(stubOf(log), (_, { storage }) => storage.getAlarm());
    await setBroken(tenant, true, "state", "UPDATE");
    const adopt = vi.spyOn(Endpoint.prototype, "adopt");
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 6 * MINUTE);
    for (let i = 1; i <= 3; i++) {
      await runDurableObjectAlarm(log);
      expect(adopt).toHaveBeenCalledTimes(i);
      expect(await alarm()).toBeGreaterThanOrEqual(Date.now() + 300 * SECOND);
      vi.setSystemTime((await alarm()) as number);
    }
    await setBroken(tenant, false);
    await runDurableObjectAlarm(log);
    // What is left for it is the end of retention.
    expect(await alarm()).toBeGreaterThan(Date.now() + 20 * DAY);
    expect(adopt).toHaveBeenCalledTimes(4);
  });
});
