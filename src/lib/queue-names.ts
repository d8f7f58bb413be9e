/**
 * The queues of deliveries by their names: pairs of one for endpoints in good health and one for those that have begun to
 * fail. The first pair is always there; others have a number, `DELIVERIES_1` and `DELIVERIES_SLOW_1`. Pure.
 */

/** The bindings of a pair. */
export interface QueuePair {
  normal: string;
  slow: string;
}

const BINDING = /^DELIVERIES(_SLOW)?((?:_[1-9]\d*)?)$/;

/** The pairs among the names of bindings, and the bindings that a pair lacks, in the order of their numbers. */
export function queuePairs(bindings: readonly string[]): { pairs: QueuePair[]; missing: string[] } {
  const numbers = new Set(["", ...bindings.flatMap((name) => BINDING.exec(name)?.[2] ?? [])]);
  const pairs: QueuePair[] = [];
  const missing: string[] = [];
  for (const number of [...numbers].sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)))) {
    const pair = { normal: `DELIVERIES${number}`, slow: `DELIVERIES_SLOW${number}` };
    const lacks = Object.values(pair).filter((name) => !bindings.includes(name));
    if (lacks.length === 0) pairs.push(pair);
    missing.push(...lacks);
  }
  return { pairs, missing };
}

/** Whether a queue of that name brings deliveries to endpoints that have begun to fail. */
export function isSlowQueue(queue: string): boolean {
  return /-slow(?:-\d+)?$/.test(queue);
}
