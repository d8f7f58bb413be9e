import { Arrivals } from "./arrivals";
import { Leases } from "./leases";
import { UnderWay } from "./under-way";

/**
 * What an endpoint's object knows best effort, in memory only: it outlives a change that was rolled back, and goes with the
 * object.
 */
export class Memory {
  readonly leases = new Leases();
  readonly arrivals = new Arrivals();
  readonly underWay = new UnderWay();
}
