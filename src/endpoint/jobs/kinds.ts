import type { DeliveryStatus } from "../../contracts/delivery";
import { isOfSteps } from "./asked";

/** The states of what has ended otherwise than well, or rests. */
export type EndedStatus = Extract<DeliveryStatus, "failed" | "held" | "canceled">;

/** Deliveries accepted in a span of time (ms, `until` exclusive) that have one of these states. */
export interface Span {
  since: number;
  until: number;
  statuses: readonly EndedStatus[];
}

/**
 * What is done to many deliveries, and how far that has come. `hold`: the endpoint is disabled. `cancel`: it is deleted.
 * `recover`: a person asked for them again. `stop`: and does not any more. What has waited for too long is told of one by one, see `Jobs.overdue`.
 */
export interface Job extends Span {
  kind: "hold" | "cancel" | "recover" | "stop";
  /** Which recovery it is, or stops. */
  id?: string;
  /** ms; when it was asked for: what began or finished later is not meant. */
  at: number;
  /** What is unfinished comes first, by its due time: how far that has come. Absent: it is not meant, or done with. */
  waiting?: { due: number; id: string };
  /** Of its states, ids up to this one are done with, so that what fails again is not recovered again. */
  after: string;
}

/**
 * One UPDATE of a step: `?1` is the time of the step, `?2` that of the job, in ms, `?3` JSON of what attempts have, `?5` that of
 * the steps that a recovery has made.
 */
interface Change {
  set: string;
  /** Which rows of the step are meant. */
  where: string;
}

/** What a job does to its rows. */
export const CHANGES: Readonly<Record<Job["kind"], readonly Change[]>> = {
  hold: [
    { set: "status = 'held', due = NULL, reason = NULL", where: "test = 0 AND began <= ?2" },
    // Whoever asked for a test has looked by now.
    {
      set: "status = 'failed', finished = ?2, due = NULL, reason = NULL, manual = 0, text = NULL",
      where: "test = 1 AND began <= ?2 AND id NOT IN (SELECT value FROM json_each(?3))",
    },
  ],
  cancel: [{ set: "status = 'canceled', finished = ?2, due = NULL, reason = NULL, text = NULL", where: "true" }],
  // A person's attempt, with its schedule restarted.
  recover: [
    {
      set: `status = iif(attempts = 0, 'pending', 'retrying'), due = ?1, began = iif(status = 'held', ?1 - 1, ?1), manual = 1, step = 0,
        finished = NULL, reason = NULL, patience = 0, format = NULL`,
      where: "true",
    },
  ],
  // As it was: what had failed and what was held began at different times.
  stop: [
    {
      set: `status = iif(began IN (SELECT value FROM json_each(?5)), 'failed', 'held'), due = NULL, manual = 0, reason = NULL,
        finished = iif(began IN (SELECT value FROM json_each(?5)), ?1, NULL)`,
      where: `${isOfSteps("?5")} AND id NOT IN (SELECT value FROM json_each(?3))`,
    },
  ],
};
