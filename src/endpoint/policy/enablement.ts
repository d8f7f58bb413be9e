/**
 * What switching an endpoint off and on writes into its state. That a rule does so is decided in failure-window.ts and by a
 * 410; what is unfinished is held by the ledger; D1's copy and the audit follow by `mirrorAt`; and the operator is told as
 * alerts.ts says.
 * @module
 */

import type { DisabledReason, Enablement } from "../../contracts/settings";
import { type Breaker, CLOSED } from "./breaker";
import type { FailureWindow } from "./failure-window";
import type { Quiet } from "./quiet";

/** What the two change. Times in ms. */
interface Switched extends Enablement {
  /** When D1's copy is to be written: at once. */
  mirrorAt: number | null;
  /** When it was disabled by rule and the audit does not say so yet: a person's change is in the audit already. */
  toAudit: readonly number[];
}

/** The state after an endpoint was disabled, by a person (`manual`) or by rule. Pure. */
export function afterDisable({ toAudit }: Pick<Switched, "toAudit">, reason: DisabledReason, now: number): Switched {
  return {
    enabled: false,
    disabledReason: reason,
    disabledAt: now,
    mirrorAt: now,
    toAudit: reason === "manual" ? toAudit : [...toAudit, now],
  };
}

/** What an endpoint begins anew when it is enabled. */
interface Anew {
  failures: number;
  timedOut: boolean;
  window: FailureWindow | null;
  breaker: Breaker;
  quiet: Quiet | null;
}

/** The state after an endpoint was enabled: with a clean window and the breaker closed. Pure. */
export function afterEnable(now: number): Omit<Switched, "toAudit"> & Anew {
  return {
    enabled: true,
    disabledReason: null,
    disabledAt: null,
    mirrorAt: now,
    failures: 0,
    timedOut: false,
    window: null,
    breaker: CLOSED,
    quiet: null,
  };
}
