import { percentile } from "./stats.ts";

/** What endpoints that have gone bad do to another tenant's good one. */
export interface Beside {
  /** ms, without them and with them. */
  calmP99: number;
  stormP99: number;
  p99Ratio: number;
  /** Of the good one's events in the storm, how many arrived in time, and how many there were. */
  delivered: number;
  offered: number;
  /** The p99 is at most twice what it is in the calm, and a second. */
  bounded: boolean;
}

/** The figures of a calm and of a storm of `whole` ms, as long as which each event counts that did not arrive. Pure. */
export function besideOf(
  calm: readonly number[],
  { offered, latencies }: { offered: number; latencies: readonly number[] },
  whole: number,
): Beside {
  const lost = Array.from({ length: offered - latencies.length }, () => whole);
  const [calmP99, stormP99] = [percentile(calm, 99), percentile([...latencies, ...lost], 99)];
  const bounded = stormP99 <= calmP99 * 2 + 1_000;
  return { calmP99, stormP99, p99Ratio: stormP99 / calmP99, delivered: latencies.length, offered, bounded };
}
