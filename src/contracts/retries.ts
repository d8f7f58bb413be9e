import type { Claim, Outcome } from "./delivery";
import type { EndpointSettings } from "./settings";

/**
 * What the Worker's entry point `Retries` promises. Endpoints' alarms call it by the binding that every export of the Worker
 * has of itself (`ctx.exports`): sending is a room above theirs.
 */
export interface RetriesContract {
  /**
   * Sends deliveries, all at once, and answers what came of those that end soon: an object pays for the time that it waits.
   * Of the others it tells the endpoint when they end. Whatever fails, their leases say what is still owed.
   */
  send(claims: Claim[], settings: EndpointSettings): Promise<Outcome[]>;
}
