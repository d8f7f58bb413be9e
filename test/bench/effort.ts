/** How much is measured. */
export interface Effort {
  rounds: number;
  /** Of each run under load. */
  seconds: number;
  /**
   * Of the consumer: how many pairs of processes, how many runs of each before it is measured, so that V8 has made what
   * it will of the code, how many then, and the messages of a run.
   */
  drains: { pairs: number; warmUps: number; measured: number; messages: number };
  /** Rows that the large side of a growth ratio has, and the small. */
  rows: { large: number; small: number };
}

/** What `npm run bench` does, in about eight minutes on two cores. */
export const FULL: Effort = {
  rounds: 5,
  seconds: 3,
  drains: { pairs: 3, warmUps: 40, measured: 7, messages: 1_000 },
  rows: { large: 100_000, small: 1_000 },
};

/** Enough to show that the bench works. */
export const QUICK: Effort = {
  rounds: 1,
  seconds: 2,
  drains: { pairs: 1, warmUps: 0, measured: 1, messages: 50 },
  rows: { large: 2_000, small: 20 },
};
