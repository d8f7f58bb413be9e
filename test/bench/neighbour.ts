import { setTimeout as sleep } from "node:timers/promises";
import type { Effort } from "./effort.ts";
import { Instance } from "./instance.ts";
import { latenciesOf } from "./latency.ts";
import type { Receiver } from "./receiver.ts";
import { SAMPLE, tenantWith } from "./scenarios.ts";
import { figureOf, percentile, ratios } from "./stats.ts";

/**
 * Another tenant's endpoint hangs, has been noticed to, and gets hundreds of events: how much longer do the neighbour's
 * events take? Latencies of a storm over those of a calm before it.
 */
export async function measureNeighbour(bundle: string, receiver: Receiver, { rounds, seconds }: Effort) {
  const instance = await Instance.posthorn(bundle, {});
  const neighbour = await tenantWith(instance, receiver);
  const pace = { perSecond: 20, seconds: seconds * 2 };
  const p99 = async () => percentile(await latenciesOf(instance, receiver, neighbour, pace), 99);
  const calm: number[] = [];
  const storm: number[] = [];
  await latenciesOf(instance, receiver, neighbour, { perSecond: 20, seconds: 1 });
  for (let round = 0; round < rounds; round++) {
    calm.push(await p99());
    const { tenant, path, endpoints } = await tenantWith(instance, receiver, { answers: "hang" });
    await instance.api("PATCH", `/tenants/${tenant}/endpoints/${endpoints[0]}`, { timeout: 1 });
    const event = { event: "lead.hot", data: SAMPLE };
    await instance.api("POST", `/tenants/${tenant}/events`, event);
    await receiver.until(path, 1);
    // Until its timeout is written down.
    await sleep(2_000);
    for (let i = 0; i < 3; i++) {
      const events = Array.from({ length: 100 }, () => event);
      await instance.api("POST", `/tenants/${tenant}/events/batch`, { events });
    }
    storm.push(await p99());
    await instance.api("DELETE", `/tenants/${tenant}/endpoints/${endpoints[0]}`);
    await receiver.take(path);
    await sleep(2_000);
  }
  await instance.stop();
  return { p99Ratio: figureOf(ratios(storm, calm)), calmP99: figureOf(calm), stormP99: figureOf(storm) };
}
