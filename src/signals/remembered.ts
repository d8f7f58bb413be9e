/**
 * What an entity remembers of an observation for itself, beside what its rules do.
 * @module
 */
import type { Emitted, Refused } from "../contracts/entity";
import type { Numeric } from "../lib/json/exact";

/** An event to be emitted. */
export interface Emission {
  /** The rule, or the automation's action. */
  rule: string;
  event: string;
  /** What its data has besides the text. */
  attached?: Record<string, Numeric | string | null>;
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
  /** The ULID of the event that it was derived from; absent: of none. */
  source?: string;
}

/** What came of an observation; before its events are emitted, what was refused at once. */
export interface Judged {
  events: Emitted[];
  refused: Refused[];
}

/**
 * An observation that is remembered for itself; `pending`: its events are not all known to be emitted, and `seq` names
 * it.
 */
export interface Remembered {
  seq: number;
  pending: Pending | null;
  outcome: Judged;
}

export type Taken =
  /**
   * One for each observation, with what a schema refused of it now; `row` is `null` where nothing fired and it is no
   * repeat.
   */
  | { kind: "observed"; observations: { row: Remembered | null; refused: Refused[]; duplicate: boolean }[] }
  /** Too much waits to be emitted: nothing is changed. */
  | { kind: "full" }
  /** It was strict: nothing is changed. */
  | { kind: "refused"; refused: Refused[][] };
