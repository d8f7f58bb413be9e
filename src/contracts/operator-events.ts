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
