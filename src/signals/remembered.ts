/**
 * What an entity remembers of an observation for itself, beside what its rules do.
 * @module
 */
import type { Emitted, Refused } from "../lib/entity";

/** An event to be emitted. */
export interface Emission {
  /** The rule, or the automation's action. */
  rule: string;
  event: string;
  /** What its data has besides the text. */
  attached?: Record<string, number | string | null>;
  /** It goes there alone; absent: to whom it matches. */
  endpoint?: string;
}

/** What an observation fired, until it is emitted. */
export interface Pending {
  /** Names the observation, in the idempotency keys of its events. */
  id: string;
  /** ms; of its events. */
  timestamp: number;
  /** The JSON text that their data is made of. */
  data: string;
  emissions: Emission[];
}

/** What came of an observation; before its events are emitted, what was refused at once. */
export interface Outcome {
  events: Emitted[];
  refused: Refused[];
}

/** An observation that is remembered for itself; `pending`: its events are not all known to be emitted. */
export interface Remembered {
  slot: number;
  seq: number;
  pending: Pending | null;
  outcome: Outcome;
}

export type Taken =
  /**
   * One for each observation, with what a schema refused of it now; `row` is `null` where nothing fired and no key must
   * be known.
   */
  | { kind: "observed"; observations: { row: Remembered | null; refused: Refused[]; duplicate: boolean }[] }
  | { kind: "conflict" }
  /** It was strict: nothing is changed. */
  | { kind: "refused"; refused: Refused[][] };
