/**
 * One endpoint under load, in virtual time: the consumer's own code and the ledger's, with a queue that takes its time and
 * a receiver that takes so long. Each message is an invocation of its own, as on a deployment with many consumers.
 * @module
 */

import type { Claim, Lane, Outcome } from "../../src/contracts/delivery";
import type { AdmitRequest } from "../../src/contracts/endpoint";
import type { Env } from "../../src/contracts/env";
import type { Delivery } from "../../src/contracts/event";
import { Ledger } from "../../src/endpoint/ledger";
import { deliveryId, mintEventUlid } from "../../src/lib/ids";
import { Sql } from "../../src/lib/sql";
import { dayOf, SECOND } from "../../src/lib/time";
import type { Attempting } from "../../src/send/attempt";
import { EndpointRun } from "../../src/send/deliver";
import { Invocation } from "../../src/send/invocation/invocation";
import { memoryStorage } from "./sqlite";
import { VirtualClock } from "./virtual-clock";

const T0 = Date.parse("2026-11-26T06:00:00Z");
/** How long a message waits in the queue, in ms: a new one, and one that comes back. */
const NEW_HOP = 300;
const BACK_HOP = 1_000;
/** What was posted this short before the end, in ms, is on its way: two hops of the queue and the receiver's time. */
const ON_THE_WAY = 2 * SECOND;

export interface Load {
  /** Seconds. */
  seconds: number;
  /** Events per second that are posted at a time (in seconds). */
  rate(second: number): number;
  /** ms that the receiver takes at a time (in seconds). */
  latency(second: number): number;
  /** Batches: when (in seconds), and of how many events. */
  batches?: { at: number; events: number }[];
  /** The endpoint is enabled and all that was held until then recovered, in seconds; before, it is disabled. */
  recoverAt?: number;
}

export interface Pace {
  /** Posted per second in the last ten seconds, and delivered. */
  offered: number;
  deliveredPerSecond: number;
  /** Deliveries that are not done at the end, without those that are on their way to the receiver. */
  backlog: number;
  alarms: number;
  /** Messages that put deliveries back onto the queue. */
  messages: number;
}

export interface Run extends Pace {
  /** When each delivery was done and when it was posted, in ms since the beginning. */
  done: { id: string; at: number; posted: number }[];
  /** The most that were with the receiver at once. */
  most: number;
}

/** Plays a load, and answers how it went. */
export async function play(load: Load): Promise<Run> {
  const clock = new VirtualClock(T0);
  const ledger = new Ledger(new Sql(memoryStorage()), () => 0.5);
  const enabled = load.recoverAt === undefined;
  ledger.state.configure(settings(), { enabled, disabledReason: enabled ? null : "manual", disabledAt: null });
  const end = T0 + load.seconds * SECOND;
  const second = () => (clock.now - T0) / SECOND;
  const posted = new Map<string, number>();
  const done: Run["done"] = [];
  let [alarms, messages, underWay, most] = [0, 0, 0, 0];
  let alarmAt: number | null = null;

  const arm = () => {
    const next = ledger.nextAlarm(clock.now);
    if (next === null || (alarmAt !== null && alarmAt <= next)) return;
    alarmAt = next;
    clock.at(next, () => {
      if (alarmAt !== next) return;
      alarmAt = null;
      alarms++;
      void ring(next);
    });
  };
  const ring = async (scheduled: number) => {
    const claims = ledger.retry(clock.now);
    if (claims.length > 0) await endpoint.record(await Promise.all(claims.map(send)));
    const { messages: released, lane } = ledger.release(clock.now, scheduled);
    for (const deliveries of released) {
      messages++;
      clock.at(clock.now + BACK_HOP, () => consume(deliveries, lane));
    }
    for (const { id } of ledger.outbox.due(clock.now)) ledger.outbox.remove(id);
    ledger.state.mirrored(true, clock.now);
    arm();
  };
  const endpoint = {
    async admit({ deliveries, version: _, ...offer }: AdmitRequest) {
      const answer = ledger.admitNew(deliveries, clock.now, offer) ?? ledger.admit(deliveries, clock.now, offer);
      arm();
      return answer;
    },
    async record(outcomes: Outcome[], next?: AdmitRequest) {
      const answer = ledger.record(outcomes, clock.now, next);
      for (const { delivery } of outcomes.filter(({ kind }) => kind === "attempted")) {
        done.push({ id: delivery.id, at: clock.now - T0, posted: (posted.get(delivery.id) ?? T0) - T0 });
      }
      arm();
      return answer;
    },
    async lag(attempts: Parameters<Ledger["lag"]>[0]) {
      ledger.lag(attempts, clock.now);
      arm();
    },
  };
  const text = { type: "e", timestamp: T0, payloadId: "evt", data: "{}" };
  const log = { read: async (ulids: string[]) => ulids.map(() => text) };
  const env = { ENDPOINT: { getByName: () => endpoint }, EVENT_LOG: { getByName: () => log } } as unknown as Env;

  const send = async ({ delivery, grant }: Claim): Promise<Outcome> => {
    const at = clock.now;
    most = Math.max(most, ++underWay);
    await new Promise<void>((resolve) => setTimeout(resolve, load.latency(second())));
    underWay--;
    const durationMs = clock.now - at;
    const { attemptId: id } = grant;
    const report = { id, at, durationMs, statusCode: 200, error: null, format: "envelope" as const, entry: "{}" };
    return { kind: "attempted", delivery, attempt: report, retryAfter: null };
  };
  const consume = (deliveries: readonly Delivery[], lane: Lane) => {
    const items: Delivery[] = [...deliveries];
    const attempt: Attempting = async (_, claim, textOf, { begun, ended }) => {
      await textOf();
      begun();
      const outcome = await send(claim);
      ended();
      return outcome;
    };
    const invocation = new Invocation(env, lane, true, attempt);
    const share = { tenant: "t", endpoint: "ep", version: 1, items, settled: () => undefined };
    const run = new EndpointRun(invocation, share);
    invocation.lanes.add(run);
    void run.begin();
  };
  let last: string | null = null;
  const post = (): Delivery => {
    last = mintEventUlid(dayOf(T0), clock.now, last);
    const ref = { id: deliveryId(last, 0), type: "e" };
    posted.set(ref.id, clock.now);
    return ref;
  };
  for (let t = 0, owed = 0; t < load.seconds * SECOND; t++) {
    owed += load.rate(t / SECOND) / SECOND;
    for (; owed >= 1; owed--) {
      clock.at(T0 + t, () => {
        const ref = post();
        clock.at(clock.now + NEW_HOP, () => consume([ref], "normal"));
      });
    }
  }
  for (const { at, events } of load.batches ?? []) {
    clock.at(T0 + at * SECOND, () => {
      const refs = Array.from({ length: events }, post);
      for (let i = 0; i < refs.length; i += 100) {
        clock.at(clock.now + NEW_HOP, () => consume(refs.slice(i, i + 100), "normal"));
      }
    });
  }
  if (load.recoverAt !== undefined) {
    clock.at(T0 + load.recoverAt * SECOND, () => {
      ledger.enable(clock.now);
      ledger.recover({ since: 0, until: clock.now, statuses: ["held"], dryRun: false }, clock.now);
      arm();
    });
  }
  await clock.run(end);
  const reached = new Set(done.map(({ id }) => id));
  const inLastTen = (times: Iterable<number>) =>
    [...times].filter((at) => at > load.seconds * SECOND - 10_000).length / 10;
  return {
    offered: inLastTen([...posted.values()].map((at) => at - T0)),
    deliveredPerSecond: inLastTen(done.map(({ at }) => at)),
    backlog: [...posted].filter(([id, at]) => at < end - ON_THE_WAY && !reached.has(id)).length,
    alarms,
    messages,
    done,
    most,
  };
}

function settings() {
  return {
    tenant: "t",
    endpoint: "ep",
    version: 1,
    url: "https://receiver.example/",
    method: "POST" as const,
    profile: "clearview",
    format: "envelope" as const,
    signature: { scheme: "hex" as const, header: null },
    owner: "t/ep",
    sealedHeaders: {},
    sealedSecret: null,
    sealedNext: null,
    nextFrom: null,
    retry: [30],
    timeout: 10,
    disableAfter: 604_800,
    rateLimit: null,
  };
}

/** The loads that are measured. The receiver takes 200 ms, so that the slots allow 125 a second. */
export const LOADS = {
  batch: { seconds: 120, rate: () => 30, latency: () => 200, batches: [{ at: 20, events: 100 }] },
  hiccup: { seconds: 180, rate: () => 40, latency: (s: number) => (s >= 20 && s < 25 ? 1_000 : 200) },
  hiccup60: { seconds: 180, rate: () => 60, latency: (s: number) => (s >= 20 && s < 25 ? 1_000 : 200) },
  burst: { seconds: 180, rate: (s: number) => (s < 10 ? 140 : 40), latency: () => 200 },
  steady: { seconds: 60, rate: () => 125, latency: () => 200 },
} satisfies Record<string, Load>;

/**
 * The rate at which 400 held deliveries are recovered, over that at which the same 400 are delivered when they are posted
 * together; each from the first request to the last.
 */
export async function recoverRatio(): Promise<number> {
  const quiet = { seconds: 60, rate: () => 0, latency: () => 200 };
  const posted = await play({ ...quiet, batches: [{ at: 0, events: 400 }] });
  const recovered = await play({ ...quiet, batches: [{ at: 0, events: 400 }], recoverAt: 5 });
  const span = ({ done }: Run) => (done.at(-1)?.at ?? 0) - (done[0]?.at ?? 0);
  if (posted.done.length < 400 || recovered.done.length < 400) return 0;
  return span(posted) / span(recovered);
}

/** What came of each load, and of a recovery, as `npm run bench` prints it. */
export async function measure(): Promise<Record<keyof typeof LOADS, Pace> & { recoverRatio: number }> {
  const paces = {} as Record<keyof typeof LOADS, Pace>;
  for (const name of Object.keys(LOADS) as (keyof typeof LOADS)[]) {
    const { done: _, most: __, ...pace } = await play(LOADS[name]);
    paces[name] = pace;
  }
  return { ...paces, recoverRatio: await recoverRatio() };
}
