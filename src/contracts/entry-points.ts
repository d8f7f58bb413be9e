import type { Claim, Outcome } from "./delivery";
import type { EndpointSettings } from "./settings";

/** An event of the operator's own, on its way from the endpoint that tells it. */
export interface OperatorEvent {
  /** Names this one telling: its idempotency key. */
  id: string;
  type: string;
  /** ms. */
  timestamp: number;
  /** The JSON text of its data. */
  data: string;
}

/**
 * What the Worker's entry point `OperatorEvents` promises. Endpoints call it by the binding that every export of the Worker
 * has of itself (`ctx.exports`): accepting is a room above theirs.
 */
export interface OperatorEventsContract {
  /**
   * Accepts those events that somebody listens to, together, as if they had been posted to the tenant `operator`. A repeat
   * changes nothing. Throws when the log or D1 is out of reach; then whoever tells them keeps them.
   */
  tell(events: OperatorEvent[]): Promise<void>;
}

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
