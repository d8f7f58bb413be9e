import type { Effort } from "./effort.ts";
import type { FloorMessage } from "./floor-message.ts";
import { Instance } from "./instance.ts";
import { latenciesOf } from "./latency.ts";
import type { Receiver } from "./receiver.ts";
import { SAMPLE, tenantWith } from "./scenarios.ts";
import { figureOf, interleave, percentile, ratios } from "./stats.ts";
import { newUlid } from "./ulid.ts";

/**
 * The consumer beside one that only fetches: the same requests, ready made, each given as many at once. Both are warm, as
 * the isolates of a busy deployment are. And how long an event takes from its post.
 */
export async function measureDeliver(bundle: string, floorBundle: string, receiver: Receiver, effort: Effort) {
  const rates = { one: [] as number[], other: [] as number[] };
  const latencies: number[] = [];
  // Some processes are a few per cent faster than others for all of their lives, whatever they run.
  for (let pair = 0; pair < effort.drains.pairs; pair++) {
    const ours = await Instance.posthorn(bundle, {});
    const floor = await Instance.floor(floorBundle, {});
    const tenant = await tenantWith(ours, receiver);
    const runs = await drained({ ours, floor, receiver, ...tenant }, effort.drains);
    rates.one.push(...runs.one);
    rates.other.push(...runs.other);
    latencies.push(...(await latenciesOf(ours, receiver, tenant, { perSecond: 20, seconds: effort.seconds })));
    await Promise.all([ours.stop(), floor.stop()]);
  }
  return {
    perSecond: figureOf(rates.one),
    floorPerSecond: figureOf(rates.other),
    ratio: figureOf(ratios(rates.one, rates.other)),
    latencyP50: percentile(latencies, 50),
    latencyP99: percentile(latencies, 99),
  };
}

interface Pair {
  ours: Instance;
  floor: Instance;
  receiver: Receiver;
  tenant: string;
  path: string;
  endpoints: string[];
}

/** The rates of the two sides, once they are warm. */
async function drained({ ours, floor, receiver, tenant, path, endpoints }: Pair, drains: Effort["drains"]) {
  const [endpoint = ""] = endpoints;
  const request = await requestOf(ours, tenant, endpoint);
  await receiver.take(path);
  const drain = async (instance: Instance, at: string, messages: object[]) => {
    await instance.bench("enqueue", { messages });
    await receiver.until(at, messages.length);
    return rateOf((await receiver.take(at)).times);
  };
  const floorPath = "/ok/floor";
  const one = () => drain(ours, path, deliveryMessages(tenant, endpoint, drains.messages));
  const other = () => drain(floor, floorPath, floorMessages(receiver.url + floorPath, request, drains.messages));
  await interleave(drains.warmUps, one, other);
  return interleave(drains.measured, one, other);
}

/** Requests per second, without the first tenth. Pure. */
export function rateOf(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b).slice(Math.floor(times.length / 10));
  const [first = 0, last = 0] = [sorted[0], sorted.at(-1)];
  return ((sorted.length - 1) * 1_000) / (last - first);
}

function deliveryMessages(tenant: string, endpoint: string, count: number): object[] {
  const now = Date.now();
  return Array.from({ length: count }, () => {
    const ulid = newUlid(now);
    const text = { timestamp: now, payloadId: `evt_${ulid}`, data: JSON.stringify(SAMPLE) };
    return { tenant, endpoint, version: 1, deliveries: [{ id: `dlv_${ulid}0`, type: "lead.hot", text }] };
  });
}

/** What a request of Posthorn's says. */
type Said = Pick<FloorMessage, "headers" | "body">;

/** Has one delivery made, and answers what was sent. */
async function requestOf(posthorn: Instance, tenant: string, endpoint: string): Promise<Said> {
  const test = { event: "lead.hot", data: SAMPLE };
  const { attempt } = await posthorn.api("POST", `/tenants/${tenant}/endpoints/${endpoint}/test`, test);
  return attempt.request;
}

function floorMessages(url: string, { headers, body }: Said, count: number): FloorMessage[] {
  return Array.from({ length: count }, () => ({ url, headers, body }));
}
