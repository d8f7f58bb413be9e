/**
 * What filters may cost: the values that they visit.
 * @module
 */

/** A clause that does not hold. */
export interface FailingClause {
  /** The field; empty for `$or` and `$not` over whole filters. */
  path: string;
  operator: string;
  expected: unknown;
  /** The value at the path; a list of them where the path leads to several; `undefined`: there is none. */
  actual: unknown;
  /** Why it counts as not holding though nobody knows: the filter stopped at it. Absent: it was evaluated. */
  reason?: string;
}

/**
 * The most values that a filter visits in a subject. A body of 1 MiB has about 500,000, so that one condition on a list
 * is always evaluated.
 */
export const MAX_VISITS = 1_000_000;
/** The most values that all filters of a request visit together: about 0.1 s. */
const MAX_VISITS_TOGETHER = 10_000_000;

/**
 * What the filters of a request may still visit: each so much, and all together so much. A filter that would visit more
 * does not match, whatever its operators: what could not be evaluated is delivered to nobody, be it negated.
 */
export class Visits {
  #together: number;
  #left = 0;
  /** The condition that is being evaluated. */
  at: Omit<FailingClause, "actual"> = { path: "", operator: "", expected: undefined };

  constructor(together = MAX_VISITS_TOGETHER) {
    this.#together = together;
  }

  /** What a filter finds with its own share. */
  take(evaluate: () => FailingClause | null): FailingClause | null {
    const share = Math.min(MAX_VISITS, this.#together);
    this.#left = share;
    try {
      return evaluate();
    } catch (error) {
      if (!(error instanceof TooMany)) throw error;
      const reason =
        share === MAX_VISITS
          ? `the filter would have to look at more than ${MAX_VISITS} values`
          : "the filters of the request have looked at as many values as they may together";
      return { ...this.at, actual: undefined, reason };
    } finally {
      this.#together -= share - Math.max(this.#left, 0);
    }
  }

  /** Notes that so many values are about to be visited. Throws when they are too many. */
  spend(values: number): void {
    this.#left -= values;
    if (this.#left < 0) throw new TooMany();
  }
}

class TooMany extends Error {}
