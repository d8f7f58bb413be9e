import { SECOND } from "../../lib/time";
import type { FailureWindow } from "./failure-window";

/**
 * When the operator is told how an endpoint fares. Pure: no I/O, no clock. A crossing is told once: what has been told
 * since the endpoint last recovered is remembered in {@link Alert}, so that neither concurrent attempts nor repeats
 * tell it again.
 */
export type EndpointEvent = "endpoint.failing" | "endpoint.disabled" | "endpoint.recovered";

/** What the operator has been told since the endpoint last recovered; `null`: nothing. */
export interface Alert {
  /** `enabled`: switched on again since, so that it may fail anew, and a success is news. */
  told: "failing" | "disabled" | "enabled";
  /** ms; when it began to fail. `null`: it was switched off by hand while it was well. */
  failingSince: number | null;
}

/** What may cross a line. */
export type Happening =
  /** An attempt at `at` (ms) failed and left the endpoint enabled, with this window. */
  | { kind: "failed"; at: number; window: FailureWindow }
  | { kind: "disabled"; failingSince: number | null }
  | { kind: "enabled" }
  /** An attempt succeeded while the endpoint was enabled. */
  | { kind: "succeeded" };

/** What is remembered after something happened, and the event that it causes. */
export function cross(alert: Alert | null, happening: Happening): { alert: Alert | null; event: EndpointEvent | null } {
  switch (happening.kind) {
    case "failed": {
      const { at, window } = happening;
      const news = (alert === null || alert.told === "enabled") && isHalfOver(window, at);
      if (!news) return { alert, event: null };
      return { alert: { told: "failing", failingSince: window.failingSince }, event: "endpoint.failing" };
    }
    case "disabled": {
      const failingSince = happening.failingSince ?? alert?.failingSince ?? null;
      return { alert: { told: "disabled", failingSince }, event: "endpoint.disabled" };
    }
    case "enabled":
      return { alert: alert && { ...alert, told: "enabled" }, event: null };
    case "succeeded":
      return { alert: null, event: alert === null ? null : "endpoint.recovered" };
  }
}

/** Whether `at` (ms) lies in the second half of a window; never in one without an end. */
function isHalfOver(window: FailureWindow, at: number): boolean {
  return window.length > 0 && at >= window.openedAt + (window.length * SECOND) / 2;
}
