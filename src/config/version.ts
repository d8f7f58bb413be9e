import { type SQL, sql } from "drizzle-orm";
import { endpoints } from "./tables/endpoints";

/**
 * A change that reads a row, decides by it and writes compares what it read: the write names the version of the row that
 * the decision was made for, and {@link repeated} begins anew where it was another one by then. An endpoint's version is
 * counted; of the other rows it is the time of their last change, which {@link laterThan} keeps from standing still.
 * @module
 */

/** How often a change is tried before its caller is told. Each time somebody else's was saved. */
const TRIES = 8;

/** What a change was decided by is not so any more. Nothing was written. */
export class ChangedMeanwhile extends Error {
  constructor() {
    super("changed by somebody else meanwhile");
  }
}

/**
 * Runs `change`, which reads, decides and writes, again from its reading on while what it read was changed before it could
 * write. Throws {@link ChangedMeanwhile} when that goes on, and what `change` throws.
 */
export async function repeated<T>(change: () => Promise<T>): Promise<T> {
  for (let left = TRIES - 1; left > 0; left--) {
    try {
      return await change();
    } catch (error) {
      if (!(error instanceof ChangedMeanwhile)) throw error;
    }
  }
  return change();
}

/** The row that a write answered which compared the version. Throws {@link ChangedMeanwhile} when it found none. */
export function written<T>([row]: readonly T[]): T {
  if (row === undefined) throw new ChangedMeanwhile();
  return row;
}

/** The time (ms) of a change at `now` of a row that was last changed at `updatedAt`: never the same one. */
export function laterThan({ updatedAt }: { updatedAt: number }, now: number): number {
  return Math.max(now, updatedAt + 1);
}

/**
 * SQL: the version of an endpoint after a change at `now` (ms). It goes by the clock, so that a change made after D1 was
 * set back to an earlier time is newer than all that the endpoint's object has seen.
 */
export function nextVersion(now: number): SQL {
  return sql`max(${endpoints.version} + 1, ${now})`;
}
