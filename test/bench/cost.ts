import type { Counts } from "./counts.ts";
import { Instance } from "./instance.ts";
import { billOf, type Kept, keptOf, type Usage, usageOf, usdPerMillion } from "./prices.ts";
import { cpuMsOf, profiled } from "./profiler.ts";
import type { Receiver } from "./receiver.ts";
import { alone, batch100, failing, fanout10, outage, refused, type Scenario, single, sparse } from "./scenarios.ts";

/** What a delivered event costs. */
export interface Cost extends Usage, Kept {
  usdPerMillion: number;
  /** With log lines and storage: what the bill says. */
  billPerMillion: number;
  /** How many messages a consumer's batch had, on average; 0: there was no batch. */
  messagesPerBatch: number;
}

/** The scenarios by their names in the output, and how many are run. `quick`: just enough to show that all still works. */
function scenarios(quick: boolean): Record<string, Scenario> {
  return {
    single: single(quick ? 200 : 2_000),
    batch100: batch100(quick ? 2 : 20),
    fanout10: fanout10(quick ? 20 : 200),
    failing: failing(quick ? 2 : 20),
    sparse: sparse(quick ? 3 : 24),
    alone: alone(quick ? 1 : 8),
    refused: refused(quick ? 0.1 : 1),
    // Last: its objects go on waking for hours, and their reads would be counted with the next one's.
    outage: outage(quick ? 1 : 3),
  };
}

/** Counts what each scenario takes, then has V8 sample its CPU time in a second run, since counting takes time itself. */
export async function measureCosts(
  bundle: string,
  receiver: Receiver,
  quick: boolean,
  progress: (text: string) => void,
): Promise<Record<string, Cost>> {
  const counted = await Instance.posthorn(bundle, { counts: true, clock: true });
  const sampled = quick ? null : await Instance.posthorn(bundle, { clock: true, inspector: true });
  const costs: Record<string, Cost> = {};
  for (const [name, scenario] of Object.entries(scenarios(quick))) {
    const run = await scenario(counted, receiver);
    await counted.counts();
    const delivered = await run();
    const counts = await counted.counts();
    // An hour in steps of seconds is mostly the bench's own questions: what the profiler says of it is no figure.
    const isSampled = sampled !== null && !["sparse", "alone", "refused", "outage"].includes(name);
    const cpuMs = isSampled ? await sample(sampled, scenario, receiver) : undefined;
    costs[name] = costOf(counts, delivered, cpuMs);
    progress(`cost ${name}: $${costs[name].billPerMillion.toFixed(2)} per million`);
  }
  await Promise.all([counted.stop(), sampled?.stop()]);
  return costs;
}

/** The cost of what was counted while `delivered` events were. Pure. */
export function costOf(counts: Counts, delivered: number, cpuMs?: number): Cost {
  const usage = usageOf(counts, delivered, cpuMs);
  const kept = keptOf(counts, delivered);
  const messages = counts.batches.reduce((sum, batch) => sum + batch, 0);
  return {
    usdPerMillion: usdPerMillion(usage),
    billPerMillion: billOf(usage, kept),
    ...usage,
    ...kept,
    messagesPerBatch: messages / Math.max(counts.batches.length, 1),
  };
}

async function sample(instance: Instance, scenario: Scenario, receiver: Receiver): Promise<number> {
  const run = await scenario(instance, receiver);
  let delivered = 0;
  const profile = await profiled(instance, async () => {
    delivered = await run();
  });
  return cpuMsOf(profile) / delivered;
}
