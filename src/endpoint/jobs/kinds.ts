import type { DeliveryStatus } from "../../contracts/delivery";

/** Deliveries accepted in a span of time (ms, `until` exclusive) that have one of these states. */
export interface Span {
  since: number;
  until: number;
  statuses: readonly DeliveryStatus[];
}

/**
 * What is done to many deliveries, and how far that has come. `hold`: the endpoint is disabled. `cancel`: it is deleted.
 * `recover`: a person asked for them again. `expire`: they have waited for too long.
 */
export interface Job extends Span {
  kind: "hold" | "cancel" | "recover" | "expire";
  /** ms; when it was asked for: what began or finished later is not meant. */
  at: number;
  /** Ids up to this one are done with, so that what fails again is not recovered again. */
  after: string;
}

/** One UPDATE of a step: `?1` is the time of the step, `?2` that of the job, in ms, `?7` JSON of what attempts have. */
interface Change {
  set: string;
  /** Which rows of the step are meant. */
  where: string;
}

/** What a job does to its rows. Those that expire are told of one by one, see `Jobs.overdue`. */
export const CHANGES: Readonly<Record<Exclude<Job["kind"], "expire">, readonly Change[]>> = {
  hold: [
    { set: "status = 'held', due = NULL, reason = NULL", where: "test = 0 AND began <= ?2" },
    // Whoever asked for a test has looked by now.
    {
      set: "status = 'failed', finished = ?2, due = NULL, reason = NULL, manual = 0, text = NULL",
      where: "test = 1 AND began <= ?2 AND id NOT IN (SELECT value FROM json_each(?7))",
    },
  ],
  cancel: [{ set: "status = 'canceled', finished = ?2, due = NULL, reason = NULL, text = NULL", where: "true" }],
  // A person's attempt, with its schedule restarted.
  recover: [
    {
      set: `status = iif(attempts = 0, 'pending', 'retrying'), due = ?1, began = ?1, manual = 1, step = 0,
        finished = NULL, reason = NULL, patience = 0, format = NULL`,
      where: "true",
    },
  ],
};
