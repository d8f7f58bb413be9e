import { setTimeout as sleep } from "node:timers/promises";
import { Instance } from "./instance.ts";
import type { Receiver } from "./receiver.ts";
import { SAMPLE, tenantWith } from "./scenarios.ts";
import { figureOf, interleave, percentile, ratios } from "./stats.ts";

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

/** Events per second, and for how many seconds of each round: a post of a person's doing, a busy back end, a flood. */
export interface Paces {
  rounds: number;
  paces: readonly Pace[];
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
export function arrivalsOf(
  instance: Instance,
  receiver: Receiver,
  { tenant, path }: Target,
  pace: Pace & { within: number },
): Promise<Arrived> {
  const post = (event: object) => instance.api("POST", `/tenants/${tenant}/events`, event);
  return arrivals(post, receiver, path, pace);
}

/** Likewise, posted so. */
async function arrivals(
  post: (event: object) => Promise<unknown>,
  receiver: Receiver,
  path: string,
  { perSecond, seconds, within }: Pace & { within: number },
): Promise<Arrived> {
  const offered = perSecond * seconds;
  const started = performance.now();
  const left = () => Math.max(started + within * 1_000 - performance.now(), 0);
  const refusals: unknown[] = [];
  const posted: Promise<unknown>[] = [];
  for (let i = 0; i < offered; i++) {
    await sleep(Math.max(started + (i * 1_000) / perSecond - performance.now(), 0));
    const data = { ...SAMPLE, sentAt: performance.timeOrigin + performance.now() };
    posted.push(post({ event: "lead.hot", data }).catch((error) => refusals.push(error)));
  }
  // Nobody waits for this timer once the rest is there.
  await Promise.race([Promise.all(posted), sleep(left(), undefined, { ref: false })]);
  while ((await receiver.countTimed(path)) < offered && left() > 0) await sleep(20);
  return { offered, latencies: (await receiver.take(path)).latencies, refusals };
}

/** Events of each side before it is measured. */
const WARM_UP: Pace = { perSecond: 50, seconds: 2 };

/**
 * From a post to its receipt at some paces, beside a bare Worker that accepts, sends a message and fetches, by turns: the
 * p50 and p99 of each round.
 */
export async function measureLatency(
  bundle: string,
  floorBundle: string,
  receiver: Receiver,
  { rounds, paces }: Paces,
) {
  const ours = await Instance.posthorn(bundle, {});
  const floor = await Instance.floor(floorBundle, {});
  const { tenant, path } = await tenantWith(ours, receiver);
  const floorPath = "/ok/floor-latency";
  const postFloor = async (event: object) => {
    const body = { url: receiver.url + floorPath, headers: {}, body: JSON.stringify(event), times: 1 };
    const response = await fetch(`${floor.url}/bench/pipeline`, { method: "POST", body: JSON.stringify(body) });
    await response.arrayBuffer();
  };
  const measured: Record<string, object> = {};
  for (const pace of [WARM_UP, ...paces]) {
    const one = () => latenciesOf(ours, receiver, { tenant, path }, pace);
    const other = async () => (await arrivals(postFloor, receiver, floorPath, { ...pace, within: PATIENCE })).latencies;
    const runs = await interleave(pace === WARM_UP ? 1 : rounds, one, other);
    if (pace !== WARM_UP) measured[`at${pace.perSecond}`] = latencyFigures(runs.one, runs.other);
  }
  await Promise.all([ours.stop(), floor.stop()]);
  return measured;
}

function latencyFigures(ours: readonly number[][], floor: readonly number[][]) {
  const at = (percent: number, runs: readonly number[][]) => runs.map((run) => percentile(run, percent));
  return {
    p50: figureOf(at(50, ours)),
    floorP50: figureOf(at(50, floor)),
    p50Ratio: figureOf(ratios(at(50, ours), at(50, floor))),
    p99: figureOf(at(99, ours)),
    floorP99: figureOf(at(99, floor)),
  };
}
