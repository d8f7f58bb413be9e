import type { Outcome } from "../contracts/delivery";
import { retries } from "../contracts/find";
import { logError } from "../lib/log";
import type { Changes, EndpointName } from "./changes";
import type { Configuration } from "./configuration";

/**
 * Has what is due sent at once, where that is little, and hands over what came of it. An alarm does so, and as long as it goes
 * on the platform brings it again after a death; by then the leases are stored. Never throws.
 */
export async function retryDue(
  changes: Changes,
  configuration: Configuration,
  ctx: Pick<DurableObjectState, "exports">,
  name: EndpointName,
  record: (outcomes: Outcome[]) => Promise<unknown>,
): Promise<void> {
  try {
    await configuration.loadFor({ version: 0 });
    if (changes.erased) return;
    const claims = changes.whole((ledger) => ledger.retry(Date.now()));
    const { settings } = changes.ledger.state;
    if (claims.length === 0 || settings === null) return;
    const outcomes = await retries(ctx).send(claims, settings);
    if (changes.erased) return;
    const told = new Set(outcomes.map(({ delivery }) => delivery.id));
    const hanging = claims.filter(({ delivery }) => !told.has(delivery.id));
    if (outcomes.length > 0) await record(outcomes);
    if (hanging.length > 0) {
      const attempts = hanging.map(({ delivery, grant: { attemptId, leasedUntil } }) => {
        return { delivery, attemptId, leasedUntil };
      });
      changes.make((ledger) => ledger.lag(attempts, Date.now()));
    }
  } catch (error) {
    logError("endpoint.retry.failed", error, name);
  }
}
