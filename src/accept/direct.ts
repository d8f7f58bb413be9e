import type { Subscription } from "../config/snapshot";
import { LANES } from "../endpoint/policy/admission";

/**
 * The longest timeout of an endpoint, in seconds, to which the Worker that accepts an event delivers itself: the platform
 * gives what goes on after its answer 30 s, and what came of the attempt is to be written down as well.
 */
const LONGEST = 25;

/**
 * Whether the Worker that accepts an event may deliver it itself: to so few endpoints that all attempts begin at once, and
 * all end in time. `callbacks`: how many addresses come with the event; these have the usual timeout. Pure.
 */
export function mayGoDirectly(matched: readonly Pick<Subscription, "timeout">[], callbacks: number): boolean {
  const count = matched.length + callbacks;
  return count > 0 && count <= LANES && matched.every(({ timeout }) => timeout === null || timeout <= LONGEST);
}
