/** How much is measured. */
export interface Effort {
  rounds: number;
  /** Of each run under load. */
  seconds: number;
  /** Messages of each run of the consumer. */
  messages: number;
  /** Rows that the large side of a growth ratio has, and the small. */
  rows: { large: number; small: number };
}

/** What `npm run bench` does, in about ten minutes on two cores. */
export const FULL: Effort = { rounds: 5, seconds: 3, messages: 1_000, rows: { large: 100_000, small: 1_000 } };

/** Enough to show that the bench works. */
export const QUICK: Effort = { rounds: 1, seconds: 2, messages: 50, rows: { large: 2_000, small: 20 } };
