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

/** SQL: an attempt holds the row; `?1` is the time in ms. */
const IN_FLIGHT = "lease IS NOT NULL AND lease <> 'queued' AND due > ?1";

/** One UPDATE of a step: `?1` is the time of the step, `?2` that of the job, in ms. */
interface Change {
  set: string;
  /** Which rows of the step are meant. */
  where: string;
}

/** What a job does to its rows. Those that expire are told of one by one, see `Jobs.overdue`. */
export const CHANGES: Readonly<Record<Exclude<Job["kind"], "expire">, readonly Change[]>> = {
  hold: [
    // What is in flight keeps its lease: its outcome still counts, and nobody sends beside it.
    {
      set: "status = 'held', due = iif(lease <> 'queued', due, NULL), lease = nullif(lease, 'queued'), reason = NULL",
      where: "test = 0 AND began <= ?2",
    },
    // Whoever asked for a test has looked by now.
    {
      set: "status = 'failed', finished = ?2, due = NULL, lease = NULL, reason = NULL, manual = 0",
      where: `test = 1 AND began <= ?2 AND NOT (${IN_FLIGHT.replace("?1", "?2")})`,
    },
  ],
  cancel: [{ set: "status = 'canceled', finished = ?2, due = NULL, lease = NULL, reason = NULL", where: "true" }],
  // A person's attempt, with its schedule restarted.
  recover: [
    {
      set: `status = iif(attempts = 0, 'pending', 'retrying'), due = iif(${IN_FLIGHT}, due, ?1),
        lease = iif(${IN_FLIGHT}, lease, NULL), began = ?1, manual = 1, step = 0, finished = NULL, reason = NULL, patience = 0,
        format = NULL`,
      where: "true",
    },
  ],
};
