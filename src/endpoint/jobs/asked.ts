import type { RecoveryRecord } from "../../contracts/endpoint";
import type { Span } from "./kinds";

/** The most recoveries that are remembered. */
const REMEMBERED = 20;

/** A recovery that a person asked for, and how far it came. Times in ms. */
export interface Asked extends Span {
  id: string;
  at: number;
  /** How many deliveries it was about, as far as they were counted. */
  count: number;
  /** How many were made due, and when each step did so: what had failed begins then, what was held a ms before. */
  taken: number;
  steps: readonly number[];
  /** When it was ended before it was through; how many were put back then. */
  canceledAt: number | null;
  stopped: number;
}

/** With another one, the oldest forgotten. Pure, as all of this file. */
export function withAsked(list: readonly Asked[], id: string, span: Span, count: number, at: number): Asked[] {
  const fresh = { ...span, id, at, count, taken: 0, steps: [], canceledAt: null, stopped: 0 };
  return [...list, fresh].slice(-REMEMBERED);
}

/** The time of a recovery's next step: none begins as another has. */
export function stepAt({ steps }: Asked, now: number): number {
  return Math.max(now, (steps.at(-1) ?? 0) + 2);
}

/** After a step at `at` that made so many due. */
export function stepped(asked: Asked, taken: number, at: number): Asked {
  return taken === 0 ? asked : { ...asked, taken: asked.taken + taken, steps: [...asked.steps, at] };
}

/** SQL: a row was made due by steps, the JSON of whose times is the parameter, and has not been tried since. */
export function isOfSteps(parameter: string): string {
  const steps = `(SELECT value FROM json_each(${parameter}))`;
  return `manual = 1 AND (began IN ${steps} OR began + 1 IN ${steps})`;
}

/** As it is told. `isOn`: there is more to be made due. `waiting`: how many of what was made due are still to be tried. */
export function told(asked: Asked, isOn: boolean, waiting: number): RecoveryRecord {
  const { id, at, since, until, statuses, canceledAt, taken, stopped } = asked;
  const count = Math.max(asked.count, taken);
  const state = canceledAt !== null ? "canceled" : isOn || waiting > 0 ? "running" : "done";
  const done = state === "done" ? count : Math.max(taken - waiting - stopped, 0);
  return { id, at, since, until, statuses: statuses.filter((status) => status !== "canceled"), count, done, state };
}
