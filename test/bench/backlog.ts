/** How an endpoint came through a load. */
interface Pace {
  /** Posted and delivered per second, in the last ten. */
  offered: number;
  deliveredPerSecond: number;
  /** Deliveries that still wait at the end. */
  backlog: number;
  alarms: number;
  /** That put deliveries back onto the queue. */
  messages: number;
}

/**
 * How an endpoint comes through a batch, a hiccup of its receiver, a burst and a steady load that takes all its slots, and
 * `recoverRatio`: the rate at which held deliveries are recovered, over that at which the same are delivered when posted.
 * Counts of a simulation in virtual time, the same on any machine; see test/model/backlog.ts.
 */
export async function measureBacklog(simulation: string): Promise<Record<string, Pace | number>> {
  const { measure } = (await import(simulation)) as { measure(): Promise<Record<string, Pace | number>> };
  return measure();
}
