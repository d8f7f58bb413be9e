import type { UnderWayAt } from "../../contracts/event-log";
import { endpointStub } from "../../contracts/find";
import { FRESH } from "../../endpoint/policy/admission";
import { mapBounded } from "../../lib/bounded";
import { logError } from "../../lib/log";
import type { AppContext } from "../http/context";

/** Objects that are asked side by side. */
const LANES = 20;

/** The header of an answer that ends deliveries, for the routes that give it. */
export const IN_FLIGHT = "In-Flight";

const description =
  "How many requests may still be under way: they had begun, or were let go, before the change was made. Those that end " +
  "within 2 s are waited for, and after the answer no other begins; so this is nearly always 0.";

/** The same as the document describes it. */
export const inFlightHeader = { [IN_FLIGHT]: { description, schema: { type: "integer" as const, minimum: 0 } } };

/**
 * Waits until nothing of what a change has ended is under way any more, 2 s at the most, and says in the answer how many
 * requests are. Where an object is out of reach by now it says nothing: the change is made all the same.
 */
export async function tellUnderWay(c: AppContext, tenant: string, places: readonly UnderWayAt[]): Promise<void> {
  const until = Date.now() + FRESH;
  try {
    const counts = await mapBounded([...places], LANES, ({ endpoint, deliveries }) =>
      endpointStub(c.env, tenant, endpoint).underWay(until, deliveries),
    );
    c.header(IN_FLIGHT, String(counts.reduce((sum, count) => sum + count, 0)));
  } catch (error) {
    logError("deliveries.under-way.failed", error, { tenant });
  }
}
