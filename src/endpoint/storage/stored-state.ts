import type { Summary } from "../../contracts/figures";
import type { Enablement } from "../../contracts/settings";
import type { StoredLease } from "../memory/leases";
import type { Trend } from "../policy/admission";
import type { Alert } from "../policy/alerts";
import * as breaking from "../policy/breaker";
import type { FailureWindow } from "../policy/failure-window";
import type { Quiet } from "../policy/quiet";
import type { FailedLately } from "../policy/tries";

/** How the endpoint fares, over all deliveries. */
export interface EndpointState extends Trend, Enablement {
  window: FailureWindow | null;
  breaker: breaking.Breaker;
  /** What its receiver has asked for last; `null`: nothing, or it is over. */
  quiet: Quiet | null;
  /** What the operator has been told of it. */
  alert: Alert | null;
  /** The endpoint is deleted. */
  gone: boolean;
  /** When D1's copy of the enablement is to be written, in ms; `null`: it is right. */
  mirrorAt: number | null;
  /** When it was disabled by rule and the audit does not say so yet, in ms. It goes with D1's copy, whatever that says by then. */
  toAudit: readonly number[];
  /** A change of the ledger could not be written, and no row has been since. */
  doubtful: boolean;
  /** As far as it was stored: of an endpoint without failures its rows tell. In ms. */
  lastSuccessAt: number | null;
  lastFailure: Summary["lastFailure"];
  failed: FailedLately;
}

/** What the row `fortune` has. */
export type Stored = EndpointState & { leases: StoredLease[] };

/** Of an endpoint that nothing has come to yet. */
export const NEW_STATE: EndpointState = {
  enabled: true,
  disabledReason: null,
  disabledAt: null,
  failures: 0,
  timedOut: false,
  pace: null,
  window: null,
  breaker: breaking.CLOSED,
  quiet: null,
  alert: null,
  gone: false,
  mirrorAt: null,
  toAudit: [],
  doubtful: false,
  lastSuccessAt: null,
  lastFailure: null,
  failed: [],
};
