/**
 * Counts over time as charts show them. Pure; times in ms.
 * @module
 */
import { DAY, HOUR } from "../../../lib/time";

/** What was counted in a step of time, by when it was accepted. */
export interface Point {
  /** Its first ms. */
  at: number;
  succeeded: number;
  /** Pending or retrying: it will be tried again. */
  waiting: number;
  failed: number;
  /** Held or canceled. */
  other: number;
  /** In ms; `null`: nothing was answered. */
  p50: number | null;
  p95: number | null;
}

/** What a row of the statistics says. */
export interface Counted {
  /** When its hour or day begins. */
  from: string;
  succeeded: number;
  pending: number;
  retrying: number;
  failed: number;
  held: number;
  canceled: number;
  latency?: { p50: number | null; p95: number | null };
}

/**
 * How far back a chart looks, as the address says it: in steps of what, and between how many marks of the axis. What is counted
 * is counted by the hour: of an hour that is the one that has begun, and the whole one before it.
 */
export const SPANS = {
  "1h": { name: "2 hours", length: 2 * HOUR, step: HOUR, marks: 3, shown: "clock" },
  "24h": { name: "24 hours", length: DAY, step: HOUR, marks: 5, shown: "clock" },
  "7d": { name: "7 days", length: 7 * DAY, step: HOUR, marks: 8, shown: "day" },
  "30d": { name: "30 days", length: 30 * DAY, step: DAY, marks: 6, shown: "day" },
} as const;
export type SpanName = keyof typeof SPANS;

/** The span of that name; a day for any other. */
export function spanNamed(text: string | undefined): SpanName {
  return text !== undefined && Object.hasOwn(SPANS, text) ? (text as SpanName) : "24h";
}

/**
 * From when to when a span reaches: whole steps, of which the last has begun at `now`. One of the same length lies before it, to
 * compare with.
 */
export function reachOf(span: SpanName, now: number): { before: number; since: number; until: number } {
  const { length, step } = SPANS[span];
  const until = (Math.floor(now / step) + 1) * step;
  return { before: until - 2 * length, since: until - length, until };
}

/** A point for every step between these times, oldest first, also for those in which nothing was counted; rows of a step add up. */
export function pointsOf(rows: readonly Counted[], since: number, until: number, step: number): Point[] {
  const points: Point[] = [];
  for (let at = since; at < until; at += step) {
    points.push({ at, succeeded: 0, waiting: 0, failed: 0, other: 0, p50: null, p95: null });
  }
  for (const row of rows) {
    const point = points[Math.floor((Date.parse(row.from) - since) / step)];
    if (point === undefined) continue;
    point.succeeded += row.succeeded;
    point.waiting += row.pending + row.retrying;
    point.failed += row.failed;
    point.other += row.held + row.canceled;
    point.p50 = larger(point.p50, row.latency?.p50 ?? null);
    point.p95 = larger(point.p95, row.latency?.p95 ?? null);
  }
  return points;
}

function larger(a: number | null, b: number | null): number | null {
  return a === null || (b !== null && b > a) ? b : a;
}

/** What points add up to. */
export function sumOf(points: readonly Point[]): Omit<Point, "at" | "p50" | "p95"> {
  const sum = (name: "succeeded" | "waiting" | "failed" | "other") =>
    points.reduce((total, point) => total + point[name], 0);
  return { succeeded: sum("succeeded"), waiting: sum("waiting"), failed: sum("failed"), other: sum("other") };
}

/** How many were counted in a point. */
export function allOf({ succeeded, waiting, failed, other }: Omit<Point, "at" | "p50" | "p95">): number {
  return succeeded + waiting + failed + other;
}

/** Of what is finished, the share that succeeded, from 0 to 100; `null` where nothing is. */
export function successOf({ succeeded, failed }: Pick<Point, "succeeded" | "failed">): number | null {
  return succeeded + failed === 0 ? null : (100 * succeeded) / (succeeded + failed);
}

/** The smallest round and even number that is not below `most`: its half is a line of the chart as well. */
export function ceiling(most: number): number {
  if (most <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 4, 6, 10].map((step) => step * power).find((step) => step >= most && step % 2 === 0) ?? most;
}

/** How a figure has changed against the one before it, in words; `null`: there is nothing to say. */
export function trendOf(now: number, before: number): string | null {
  if (before === 0) return null;
  const change = Math.round((100 * (now - before)) / before);
  if (change === 0) return "as before";
  return change > 999 ? `${Math.round(now / before)} times as many` : `${change > 0 ? "+" : "−"}${Math.abs(change)} %`;
}
