import fc from "fast-check";
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** `FC_SEED`; `null`: a new one for each run. */
    seed: number | null;
    /** `FC_TIMES`. */
    times: number;
  }
}

/**
 * How a property is run: `many` times, from a seed that is printed. `FC_SEED` gives the seed (in `.ci/run` always the
 * same one, so that a change is not refused for what an older one did), `FC_TIMES` multiplies the runs.
 */
export function runs(many: number): { numRuns: number; seed: number; verbose: fc.VerbosityLevel } {
  const seed = inject("seed") ?? Math.floor(Math.random() * 2 ** 31);
  const numRuns = many * inject("times");
  console.log(`fast-check seed ${seed}, ${numRuns} runs`);
  return { numRuns, seed, verbose: fc.VerbosityLevel.None };
}
