/** The value that `percent` of the values do not exceed (nearest rank); `NaN` of none. Pure. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(Math.ceil((percent / 100) * sorted.length) - 1, 0)] ?? Number.NaN;
}

/** The middle value, or the mean of the two in the middle; `NaN` of none. Pure. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  const [low = Number.NaN, high = low] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  return (low + high) / 2;
}

/** A figure over several runs. */
export interface Figure {
  median: number;
  min: number;
  max: number;
}

/** The figure of these runs. Pure. */
export function figureOf(values: readonly number[]): Figure {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * Measures two sides by turns, so that what else the machine does falls on both, and whoever went second goes first
 * the next time.
 */
export async function interleave<T>(
  rounds: number,
  one: () => Promise<T>,
  other: () => Promise<T>,
): Promise<{ one: T[]; other: T[] }> {
  const results = { one: [] as T[], other: [] as T[] };
  for (let round = 0; round < rounds; round++) {
    const first = round % 2 === 0;
    if (first) results.one.push(await one());
    results.other.push(await other());
    if (!first) results.one.push(await one());
  }
  return results;
}

/** The ratio of the sides, round by round. Pure. */
export function ratios(one: readonly number[], other: readonly number[]): number[] {
  return one.map((value, round) => value / (other[round] ?? Number.NaN));
}
