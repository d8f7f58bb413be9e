import { parseDeliveryId } from "../lib/ids";

/** Of the deliveries that an event has beyond its first, one in so many has a line of its success. */
export const FURTHER_PER_LINE = 10;

/**
 * Whether the log has a line of an attempt: of all that failed, and of the success after them. An event that goes through
 * at once has its one line since its acceptance, which names its request; of its further deliveries some are sampled. The
 * choice is here and not the platform's (`head_sampling_rate`), which would leave out failures as well. Pure.
 *
 * @param error the attempt's; `null`: it succeeded
 */
export function isLogged(delivery: string, attempt: number, error: string | null): boolean {
  if (error !== null || attempt > 1) return true;
  const ref = parseDeliveryId(delivery);
  if (ref === null || ref.index === 0) return false;
  // By the event too: else the same endpoints would always be chosen.
  return (ref.ulid.charCodeAt(ref.ulid.length - 1) + ref.index) % FURTHER_PER_LINE === 0;
}
