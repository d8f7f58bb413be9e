import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { Attempt, DeliveryStatus } from "../../src/contracts/delivery";
import type { DeliveryMessage } from "../../src/contracts/messages";
import { DAY, dayOf, dayStart, HOUR, SECOND } from "../../src/lib/time";
import { consume } from "../../src/send/consumer";
import { newEndpoint, newTenant } from "../lib/api";
import { appendOnly, messageFor } from "../send/harness";

/** Longer than any attempt may take before it is taken to hang, in ms. */
const HANGS = 1_001;

export interface Row {
  id: string;
  status: DeliveryStatus;
  due: number | null;
  log: Attempt[];
}

/** One invocation of the consumer. */
export interface Invocation {
  messages: number;
  acked: number;
  returned: number;
  /** Its batch is let go. */
  over: boolean;
  /** All that goes on after it is over too. */
  ended: Promise<unknown>;
}

/**
 * The consumer and the objects, with receivers that answer when they are told to, a queue that the test hands on, and a
 * clock that the test moves: it runs far in the future, so that no alarm of the objects goes off by itself.
 */
export class Batches {
  readonly endpoints: string[] = [];
  /** The endpoints whose receivers hold their answers back, by their places. */
  readonly held = new Set<number>();
  /** What a request does beside being received. */
  onRequest: () => void = () => undefined;
  /** The deliveries of all requests, in their order. */
  readonly requests: string[] = [];
  /** How many answers have been held back, and how many of those given. */
  heldBack = 0;
  answered = 0;
  /** What was put onto the queues, by their names, since it was last handed on. */
  queued: { queue: string; body: DeliveryMessage }[] = [];
  readonly #holding: (() => void)[] = [];
  readonly #rests: Promise<unknown>[] = [];

  /** Where its receivers are: nothing that is left of another test is counted here. */
  readonly #receivers: string;

  private constructor(readonly tenant: string) {
    this.#receivers = `http://receiver.test/${tenant}/`;
  }

  static async create(endpoints: number): Promise<Batches> {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(dayStart(dayOf(Date.now() + 400 * DAY)) + 6 * HOUR);
    const batches = new Batches(await newTenant());
    batches.#play();
    for (let i = 0; i < endpoints; i++) {
      const { id } = await newEndpoint(batches.tenant, `${batches.#receivers}${i}`, { timeout: 10 });
      batches.endpoints.push(id);
    }
    return batches;
  }

  static end(): void {
    vi.restoreAllMocks();
    vi.useRealTimers();
  }

  pass(ms: number): void {
    vi.setSystemTime(Date.now() + ms);
  }

  /** So much time passes that what hangs is taken to. */
  passUntilHanging(): void {
    this.pass(HANGS);
  }

  /** A message with deliveries of new events for an endpoint. */
  async message(i: number, deliveries: number): Promise<DeliveryMessage> {
    const endpoint = this.endpoints[i] as string;
    const events = await Promise.all(Array.from({ length: deliveries }, () => appendOnly(this.tenant, [endpoint])));
    return messageFor(this.tenant, endpoint, ...events.flatMap(({ refs }) => refs));
  }

  /** Begins to consume a batch. */
  consume(bodies: readonly DeliveryMessage[], queue = "deliveries"): Invocation {
    const acked = new Set<number>();
    const returned = new Set<number>();
    const messages = bodies.map((body, i) => {
      const retry = () => returned.add(i);
      return { id: `m${i}`, timestamp: new Date(), attempts: 1, body, ack: () => acked.add(i), retry };
    });
    const rests: Promise<unknown>[] = [];
    const worked = consume({ queue, messages } as unknown as MessageBatch, env, (rest) => rests.push(rest));
    let over = false;
    const ended = worked.then(() => {
      over = true;
      return Promise.all(rests);
    });
    this.#rests.push(ended);
    return {
      messages: bodies.length,
      get acked() {
        return acked.size;
      },
      get returned() {
        return returned.size;
      },
      get over() {
        return over;
      },
      ended,
    };
  }

  /** The receivers that hold their answers back give them, and hold none back any more; all invocations come to an end. */
  async answer(): Promise<void> {
    this.held.clear();
    for (const answer of this.#holding.splice(0)) answer();
    await Promise.all(this.#rests);
  }

  /** The alarms of endpoints go off. */
  async alarms(): Promise<void> {
    for (const endpoint of this.endpoints) await runDurableObjectAlarm(this.#object(endpoint));
  }

  /** Hands on what is queued, a batch for each of these queues; answers their invocations. */
  handOn(...queues: string[]): Invocation[] {
    return queues.flatMap((name) => {
      const bodies = this.queued.filter(({ queue }) => queue === name).map(({ body }) => body);
      this.queued = this.queued.filter(({ queue }) => queue !== name);
      return bodies.length > 0 ? [this.consume(bodies, name)] : [];
    });
  }

  /** Lets everything come to rest. */
  async settle(): Promise<void> {
    for (let round = 0; round < 100; round++) {
      await this.alarms();
      const invocations = this.handOn("deliveries", "deliveries-slow");
      if (invocations.length === 0) return;
      await Promise.all(invocations.map(({ ended }) => ended));
      this.pass(SECOND);
    }
    throw new Error("the queue is never empty");
  }

  /** What an endpoint's object has rows of. */
  async rows(i: number): Promise<Row[]> {
    const stub = this.#object(this.endpoints[i] as string) as unknown as DurableObjectStub;
    const rows = await runInDurableObject(stub, (_, { storage: { sql } }) =>
      sql.exec("SELECT id, status, due, log FROM deliveries ORDER BY id").toArray(),
    );
    return rows.map((row) => ({ ...row, log: JSON.parse(String(row.log)) })) as unknown as Row[];
  }

  #object(endpoint: string) {
    return env.ENDPOINT.getByName(`${this.tenant}/${endpoint}`);
  }

  #play(): void {
    for (const [binding, queue] of [
      [env.DELIVERIES, "deliveries"],
      [env.DELIVERIES_SLOW, "deliveries-slow"],
    ] as const) {
      vi.spyOn(binding, "sendBatch").mockImplementation((async (batch: Iterable<{ body: DeliveryMessage }>) => {
        for (const { body } of batch) this.queued.push({ queue, body: structuredClone(body) });
      }) as never);
    }
    const real = globalThis.fetch;
    vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      if (!url.startsWith(this.#receivers)) return real(input as RequestInfo, init);
      this.requests.push(
        new Headers(input instanceof Request ? input.headers : init?.headers).get("X-Webhook-Id") ?? "",
      );
      this.onRequest();
      if (this.held.has(Number(url.split("/").at(-1)))) {
        this.heldBack++;
        await new Promise<void>((resolve) => this.#holding.push(resolve));
        this.answered++;
      }
      return new Response("ok");
    });
  }
}
