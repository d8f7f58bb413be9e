/**
 * An endpoint's pace: what an attempt takes at present, as a moving mean. Pure: no I/O, no clock. It decides how many
 * deliveries a consumer is given at once, and whether the endpoint is slow: then its deliveries take the slow lane though
 * they succeed, and wait for their like only. It gets worse slowly, so that one slow answer is none, and better fast.
 */
const WORSE = 0.25;
const BETTER = 0.5;
/** From which mean on an endpoint is slow, and below which it is well again, in ms. */
const SLOW = 1_000;
const WELL = 500;
/** Below which mean an endpoint is fast, and from which on it is not any more, in ms. */
const FAST = 50;
const NOT_FAST = 100;

/** What is kept of a pace: written down only when it changes, so that a steady endpoint writes nothing for it. */
export const PACE_CLASSES = ["fast", "steady", "slow"] as const;
export type PaceClass = (typeof PACE_CLASSES)[number];

/** The mean that is taken for a class when the object's memory is lost, in ms. */
const TYPICAL: Readonly<Record<PaceClass, number>> = { fast: FAST / 2, steady: 250, slow: 2 * SLOW };

export interface Pace {
  /** The moving mean in ms. */
  mean: number;
  class: PaceClass;
}

/** The pace of a class of which nothing more is known. */
export function paceOf(known: PaceClass): Pace {
  return { mean: TYPICAL[known], class: known };
}

/** The pace after an attempt that took `duration` ms; `before`: `null` when it is the first of all. */
export function paceAfter(before: Pace | null, duration: number): Pace {
  if (before === null) return { mean: duration, class: classOf(duration, "steady") };
  const mean = before.mean + (duration > before.mean ? WORSE : BETTER) * (duration - before.mean);
  return { mean, class: classOf(mean, before.class) };
}

/** Between the thresholds of two classes it stays what it was, so that it does not change with every attempt. */
function classOf(mean: number, before: PaceClass): PaceClass {
  if (mean >= SLOW || (before === "slow" && mean >= WELL)) return "slow";
  if (mean <= FAST || (before === "fast" && mean <= NOT_FAST)) return "fast";
  return "steady";
}
