import { EVENT, HEADERS } from "./compare.ts";
import type { Effort } from "./effort.ts";
import type { FloorPost } from "./floor-message.ts";
import { Instance } from "./instance.ts";
import { type Load, load } from "./load.ts";
import type { Receiver } from "./receiver.ts";
import { tenantWith } from "./scenarios.ts";
import { figureOf, interleave, ratios } from "./stats.ts";

/** Requests under way: a back end that posts events. */
const CONNECTIONS = 8;
/** Events in one request of a batch. */
const BATCH = 100;

/** How many events of each shape a run posts, and how many runs of each side there are. */
export interface Pipeline {
  events: number;
  warmUps: number;
  measured: number;
}

/** What a run came to. */
interface Run {
  /** Deliveries per second, from the first post to the last arrival. */
  perSecond: number;
  /** CPU of the runtime's process in ms per delivery, which are seconds per 1,000. */
  cpu: number;
}

/**
 * From the post to the delivery, accepting and delivering at once: beside a bare Worker that accepts, sends a message for
 * each delivery and fetches. For one endpoint and for ten, with events that come one by one and a hundred at once. The
 * runtime is one process, so the CPU is all that it used: of Worker, objects, storage and queue.
 */
export async function measurePipeline(bundle: string, floorBundle: string, receiver: Receiver, effort: Effort) {
  const ours = await Instance.posthorn(bundle, {});
  const floor = await Instance.floor(floorBundle, {});
  const measured: Record<string, object> = {};
  for (const endpoints of [1, 10]) {
    const { tenant, path } = await tenantWith(ours, receiver, { endpoints });
    for (const batch of [1, BATCH]) {
      const events = Math.ceil(effort.pipeline.events / endpoints / batch) * batch;
      const shape = { requests: events / batch, deliveries: events * endpoints };
      const one = () => runOf(ours, receiver, { ...shape, path, load: ourLoad(ours, tenant, batch) });
      const at = `/ok/floor-${endpoints}-${batch}`;
      const post = { url: receiver.url + at, headers: {}, body: EVENT, times: endpoints * batch };
      const other = () => runOf(floor, receiver, { ...shape, path: at, load: floorLoad(floor, post) });
      await interleave(effort.pipeline.warmUps, one, other);
      const runs = await interleave(effort.pipeline.measured, one, other);
      const name = `${endpoints === 1 ? "one" : "ten"}${batch === 1 ? "Single" : "Batch"}`;
      measured[name] = figuresOf(runs.one, runs.other);
    }
  }
  await Promise.all([ours.stop(), floor.stop()]);
  return measured;
}

function figuresOf(ours: readonly Run[], floor: readonly Run[]) {
  const rate = ({ perSecond }: Run) => perSecond;
  const cpu = ({ cpu }: Run) => cpu;
  return {
    perSecond: figureOf(ours.map(rate)),
    floorPerSecond: figureOf(floor.map(rate)),
    ratio: figureOf(ratios(ours.map(rate), floor.map(rate))),
    cpuSecondsPer1000: figureOf(ours.map(cpu)),
    floorCpuSecondsPer1000: figureOf(floor.map(cpu)),
  };
}

interface Shape {
  load: Load;
  requests: number;
  deliveries: number;
  path: string;
}

async function runOf(instance: Instance, receiver: Receiver, { load: post, requests, deliveries, path }: Shape) {
  const before = await instance.cpuMs();
  const started = performance.timeOrigin + performance.now();
  await load(post, { amount: requests }, CONNECTIONS);
  await receiver.until(path, deliveries);
  const { times } = await receiver.take(path);
  const seconds = (Math.max(...times) - started) / 1_000;
  return { perSecond: deliveries / seconds, cpu: ((await instance.cpuMs()) - before) / deliveries };
}

function ourLoad(instance: Instance, tenant: string, batch: number): Load {
  const url = `${instance.url}/v1/tenants/${tenant}/events`;
  if (batch === 1) return { url, headers: HEADERS, body: EVENT };
  const body = JSON.stringify({ events: Array.from({ length: batch }, () => JSON.parse(EVENT)) });
  return { url: `${url}/batch`, headers: HEADERS, body };
}

function floorLoad(instance: Instance, post: FloorPost): Load {
  return { url: `${instance.url}/bench/pipeline`, headers: HEADERS, body: JSON.stringify(post) };
}
