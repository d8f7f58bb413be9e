import type { Effort } from "./effort.ts";
import { Instance } from "./instance.ts";
import { figureOf, ratios } from "./stats.ts";

/** Signing by itself, beside the package that most receivers verify with. */
export async function measureSigning(bundle: string, { rounds }: Effort) {
  const instance = await Instance.bare(bundle);
  const asked = { bytes: 1_024, times: 2_000 };
  await instance.bench("sign", asked);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { ourMs, theirMs } = await instance.bench("sign", asked);
    ours.push(ourMs);
    theirs.push(theirMs);
  }
  await instance.stop();
  const usPerKilobyte = ours.map((ms) => (ms * 1_000) / asked.times);
  return { usPerKilobyte: figureOf(usPerKilobyte), vsStandardwebhooks: figureOf(ratios(ours, theirs)) };
}
