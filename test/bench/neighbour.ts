import { type Beside, besideOf } from "./beside.ts";
import type { Effort, Storm } from "./effort.ts";
import { Instance } from "./instance.ts";
import { arrivalsOf, latenciesOf } from "./latency.ts";
import type { Receiver } from "./receiver.ts";
import { SAMPLE, tenantWith } from "./scenarios.ts";

/** Makes endpoints go bad: posts them their events. */
type Cause = (instance: Instance, receiver: Receiver, storm: Storm) => Promise<() => Promise<unknown>>;

const CAUSES: Readonly<Record<"hang" | "many" | "slow", Cause>> = {
  /** One hangs and gets a great many. */
  hang: (instance, receiver, { hang }) => bad(instance, receiver, { endpoints: 1, answers: "hang", each: hang }),
  /** Many begin to hang at once. */
  many: (instance, receiver, { endpoints, each }) => bad(instance, receiver, { endpoints, answers: "hang", each }),
  /** Two answer well, and take 3 s. */
  slow: (instance, receiver, { slow }) => bad(instance, receiver, { endpoints: 2, answers: "slow", each: slow }),
};

/**
 * Endpoints of other tenants hang or are slow: how much longer do the neighbour's events take, from the first event to
 * those on? Each cause has an instance of its own. `p99Ratio` is the worst of them.
 */
export async function measureNeighbour(bundle: string, receiver: Receiver, { storm }: Effort) {
  const results: Record<string, Beside> = {};
  for (const [name, cause] of Object.entries(CAUSES)) {
    const instance = await Instance.posthorn(bundle, {});
    const neighbour = await tenantWith(instance, receiver);
    const begin = await cause(instance, receiver, storm);
    const { perSecond, calm: seconds } = storm;
    await latenciesOf(instance, receiver, neighbour, { perSecond, seconds: 1 });
    const calm = await latenciesOf(instance, receiver, neighbour, { perSecond, seconds });
    const [arrived] = await Promise.all([arrivalsOf(instance, receiver, neighbour, storm), begin()]);
    results[name] = besideOf(calm, arrived, storm.within * 1_000);
    await instance.stop();
  }
  return { p99Ratio: Math.max(...Object.values(results).map(({ p99Ratio }) => p99Ratio)), ...results };
}

/** Endpoints of a tenant, and what posts each its events, a hundred at a time. */
async function bad(
  instance: Instance,
  receiver: Receiver,
  { each, ...asked }: { endpoints: number; answers: string; each: number },
): Promise<() => Promise<unknown>> {
  const { tenant } = await tenantWith(instance, receiver, asked);
  const types = Array.from({ length: asked.endpoints }, (_, i) => (asked.endpoints === 1 ? "lead.hot" : `lead.${i}`));
  // By turns, so that all of them go bad at once.
  const events = Array.from({ length: each }, () => types.map((event) => ({ event, data: SAMPLE }))).flat();
  const batches = Array.from({ length: Math.ceil(events.length / 100) }, (_, i) =>
    events.slice(i * 100, i * 100 + 100),
  );
  return async () => {
    for (const batch of batches) await instance.api("POST", `/tenants/${tenant}/events/batch`, { events: batch });
  };
}
