import type { Latency } from "../../contracts/endpoint";

/** The value that `percent` of the sorted values do not exceed (nearest rank). */
function percentile(sorted: readonly number[], percent: number): number | null {
  return sorted[Math.max(Math.ceil((percent / 100) * sorted.length) - 1, 0)] ?? null;
}

/** The percentiles of durations in ms; each `null` when there are none. Pure. */
export function latencyOf(durations: readonly number[]): Latency {
  const sorted = [...durations].sort((a, b) => a - b);
  return { p50: percentile(sorted, 50), p95: percentile(sorted, 95), p99: percentile(sorted, 99) };
}
