import type { Report } from "../contracts/delivery";
import type { HealthRecord } from "../contracts/endpoint";
import type { DisabledReason, Enablement, EndpointSettings } from "../contracts/settings";
import { eventIdOf } from "../lib/ids";
import { OPERATOR_TENANT } from "../lib/operator";
import { iso, isoOrNull, SECOND } from "../lib/time";
import type { Leases, StoredLease } from "./memory/leases";
import { type Alert, cross, type Happening } from "./policy/alerts";
import * as breaking from "./policy/breaker";
import { afterDisable, afterEnable } from "./policy/enablement";
import { afterFailure, disablesAt, PARTS } from "./policy/failure-window";
import { type Pace, paceAfter, paceOf } from "./policy/pace";
import { quietAfter, quietAfterSuccess, quietUntil } from "./policy/quiet";
import { afterFailed, failedLately } from "./policy/tries";
import type { Outbox } from "./storage/outbox";
import type { Head } from "./storage/row";
import { type EndpointState, NEW_STATE, type Stored } from "./storage/stored-state";
import type { Values } from "./storage/values";

/** How soon D1's copy of the enablement is written again after that failed, in ms. */
const MIRROR_AGAIN = 30 * SECOND;

/**
 * An endpoint's state: its settings, whether it is enabled, and how it fares over all its deliveries. Tells the
 * operator when it crosses a line. Of single deliveries it knows nothing. Times in ms.
 */
export class State {
  readonly #values: Values;
  readonly #outbox: Outbox;
  #settings: EndpointSettings | null;
  #state: EndpointState;
  /** It has changed since it was stored. */
  #changed = false;
  /** `null`: nothing is known of it. */
  #pace: Pace | null;
  /** When an attempt last succeeded since the object woke; in ms. */
  lastSuccessAt: number | null = null;
  readonly #leases: Leases;

  constructor(values: Values, outbox: Outbox, leases: Leases) {
    this.#values = values;
    this.#outbox = outbox;
    this.#leases = leases;
    this.#settings = values.load<EndpointSettings>("settings");
    const { leases: stored, ...state } = values.load<Partial<Stored>>("fortune") ?? {};
    leases.load(stored ?? values.load<StoredLease[]>("leases") ?? []);
    this.#state = { ...NEW_STATE, ...state };
    this.#pace = this.#state.pace === null ? null : paceOf(this.#state.pace);
  }

  /** The copy of the configuration; `null` until there is one. */
  get settings(): EndpointSettings | null {
    return this.#settings;
  }

  get stored(): Readonly<EndpointState> {
    return this.#state;
  }

  /** What its attempts take at present; `null`: nothing is known of it. */
  get pace(): Readonly<Pace> | null {
    return this.#pace;
  }

  /** An attempt was answered after `duration` ms. */
  answered(duration: number): void {
    const pace = paceAfter(this.#pace, duration);
    const unknown = this.#state.pace === null;
    // One of whom nothing is written is taken to be fast soon enough.
    if (unknown && pace.class === "fast") this.#state = { ...this.#state, pace: pace.class };
    else if (pace.class !== this.#state.pace) this.#set({ pace: pace.class });
    this.#pace = pace;
  }

  /** Takes a copy of the configuration. The first one also says whether the endpoint was created switched off. */
  configure(settings: EndpointSettings, initial: Enablement): void {
    if (this.#settings === null) this.#set({ ...initial });
    else if (settings.version < this.#settings.version)
      return; // an older read that took longer
    else if (settings.url !== this.#settings.url) this.#elsewhere();
    this.#values.save("settings", settings);
    this.#settings = settings;
  }

  /** An attempt that began at `at` succeeded. */
  succeeded(at: number, now: number): void {
    const { window, failures, timedOut, enabled } = this.#state;
    const quiet = quietAfterSuccess(this.#state.quiet, at);
    // What comes late to an endpoint that is switched off is no recovery yet.
    const alert = enabled ? this.#cross({ kind: "succeeded" }, now) : this.#state.alert;
    const same = alert === this.#state.alert && quiet === this.#state.quiet;
    this.lastSuccessAt = now;
    if (window === null && failures === 0 && !timedOut && same) return;
    this.#set({ window: null, breaker: breaking.CLOSED, quiet, failures: 0, timedOut: false, alert });
  }

  /**
   * An attempt failed; `retryAfter`: the seconds that its answer asked for. Answers why the endpoint is to be disabled for
   * it; `null`: it is not.
   */
  failed(attempt: Report, retryAfter: number | null, now: number): DisabledReason | null {
    // Blocked by our own policy: nothing was sent, so it says nothing of the receiver.
    if (attempt.error === "blocked") {
      this.untold(attempt.id);
      return null;
    }
    const { window, disable } = afterFailure(this.#state.window, attempt.at, this.#settings?.disableAfter ?? 0);
    const breaker = breaking.afterFailed(this.#state.breaker, attempt, now);
    const quiet = quietAfter(this.#state.quiet, retryAfter, attempt.at + attempt.durationMs);
    this.#set({ window, breaker, quiet, failures: this.#state.failures + 1, timedOut: attempt.error === "timeout" });
    const { at, statusCode, error } = attempt;
    if (error !== null)
      this.#set({ lastFailure: { at, statusCode, error }, failed: afterFailed(this.#state.failed, at) });
    if (attempt.error === "gone" && !this.#settings?.callback) return "gone";
    if (disable) return "failing";
    // An attempt that disables is told as that alone.
    if (!this.#state.enabled) return null;
    const alert = this.#cross({ kind: "failed", at: attempt.at, window }, now);
    if (alert !== this.#state.alert) this.#set({ alert });
    return null;
  }

  /** An attempt ended and told nothing of the receiver. */
  untold(attemptId: string): void {
    this.#setBreaker(breaking.afterNothing(this.#state.breaker, attemptId));
  }

  /** A delivery is called to probe; its message is given until `until`. */
  called(until: number): void {
    this.#setBreaker(breaking.called(this.#state.breaker, until));
  }

  /** An attempt goes out as the probe, with a lease until `until`. */
  probing(attemptId: string, until: number): void {
    this.#setBreaker(breaking.probing(this.#state.breaker, attemptId, until));
  }

  /** The breaker need not wait for its time. */
  hurry(): void {
    this.#setBreaker(breaking.hurried(this.#state.breaker));
  }

  /** Switches the endpoint off; answers whether it was on. */
  disable(reason: DisabledReason, now: number): boolean {
    if (!this.#state.enabled) return false;
    this.#set(afterDisable(this.#state, reason, now));
    const failingSince = this.#state.window?.failingSince ?? null;
    this.#set({ alert: this.#cross({ kind: "disabled", failingSince }, now) });
    return true;
  }

  /** Switches the endpoint on, with a clean window and the breaker closed. */
  enable(now: number): void {
    if (this.#state.enabled) return;
    this.#set({ ...afterEnable(now), alert: this.#cross({ kind: "enabled" }, now) });
  }

  /** Whether the last change could be written. */
  wrote(done: boolean): void {
    if (this.#state.doubtful === done) this.#set({ doubtful: !done });
  }

  /** D1's copy of the enablement is right again, or is to be tried again later. */
  mirrored(done: boolean, now: number): void {
    this.#set({ mirrorAt: done ? null : now + MIRROR_AGAIN });
  }

  /** The audit says by now that it was disabled at these times. */
  audited(times: readonly number[]): void {
    if (times.length > 0) this.#set({ toAudit: this.#state.toAudit.filter((time) => !times.includes(time)) });
  }

  /** The endpoint is deleted; answers whether it was there. */
  close(): boolean {
    if (this.#state.gone) return false;
    // The copy is nobody's any more, but what it was disabled for is still to be told.
    this.#set({ gone: true, mirrorAt: this.#state.toAudit.length > 0 ? this.#state.mirrorAt : null });
    return true;
  }

  /** The endpoint is there again. What was canceled stays so. */
  reopen(): void {
    if (this.#state.gone) this.#set({ gone: false });
  }

  /** A delivery failed for good: the operator is told. */
  exhausted({ id, event, attempts, code, error }: Head, now: number): void {
    const { window } = this.#state;
    const failed = { id, eventId: eventIdOf(id), event, attempts, lastStatusCode: code, lastError: error };
    this.#tell("delivery.exhausted", { failingSince: isoOrNull(window?.failingSince), delivery: failed }, now);
  }

  /** How many attempts failed in the last hour. */
  failedLately(now: number): number {
    return failedLately(this.#state.failed, now);
  }

  health(now: number): HealthRecord {
    const { enabled, disabledReason, disabledAt, failures, window, breaker, quiet } = this.#state;
    const state = breaking.stateOf(breaker, now);
    const failing = window === null ? ("healthy" as const) : ("failing" as const);
    return {
      state: enabled ? failing : "disabled",
      enabled,
      disabledReason,
      disabledAt,
      failingSince: window?.failingSince ?? null,
      disablesAt: enabled ? disablesAt(window) : null,
      window: window?.marked ?? Array<boolean>(PARTS).fill(false),
      consecutiveFailures: failures,
      breaker: { state, until: state === "open" ? (breaker.open?.until ?? null) : null },
      quietUntil: quietUntil(quiet, now),
    };
  }

  /** Tells the operator of a line that was crossed, if one was, and answers what is to be remembered of it. */
  #cross(happening: Happening, now: number): Alert | null {
    const before = this.#state.alert;
    const { alert, event } = cross(before, happening);
    if (event === null) return alert;
    const { disabledReason, disabledAt, window } = this.#state;
    const failingSince = isoOrNull((alert ?? before)?.failingSince);
    if (event === "endpoint.failing") {
      this.#tell(event, { failingSince, disablesAt: isoOrNull(disablesAt(window)) }, now);
    } else if (event === "endpoint.disabled") {
      this.#tell(event, { failingSince, disabledReason, disabledAt: isoOrNull(disabledAt) }, now);
    } else {
      this.#tell(event, { failingSince, recoveredAt: iso(now) }, now);
    }
    return alert;
  }

  /** Writes an operator event down. The operator's own endpoints cause none, or each failure would cause the next. */
  #tell(event: string, what: object, now: number): void {
    if (this.#settings === null || this.#settings.tenant === OPERATOR_TENANT || this.#state.gone) return;
    const { tenant, endpoint: id, uid = null, name = null, url } = this.#settings;
    this.#outbox.add(event, { tenant, endpoint: { id, uid, name, url }, ...what }, now);
  }

  /** The receiver is another one: it need not wait for what the first one brought about. */
  #elsewhere(): void {
    const breaker = breaking.hurried(this.#state.breaker);
    if (breaker !== this.#state.breaker || this.#state.quiet !== null) this.#set({ breaker, quiet: null });
  }

  #setBreaker(breaker: breaking.Breaker): void {
    if (breaker !== this.#state.breaker) this.#set({ breaker });
  }

  /** Stores what has changed of it and of the leases since it was last stored: one row, however much that is. */
  save(now: number): void {
    if (!this.#changed && !this.#leases.changed) return;
    const lastSuccessAt = this.lastSuccessAt ?? this.#state.lastSuccessAt;
    this.#values.save("fortune", { ...this.#state, lastSuccessAt, leases: this.#leases.stored(now) } satisfies Stored);
    this.#changed = false;
  }

  #set(change: Partial<EndpointState>): void {
    this.#state = { ...this.#state, ...change };
    this.#changed = true;
  }
}
