import type { Standing, Summary } from "../../contracts/figures";
import { DAY, MINUTE } from "../../lib/time";

/**
 * When an endpoint tells D1 how it fares. Pure: no I/O, no clock. Each time is a row in D1 and one of the object, and by an
 * alarm a row and a call more; at two hundredths of what a delivery costs, that is so many deliveries:
 */
const WITH_AN_OUTCOME = 100;
export const BY_ALARM = 200;
/** The most deliveries that are saved up for it. */
export const CREDIT = 10 * BY_ALARM;
/** After so long it tells of fewer, and of however few. */
const FEW = 20;
const LONG = DAY;
const LONGEST = 7 * DAY;

/** What was told last, as far as the next time goes by it. Times in ms. */
export interface LastTold extends Pick<Standing, "waiting" | "held"> {
  at: number;
  /** When it was told before that. */
  before: number;
  state: Summary["state"];
}

/** How things stand. */
export interface Change extends Pick<Standing, "waiting" | "held"> {
  state: Summary["state"];
  /** Rows that have changed since it was told, as far as the object remembers. */
  changes: number;
  /** Deliveries that are saved up. */
  credit: number;
  /** Figures that D1 has as over have changed. */
  late: boolean;
}

/** When it is to be told, in ms, and whether the alarm sees to it or only what happens anyway. */
export interface Turn {
  at: number;
  alarm: boolean;
}

/** `null`: there is nothing to tell. */
export function turnOf(told: LastTold | null, now: Change): Turn | null {
  const { state, waiting, held, changes, credit, late } = now;
  if (told === null) return changes > 0 || waiting > 0 || held > 0 ? { at: 0, alarm: false } : null;
  // That it is well again goes with that nothing waits any more, which is soon after.
  const recovers = state === "healthy" && told.state !== "healthy" && waiting > 0;
  if (recovers) return { at: told.at + MINUTE, alarm: true };
  const crossed = state !== told.state || waiting > 0 !== told.waiting > 0 || held > 0 !== told.held > 0;
  // At once, yet not more than once a minute over any two.
  const next = told.at + MINUTE;
  if (crossed) return { at: Math.min(next, Math.max(told.before + 2 * MINUTE, told.at)), alarm: true };
  if (waiting !== told.waiting || held !== told.held) return { at: next, alarm: true };
  if (late) return { at: next, alarm: false };
  if (changes === 0) return null;
  if (credit >= BY_ALARM) return { at: next, alarm: true };
  if (changes >= WITH_AN_OUTCOME) return { at: next, alarm: false };
  if (state === "failing") return { at: told.at + 10 * MINUTE, alarm: false };
  return { at: told.at + LONG, alarm: false };
}

/** Whether what is due after so long is enough to be told; `since`: the deliveries accepted since, at most {@link ENOUGH}. */
export function isEnough(told: LastTold, since: number, now: number): boolean {
  return since >= FEW || now >= told.at + LONGEST;
}

export const ENOUGH = FEW;
