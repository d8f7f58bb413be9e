import fc from "fast-check";
import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    /** `FC_SEED`: one, or two with a comma between them; `null`: a new one for each property. */
    seeds: number[] | null;
    /** `FC_TIMES`. */
    times: number;
  }
}

/** Runs of a property, and the seed of their cases. */
interface Share {
  seed: number;
  numRuns: number;
}

/** How `many` runs are shared: two thirds are the first seed's, a third the second's, if there is one. Pure. */
export function sharesOf(many: number, [first = 0, second]: readonly number[]): Share[] {
  if (second === undefined) return [{ seed: first, numRuns: many }];
  const third = Math.floor(many / 3);
  const shares = [
    { seed: first, numRuns: many - third },
    { seed: second, numRuns: third },
  ];
  return shares.filter(({ numRuns }) => numRuns > 0);
}

/**
 * Expects of a property that it holds in `many` random cases. `FC_SEED` says which (in `.ci/run` two thirds are always the
 * same, so that a change is not refused for what an older one did, and a third are new, so that more is found in time);
 * without it they are new. `FC_TIMES` multiplies them.
 *
 * @throws what fast-check reports of the smallest case that fails, and the FC_SEED that makes it again
 */
export function holds<T>(property: fc.IProperty<T>, many: number): void {
  for (const share of shares(many)) {
    try {
      fc.assert(property, share);
    } catch (error) {
      throw withSeed(error, share);
    }
  }
}

/** Like {@link holds}. Ends early, without an error, after `within` ms: on a busy machine maybe before the first case. */
export async function holdsAsync<T>(property: fc.IAsyncProperty<T>, many: number, within?: number): Promise<void> {
  const all = many * inject("times");
  for (const share of shares(many)) {
    const limit = within === undefined ? {} : { interruptAfterTimeLimit: (within * share.numRuns) / all };
    const run = await fc.check(property, { ...share, ...limit });
    // `fc.assert` throws where time was up before a case was through, whatever it is told of interruptions.
    if (!run.failed || (run.interrupted && run.counterexample === null)) continue;
    const message = await fc.asyncDefaultReportMessage(run);
    throw withSeed(new Error(message, { cause: run.errorInstance }), share);
  }
}

function shares(many: number): Share[] {
  const seeds = inject("seeds") ?? [Math.floor(Math.random() * 2 ** 31)];
  return sharesOf(many * inject("times"), seeds);
}

function withSeed(error: unknown, { seed }: Share): unknown {
  if (error instanceof Error) error.message = `${error.message}\n\nThe same cases again: FC_SEED=${seed} npm test`;
  return error;
}
