import type { Effort } from "./effort.ts";
import { type Instance, OPERATOR_KEY } from "./instance.ts";
import { type Load, type LoadResult, load } from "./load.ts";
import { SAMPLE } from "./scenarios.ts";
import { figureOf, interleave, ratios } from "./stats.ts";

export const HEADERS = { Authorization: `Bearer ${OPERATOR_KEY}`, "Content-Type": "application/json" };
export const EVENT = JSON.stringify({ event: "lead.hot", data: SAMPLE });

/** Events of a tenant, posted one by one. */
export function posting(instance: Instance, tenant: string): Load {
  return { url: `${instance.url}/v1/tenants/${tenant}/events`, headers: HEADERS, body: EVENT };
}

/** Requests of each side before it is measured. */
const WARM_UP = 200;

/** Loads two sides by turns after warming them up, and compares them round by round. */
export async function compare(one: Load, other: Load, { rounds, seconds }: Effort) {
  for (const side of [one, other]) await load(side, { amount: WARM_UP });
  const runs = await interleave(
    rounds,
    () => load(one, { seconds }),
    () => load(other, { seconds }),
  );
  const ratio = (pick: (run: LoadResult) => number) => figureOf(ratios(runs.one.map(pick), runs.other.map(pick)));
  return {
    rps: figureOf(runs.one.map(({ rps }) => rps)),
    otherRps: figureOf(runs.other.map(({ rps }) => rps)),
    ratio: ratio(({ rps }) => rps),
    p50Ratio: ratio(({ p50 }) => p50),
    p99Ratio: ratio(({ p99 }) => p99),
  };
}
