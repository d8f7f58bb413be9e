import { setTimeout as sleep } from "node:timers/promises";
import type { Instance } from "./instance.ts";
import type { Receiver } from "./receiver.ts";
import { SAMPLE } from "./scenarios.ts";

/** Events that come after those that are measured: the last batch would wait for others until its time is over. */
const AFTER = 20;
/** How long to wait for what is to arrive in any case, in s from the first event. */
const PATIENCE = 60;

/** A tenant, and the path of its endpoint. */
interface Target {
  tenant: string;
  path: string;
}

/** Events at a pace. */
export interface Pace {
  perSecond: number;
  /** For how long they are posted. */
  seconds: number;
}

/** What came of events at a pace. */
interface Arrived {
  offered: number;
  /** Of each that arrived, in ms. */
  latencies: number[];
  /** Why posts failed, if some did. */
  refusals: unknown[];
}

/** Posts events at a pace and answers how long each took to arrive, in ms. Throws when one does not. */
export async function latenciesOf(instance: Instance, receiver: Receiver, target: Target, pace: Pace) {
  const { offered, latencies, refusals } = await arrivalsOf(instance, receiver, target, { ...pace, within: PATIENCE });
  if (latencies.length === offered) return latencies;
  throw new Error(`${latencies.length} of ${offered} events arrived at ${target.path}`, { cause: refusals[0] });
}

/** Posts events at a pace, and answers what arrived within so many seconds of the first. */
export async function arrivalsOf(
  instance: Instance,
  receiver: Receiver,
  { tenant, path }: Target,
  { perSecond, seconds, within }: Pace & { within: number },
): Promise<Arrived> {
  const offered = perSecond * seconds;
  const started = performance.now();
  const left = () => Math.max(started + within * 1_000 - performance.now(), 0);
  const refusals: unknown[] = [];
  const posted: Promise<unknown>[] = [];
  for (let i = 0; i < offered + AFTER; i++) {
    await sleep(Math.max(started + (i * 1_000) / perSecond - performance.now(), 0));
    const timed = i < offered ? { sentAt: performance.timeOrigin + performance.now() } : {};
    const event = { event: "lead.hot", data: { ...SAMPLE, ...timed } };
    posted.push(instance.api("POST", `/tenants/${tenant}/events`, event).catch((error) => refusals.push(error)));
  }
  // Nobody waits for this timer once the rest is there.
  await Promise.race([Promise.all(posted), sleep(left(), undefined, { ref: false })]);
  while ((await receiver.countTimed(path)) < offered && left() > 0) await sleep(20);
  return { offered, latencies: (await receiver.take(path)).latencies, refusals };
}
