import type { Pace, Paces } from "./latency.ts";
import type { Pipeline } from "./pipeline.ts";

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
  pipeline: Pipeline;
  latency: Paces;
  /** Rows that the large side of a growth ratio has, and the small. */
  rows: { large: number; small: number };
  /** Events of a tenant whose day has several shards. */
  shards: { events: number };
  /** Beside endpoints that have gone bad. */
  storm: Storm;
}

/** Events for a good endpoint, at a pace: without bad ones beside it, and then from the first event to those on. */
export interface Storm {
  perSecond: number;
  /** How long they are posted in the calm, in s, and in the storm. */
  calm: number;
  seconds: number;
  /** When the storm is over, in s: what has not arrived by then counts as this long. */
  within: number;
  /** Events for the bad ones: the one that hangs, each of `endpoints` that hang, each of the two that are slow. */
  hang: number;
  endpoints: number;
  each: number;
  slow: number;
}

function paces(...all: [perSecond: number, seconds: number][]): Pace[] {
  return all.map(([perSecond, seconds]) => ({ perSecond, seconds }));
}

/** What `npm run bench` does, in about ten minutes on two cores. */
export const FULL: Effort = {
  rounds: 5,
  seconds: 3,
  drains: { pairs: 3, warmUps: 40, measured: 7, messages: 1_000 },
  pipeline: { events: 1_000, warmUps: 8, measured: 7 },
  latency: { rounds: 3, paces: paces([1, 15], [20, 5], [200, 5]) },
  rows: { large: 100_000, small: 1_000 },
  shards: { events: 2_000 },
  storm: { perSecond: 10, calm: 10, seconds: 30, within: 45, hang: 1_000, endpoints: 30, each: 10, slow: 500 },
};

/** Enough to show that the bench works. */
export const QUICK: Effort = {
  rounds: 1,
  seconds: 2,
  drains: { pairs: 1, warmUps: 0, measured: 1, messages: 50 },
  pipeline: { events: 100, warmUps: 0, measured: 1 },
  latency: { rounds: 1, paces: paces([1, 2], [20, 1], [200, 1]) },
  rows: { large: 2_000, small: 20 },
  shards: { events: 100 },
  storm: { perSecond: 20, calm: 1, seconds: 1, within: 4, hang: 10, endpoints: 3, each: 2, slow: 5 },
};
