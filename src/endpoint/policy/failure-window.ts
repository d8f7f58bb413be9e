import { SECOND } from "../../lib/time";

/**
 * The failure window: whether an endpoint has failed for so long, and so often, that it is switched off.
 * Pure: no I/O, no clock. The window opens at the first failed attempt since the last success and any success closes
 * it. Its length is cut into seven parts, and a part with a failed attempt is marked, so that two isolated failures a
 * week apart do not disable while a week of failures does.
 */
export const PARTS = 7;
const PARTS_NEEDED = 2;

export interface FailureWindow {
  /** The first failed attempt since the last success, in ms: what `failingSince` tells. */
  failingSince: number;
  /** Where the seven parts begin; later than `failingSince` once a window has started anew. In ms. */
  openedAt: number;
  /** Which parts have a failed attempt; always {@link PARTS} long. */
  marked: boolean[];
  /** In seconds; 0: it never ends. */
  length: number;
}

function openAt(at: number, length: number, failingSince: number): FailureWindow {
  return { failingSince, openedAt: at, marked: mark(Array(PARTS).fill(false), 0), length };
}

function mark(marked: readonly boolean[], part: number): boolean[] {
  return marked.map((was, i) => was || i === part);
}

function partOf(window: FailureWindow, at: number): number {
  const part = Math.floor(((at - window.openedAt) / (window.length * SECOND)) * PARTS);
  return Math.min(Math.max(part, 0), PARTS - 1);
}

/**
 * The window after a failed attempt at `at` (ms), and whether that attempt disables the endpoint.
 * `length` is the endpoint's `disableAfter` in seconds, 0 for never.
 */
export function afterFailure(
  open: FailureWindow | null,
  at: number,
  length: number,
): { window: FailureWindow; disable: boolean } {
  if (open === null) return { window: openAt(at, length, at), disable: false };
  const window = resized(open, length);
  if (length === 0) return { window, disable: false };
  if (at < window.openedAt + length * SECOND) {
    return { window: { ...window, marked: mark(window.marked, partOf(window, at)) }, disable: false };
  }
  if (window.marked.filter(Boolean).length >= PARTS_NEEDED) return { window, disable: true };
  return { window: openAt(at, length, window.failingSince), disable: false };
}

/** The window under another length: each marked part is found again by the time at which it began. */
export function resized(window: FailureWindow, length: number): FailureWindow {
  if (length === window.length) return window;
  const next: FailureWindow = { ...window, length, marked: Array(PARTS).fill(false) };
  if (length === 0) return { ...next, marked: mark(next.marked, 0) };
  for (const [part, was] of window.marked.entries()) {
    if (was) next.marked[partOf(next, window.openedAt + (part / PARTS) * window.length * SECOND)] = true;
  }
  return next;
}

/** When a failed attempt would disable the endpoint, in ms; `null`: never. */
export function disablesAt(window: FailureWindow | null): number | null {
  return window === null || window.length === 0 ? null : window.openedAt + window.length * SECOND;
}
