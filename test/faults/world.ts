import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { app } from "../../src/api/app";
import type { Attempt, DeliveryStatus } from "../../src/contracts/delivery";
import { Ledger } from "../../src/endpoint/ledger";
import { afterFailure, type FailureWindow, PARTS } from "../../src/endpoint/policy/failure-window";
import { Announcer } from "../../src/event-log/announce";
import { Sql } from "../../src/lib/sql";
import { DAY, dayOf, dayStart, HOUR, MINUTE } from "../../src/lib/time";
import { consume } from "../../src/send/consumer";
import { consumeDeadLetters } from "../../src/send/dead-letters";
import { call, newEndpoint, newTenant } from "../lib/api";
import { Doom, type Fault } from "./doom";

export const SCHEDULE = [30, 120, 600];
const DISABLE_AFTER = 7 * 86_400;
/** The step in which the log puts an event's messages onto the queue. */
const TO_QUEUE = "queue.sendBatch";
/** As in wrangler.toml. */
const MAX_RETRIES = 10;

/** How the receivers answer. */
export type Mood = "well" | "badly" | "not at all" | "gone";

interface Message {
  id: number;
  queue: string;
  body: unknown;
  attempts: number;
}

interface Promised {
  id: string;
  endpoint: string;
  /** Its success is recorded. */
  succeeded: boolean;
  requests: number;
}

interface Row {
  id: string;
  status: DeliveryStatus;
  due: number | null;
  log: string;
}

/** Methods of the ledger that change it, in whose middle an error may come. */
export type Change = "admit" | "record" | "adopt" | "release";

/**
 * The whole of Posthorn (API, consumer, objects, D1) with a queue, receivers and a clock of the test's. The clock runs
 * far in the future, so that no alarm of the objects goes off by itself: each is run by the test.
 */
export class World {
  /** Events are left to whoever posts them, as those of an idle log are, and alarms have sent what is little; else all go by the queue. */
  direct = false;
  readonly queue: Message[] = [];
  readonly dead: Message[] = [];
  mood: Mood = "well";
  /** What the next send to a queue does: it fails, or it fails when half of its messages are taken. */
  queueFails: "wholly" | "partly" | null = null;
  /** In which change of an endpoint's ledger, and at which of its statements, the next error comes. */
  sqlFails: { change: Change; statement: number } | null = null;
  /** How many of these errors have come: a change may have fewer statements. */
  sqlErrors = 0;
  d1Fails = false;
  /** What must never happen, and did. */
  readonly violations: string[] = [];
  readonly promised = new Map<string, Promised>();
  readonly tenant: string;
  readonly endpoints: string[] = [];
  /** Since when each endpoint's window is counted: it was enabled then. */
  readonly #clearedAt = new Map<string, number>();
  readonly #days = new Set<string>();
  /** The post under way, whose messages the log puts onto the queue. */
  #posting: Doom | null = null;
  #serial = 0;

  private constructor(tenant: string) {
    this.tenant = tenant;
  }

  static async create(endpoints = 2): Promise<World> {
    vi.useFakeTimers({ toFake: ["Date"] });
    // The middle of a day, so that a short test has one log.
    vi.setSystemTime(dayStart(dayOf(Date.now() + 400 * DAY)) + 6 * HOUR);
    const world = new World(await newTenant());
    const leaves = Announcer.prototype.leaves;
    vi.spyOn(Announcer.prototype, "leaves").mockImplementation(function (this: Announcer) {
      return world.direct && leaves.call(this);
    });
    const retry = Ledger.prototype.retry;
    vi.spyOn(Ledger.prototype, "retry").mockImplementation(function (this: Ledger, now) {
      return world.direct ? retry.call(this, now) : [];
    });
    world.#playQueue();
    world.#playReceivers();
    world.#playStatements();
    world.#playD1();
    for (let i = 0; i < endpoints; i++) {
      const fields = { retry: SCHEDULE, disableAfter: DISABLE_AFTER };
      const { id } = await newEndpoint(world.tenant, `http://receiver.test/${i}`, fields);
      world.endpoints.push(id);
    }
    return world;
  }

  /** Ends the world: clock and bindings are real again. */
  static end(): void {
    vi.restoreAllMocks();
    vi.useRealTimers();
  }

  pass(ms: number): void {
    vi.setSystemTime(Date.now() + ms);
  }

  /** Posts an event. Answers the status, or `killed`, and how many steps it took. */
  async post(
    key: string,
    fault: Fault | null = null,
    data: object = {},
  ): Promise<{ status: number | "killed"; doom: Doom }> {
    const doom = new Doom(fault);
    // Not so soon after another that the log gathers their messages: when they are sent is a step of the post.
    this.pass(100);
    this.#days.add(dayOf(Date.now()));
    const request = new Request(`https://posthorn.test/v1/tenants/${this.tenant}/events`, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${env.OPERATOR_KEY}`,
        "Content-Type": "application/json",
        "Idempotency-Key": key,
      },
      body: JSON.stringify({ event: "lead.hot", data }),
    });
    this.#posting = doom;
    const rests: Promise<unknown>[] = [];
    const context = { waitUntil: (rest: Promise<unknown>) => rests.push(rest) } as unknown as ExecutionContext;
    const handled = Promise.resolve(app.fetch(request, doom.bindings(env), context));
    const response = await doom.run(handled);
    if (response !== "killed") {
      const answer = (await response.json()) as { deliveries?: { id: string; endpoint: string }[] };
      this.promise([answer]);
    }
    // What goes on after the answer may die too.
    for (let rest = rests.shift(); rest !== undefined; rest = rests.shift()) await doom.run(rest);
    this.#posting = null;
    return { status: response === "killed" ? response : response.status, doom };
  }

  /** Events have been accepted: from now on their deliveries are owed. */
  promise(events: readonly { deliveries?: { id: string; endpoint: string }[] }[]): void {
    this.#days.add(dayOf(Date.now()));
    for (const { id, endpoint } of events.flatMap(({ deliveries = [] }) => deliveries)) {
      if (!this.promised.has(id)) this.promised.set(id, { id, endpoint, succeeded: false, requests: 0 });
    }
  }

  /** Delivers a batch: up to `count` messages, beginning with the one at `from`. Answers what became of the invocation. */
  async consume(from = 0, count = 10, fault: Fault | null = null): Promise<Doom> {
    const doom = new Doom(fault);
    const at = this.queue.length === 0 ? 0 : from % this.queue.length;
    const next = this.queue.slice(at, at + count);
    // A batch is of one queue.
    const taken = next.filter(({ queue }) => queue === next[0]?.queue);
    for (const message of taken) this.queue.splice(this.queue.indexOf(message), 1);
    if (taken[0] !== undefined) await this.#invoke(taken[0].queue, taken, this.queue, doom);
    return doom;
  }

  /** The dead letters' consumer takes in what there is. */
  async consumeDead(): Promise<void> {
    const taken = this.dead.splice(0);
    if (taken.length > 0) await this.#invoke("deliveries-dead", taken, this.dead, new Doom(null));
  }

  async #invoke(queue: string, taken: Message[], backTo: Message[], doom: Doom): Promise<void> {
    const back = new Set<Message>();
    const acked = new Set<Message>();
    const messages = taken.map((message) => ({
      id: String(message.id),
      timestamp: new Date(),
      body: message.body,
      attempts: message.attempts,
      ack: () => acked.add(message),
      retry: () => back.add(message),
    }));
    const batch = { queue, messages, ackAll() {}, retryAll() {} } as unknown as MessageBatch;
    const bindings = doom.bindings(env);
    const rests: Promise<unknown>[] = [];
    const worker = queue.endsWith("-dead")
      ? consumeDeadLetters(batch, bindings)
      : consume(batch, bindings, (rest) => rests.push(rest));
    const fate = await doom.run(worker.then(() => "done" as const));
    for (const message of taken) {
      // Whether the acks of an invocation that is killed count is not said anywhere: they do not here.
      if (fate !== "killed" && !(back.has(message) && !acked.has(message))) continue;
      const again = { ...message, attempts: message.attempts + 1 };
      if (again.attempts > MAX_RETRIES && backTo === this.queue) this.dead.push({ ...again, attempts: 1 });
      else backTo.push(again);
    }
    // What outlasts the batch dies with it too, but the acks count.
    await doom.run(Promise.all(rests));
  }

  /** The alarm of an endpoint goes off, due or not. */
  async alarm(i: number): Promise<void> {
    await runDurableObjectAlarm(this.#endpoint(i));
  }

  /** The alarms of the logs go off. */
  async reconcile(): Promise<void> {
    for (const log of this.#logs()) await runDurableObjectAlarm(log);
  }

  async evict(i: number): Promise<void> {
    // Only what runs can be evicted.
    await this.#endpoint(i).look([]);
    await evictDurableObject(this.#endpoint(i));
  }

  async evictLogs(): Promise<void> {
    for (const log of this.#logs()) {
      await log.read([]);
      try {
        await evictDurableObject(log);
      } catch (error) {
        // The runner lets no object go that an invocation which was killed still holds; it stays as it is.
        if (!String(error).includes("active references")) throw error;
      }
    }
  }

  async enable(i: number, enabled: boolean): Promise<void> {
    const path = `/v1/tenants/${this.tenant}/endpoints/${this.endpoints[i]}`;
    const before = (await call("GET", `${path}/health`)).body.state;
    const { status } = await call("PATCH", path, { enabled });
    this.pass(1_000);
    if (status === 200 && enabled && before === "disabled")
      this.#clearedAt.set(this.endpoints[i] as string, Date.now() - 1_000);
  }

  /** What must hold at any time. */
  async check(): Promise<void> {
    const { d1Fails } = this;
    this.d1Fails = false;
    await this.#check();
    this.d1Fails = d1Fails;
  }

  async #check(): Promise<void> {
    const owned = await this.#ownedByLogs();
    for (const [i, endpoint] of this.endpoints.entries()) {
      const rows = await this.#rows(i);
      for (const promised of this.promised.values()) {
        if (promised.endpoint !== endpoint) continue;
        const row = rows.find(({ id }) => id === promised.id);
        if (row === undefined && !owned(promised.id)) this.violations.push(`${promised.id} is owned by nobody`);
        const unfinished = row?.status === "pending" || row?.status === "retrying";
        if (unfinished && row?.due === null) this.violations.push(`${promised.id} is ${row?.status} and never due`);
        if (promised.succeeded && row?.status !== "succeeded") {
          this.violations.push(`${promised.id} had succeeded and is ${row?.status}`);
        }
        promised.succeeded = row?.status === "succeeded";
        // An attempt that is written down was made; and nothing is written down twice.
        const attempts = row === undefined ? [] : (JSON.parse(row.log) as Attempt[]);
        if (new Set(attempts.map(({ id }) => id)).size !== attempts.length || attempts.length > promised.requests) {
          this.violations.push(`${promised.id} has ${attempts.length} attempts of ${promised.requests} requests`);
        }
      }
      await this.#checkWindow(i, rows);
    }
    if (this.violations.length > 0) throw new Error(this.violations.join("\n"));
  }

  /** The failure window is the one that the attempts which are written down make. */
  async #checkWindow(i: number, rows: readonly Row[]): Promise<void> {
    const endpoint = this.endpoints[i] as string;
    const since = this.#clearedAt.get(endpoint) ?? 0;
    const attempts = rows.flatMap(({ log }) => JSON.parse(log) as Attempt[]).filter(({ at }) => at > since);
    let window: FailureWindow | null = null;
    let failures = 0;
    for (const { at, error } of attempts.sort((a, b) => a.at - b.at)) {
      window = error === null ? null : afterFailure(window, at, DISABLE_AFTER).window;
      failures = error === null ? 0 : failures + 1;
    }
    // Read as it is stored: asking the object for its health would load what a fault keeps from it.
    const state = await this.#state(i);
    const none = Array(PARTS).fill(false);
    const expected = JSON.stringify([window?.failingSince ?? null, failures, window?.marked ?? none]);
    const actual = JSON.stringify([
      state.window?.failingSince ?? null,
      state.failures ?? 0,
      state.window?.marked ?? none,
    ]);
    if (actual !== expected) this.violations.push(`${endpoint}: the window is ${actual} and should be ${expected}`);
  }

  /** Lets everything come to rest without further faults; then nothing may be left behind. */
  async settle(mood: Mood): Promise<void> {
    this.mood = mood;
    this.queueFails = null;
    this.sqlFails = null;
    this.d1Fails = false;
    for (let i = 0; i < this.endpoints.length; i++) {
      await this.enable(i, true);
      const path = `/v1/tenants/${this.tenant}/endpoints/${this.endpoints[i]}/recover`;
      await call("POST", path, { since: "2020-01-01T00:00:00Z", status: "held" });
    }
    for (let round = 0; round < 200; round++) {
      for (let batches = 0; this.queue.length > 0 && batches < 200; batches++) {
        await this.consume();
        this.pass(1_000);
      }
      await this.consumeDead();
      await this.check();
      const alarms = [...this.endpoints.map((_, i) => this.#endpoint(i)), ...this.#logs()];
      const times = await Promise.all(
        alarms.map((object) =>
          runInDurableObject(object as unknown as DurableObjectStub, (_, state) => state.storage.getAlarm()),
        ),
      );
      // What is further off is the end of retention.
      const near = times.filter((at) => at !== null && at < Date.now() + DAY) as number[];
      if (near.length === 0 && this.queue.length === 0) break;
      if (near.length > 0) vi.setSystemTime(Math.max(Date.now() + 1_000, Math.min(...near)));
      for (const [i, at] of times.entries()) {
        if (at !== null && at <= Date.now()) await runDurableObjectAlarm(alarms[i] as never);
      }
    }
    for (const { id, endpoint, requests } of this.promised.values()) {
      const { records } = await env.ENDPOINT.getByName(`${this.tenant}/${endpoint}`).look([id]);
      const status = records[0]?.status;
      // Failed, and only after every attempt that its schedule has.
      const failed = status === "failed" && (records[0]?.attempts ?? 0) > SCHEDULE.length;
      const rest = status === "succeeded" || failed;
      if (!rest || requests === 0) {
        throw new Error(`${id} came to rest as ${JSON.stringify(records[0])} after ${requests} requests`);
      }
    }
  }

  #endpoint(i: number) {
    return env.ENDPOINT.getByName(`${this.tenant}/${this.endpoints[i]}`);
  }

  #logs() {
    return [...this.#days].map((day) => env.EVENT_LOG.getByName(`${this.tenant}/${day}`));
  }

  #rows(i: number): Promise<Row[]> {
    return runInDurableObject(this.#endpoint(i) as unknown as DurableObjectStub, (_, state) =>
      state.storage.sql.exec("SELECT id, status, due, log FROM deliveries ORDER BY id").toArray(),
    ) as unknown as Promise<Row[]>;
  }

  async #state(i: number): Promise<{ window?: FailureWindow | null; failures?: number }> {
    const text = await runInDurableObject(
      this.#endpoint(i) as unknown as DurableObjectStub,
      (_, { storage: { sql } }) =>
        sql
          .exec("SELECT value FROM state WHERE name = 'fortune'")
          .toArray()
          .map(({ value }) => value as string)
          .at(0),
    );
    return JSON.parse(text ?? "{}");
  }

  async #ownedByLogs(): Promise<(delivery: string) => boolean> {
    const states = await Promise.all(
      this.#logs().map((log) =>
        runInDurableObject(log as unknown as DurableObjectStub, (_, { storage: { sql } }) => {
          const there = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'state'").toArray().length > 0;
          return {
            confirmed: there ? (sql.exec("SELECT confirmed FROM state").one().confirmed as string) : "",
            left: there
              ? sql
                  .exec("SELECT delivery FROM unconfirmed")
                  .toArray()
                  .map(({ delivery }) => delivery)
              : [],
          };
        }),
      ),
    );
    return (id) => states.some(({ confirmed, left }) => id.slice(4, 30) > confirmed || left.includes(id));
  }

  #playQueue(): void {
    const take = (queue: string, into: Message[]) => async (messages: readonly unknown[]) => {
      const half = this.queueFails === "partly" ? messages.slice(0, Math.ceil(messages.length / 2)) : messages;
      if (this.queueFails !== "wholly") {
        for (const body of half) into.push({ id: ++this.#serial, queue, body: structuredClone(body), attempts: 1 });
      }
      if (this.queueFails === null) return;
      this.queueFails = null;
      throw new Error("Queues is out of reach");
    };
    for (const [queue, name, into] of [
      [env.DELIVERIES, "deliveries", this.queue],
      [env.DELIVERIES_SLOW, "deliveries-slow", this.queue],
      [env.DELIVERIES_DEAD, "deliveries-dead", this.dead],
    ] as const) {
      const put = take(name, into);
      vi.spyOn(queue, "send").mockImplementation((async (body: unknown) => put([body])) as never);
      vi.spyOn(queue, "sendBatch").mockImplementation((async (batch: Iterable<{ body: unknown }>) => {
        const send = () => put([...batch].map(({ body }) => body));
        return this.#posting === null ? send() : this.#posting.logStep(TO_QUEUE, send);
      }) as never);
    }
  }

  #playReceivers(): void {
    const real = globalThis.fetch;
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      if (!url.startsWith("http://receiver.test/")) return real(input as RequestInfo, init);
      const id = new Headers(input instanceof Request ? input.headers : init?.headers).get("X-Webhook-Id") ?? "";
      // An event of which the client was never told is not promised yet, and is delivered all the same.
      const endpoint = this.endpoints[Number(url.slice(-1))] as string;
      const promised = this.promised.get(id) ?? { id, endpoint, succeeded: false, requests: 0 };
      this.promised.set(id, promised);
      promised.requests++;
      if (promised.succeeded) this.violations.push(`${id} is sent after its success was recorded`);
      if (this.mood === "not at all") throw new Error("Network connection lost.");
      return new Response("ok", { status: this.mood === "well" ? 200 : this.mood === "gone" ? 410 : 500 });
    });
  }

  #playStatements(): void {
    const world = this;
    let left: number | null = null;
    const real = Sql.prototype.all;
    vi.spyOn(Sql.prototype, "all").mockImplementation(function (this: Sql, ...args: Parameters<Sql["all"]>) {
      if (left !== null && left-- === 0) {
        left = null;
        world.sqlErrors++;
        throw new Error("the object's storage failed");
      }
      return real.apply(this, args) as never;
    } as never);
    for (const change of ["admit", "record", "adopt", "release"] as const) {
      const inner = Ledger.prototype[change] as (...args: unknown[]) => unknown;
      vi.spyOn(Ledger.prototype, change).mockImplementation(function (this: Ledger, ...args: unknown[]) {
        if (world.sqlFails?.change === change) {
          left = world.sqlFails.statement;
          world.sqlFails = null;
        }
        try {
          return inner.apply(this, args);
        } finally {
          left = null;
        }
      } as never);
    }
  }

  #playD1(): void {
    const out = async () => {
      throw new Error("D1_ERROR: out of reach");
    };
    const prepare = env.DB.prepare.bind(env.DB);
    const batch = env.DB.batch.bind(env.DB);
    const broken: Record<string, unknown> = { all: out, run: out, raw: out, first: out };
    broken.bind = () => broken;
    vi.spyOn(env.DB, "prepare").mockImplementation((text) => (this.d1Fails ? (broken as never) : prepare(text)));
    vi.spyOn(env.DB, "batch").mockImplementation(((statements: D1PreparedStatement[]) =>
      this.d1Fails ? out() : batch(statements)) as never);
  }
}

/** Long enough for an event that nobody has confirmed to be handed over. */
export const RECONCILE = 6 * MINUTE;
