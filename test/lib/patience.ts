import { availableParallelism, loadavg } from "node:os";

/**
 * How many times as long as on a quiet machine something may take here and now: how many processes want each core, by the
 * load of the last minute; at least 1. Also 1 inside workerd, which knows no load: `until` asks for it outside.
 */
export function strain(): number {
  const [load = 0] = loadavg();
  return Math.max(1, load / availableParallelism());
}

/**
 * So many milliseconds of a quiet machine, as this one is now. For what cannot ask again while it waits: the limits of tests
 * and of the browser's steps.
 */
export function patient(milliseconds: number): number {
  return Math.ceil(milliseconds * strain());
}

/** The longest that a test may take on any machine, in ms: by then it hangs. */
const HANGS = 30 * 60_000;

/**
 * For the configuration of a suite: when a test, or what prepares it, is given up that no wait of its own has ended before,
 * so that a run ends at all.
 */
export const LIMITS = {
  testTimeout: Math.min(patient(600_000), HANGS),
  hookTimeout: Math.min(patient(300_000), HANGS),
};
