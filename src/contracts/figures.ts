/**
 * Figures: deliveries counted by the hour of their acceptance. They are taken from an endpoint's rows and can be taken anew
 * at any time; what is kept of them elsewhere is a copy. All of it is pure.
 * @module
 */
import { HOUR } from "../lib/time";
import { DELIVERY_STATUSES, type DeliveryError, type DeliveryStatus } from "./delivery";
import type { Latency } from "./endpoint";

/**
 * How many deliveries there are of each status, in their order, how many attempts they took, and how long those took that
 * succeeded: pairs of a bucket and its count. An array, since there are many and they travel as JSON.
 */
export type Tally = number[];

/** An hour of an endpoint: by event type, and by the last answer. Each of the two has every delivery once. */
export interface HourFigures {
  events: Record<string, Tally>;
  codes: Record<string, Tally>;
}

/** By the first ms of the hour. */
export type Figures = Record<string, HourFigures>;

/** What figures go by of a delivery. */
export interface Counted {
  event: string;
  status: DeliveryStatus;
  attempts: number;
  code: number | null;
  error: DeliveryError | null;
  duration: number | null;
}

const STATUSES = DELIVERY_STATUSES.length;
const ATTEMPTS = STATUSES;
/** Where the pairs begin. */
const PAIRS = STATUSES + 1;

/** The most names that an hour tells apart by event type, and likewise by answer. */
export const MOST_NAMES = 50;
/** What stands for the others: no event type and no answer is called so. */
export const OTHERS = "*";
/** What stands for the answer where there was none yet. */
export const UNANSWERED = "-";

export const NO_TALLY: Readonly<Tally> = Array<number>(PAIRS).fill(0);

/** An hour without deliveries. */
export const NO_HOUR: Readonly<HourFigures> = { events: {}, codes: {} };

/** Durations up to this many ms have a bucket each, longer ones share 24 for each power of ten: 10 % wide. */
const EXACT = 10;
const STEPS = 24;

/** The bucket of a duration in ms. */
export function bucketOf(ms: number): number {
  return ms <= EXACT ? Math.max(Math.ceil(ms), 0) : EXACT + Math.ceil(STEPS * Math.log10(ms / EXACT) - 1e-9);
}

/** The longest duration of a bucket, in ms. */
export function longestOf(bucket: number): number {
  return bucket <= EXACT ? bucket : Math.round(EXACT * 10 ** ((bucket - EXACT) / STEPS));
}

/** The first ms of the hour of a time in ms. */
export function hourOf(ms: number): number {
  return ms - (ms % HOUR);
}

/** What a delivery was answered last: a status code, what went wrong instead, or `UNANSWERED`. */
export function answerOf({ code, error }: Pick<Counted, "code" | "error">): string {
  if (error === "expired") return error;
  return String(code ?? error ?? UNANSWERED);
}

/** Adds a delivery to a tally, or takes it away again with the sign -1. */
function count(tally: Tally, { status, attempts, duration }: Counted, sign: 1 | -1): void {
  const at = DELIVERY_STATUSES.indexOf(status);
  tally[at] = (tally[at] ?? 0) + sign;
  tally[ATTEMPTS] = (tally[ATTEMPTS] ?? 0) + sign * attempts;
  if (status === "succeeded" && duration !== null) addBucket(tally, bucketOf(duration), sign);
}

function addBucket(tally: Tally, bucket: number, count: number): void {
  let at = PAIRS;
  while (at < tally.length && tally[at] !== bucket) at += 2;
  const sum = (tally[at + 1] ?? 0) + count;
  if (sum === 0) tally.splice(at, 2);
  else {
    tally[at] = bucket;
    tally[at + 1] = sum;
  }
}

/** Counts a delivery in its hour, or takes it out again with the sign -1. */
export function countIn(hour: HourFigures, delivery: Counted, sign: 1 | -1): void {
  for (const [names, name] of [
    [hour.events, delivery.event],
    [hour.codes, answerOf(delivery)],
  ] as const) {
    const isKnown = Object.hasOwn(names, name) || Object.keys(names).length < MOST_NAMES;
    const as = isKnown ? name : OTHERS;
    names[as] ??= [...NO_TALLY];
    count(names[as], delivery, sign);
    if (acceptedOf(names[as]) === 0 && names[as][ATTEMPTS] === 0) delete names[as];
  }
}

/** How many deliveries a tally has. */
export function acceptedOf(tally: Readonly<Tally>): number {
  return tally.slice(0, STATUSES).reduce((sum, count) => sum + count, 0);
}

/** How many an hour has. */
export function acceptedIn({ events }: HourFigures): number {
  return Object.values(events).reduce((sum, tally) => sum + acceptedOf(tally), 0);
}

/** Adds tallies up. */
export function sumOf(tallies: Iterable<Readonly<Tally>>): Tally {
  const sum = [...NO_TALLY];
  for (const tally of tallies) {
    for (let i = 0; i < PAIRS; i++) sum[i] = (sum[i] ?? 0) + (tally[i] ?? 0);
    for (let i = PAIRS; i < tally.length; i += 2) addBucket(sum, tally[i] as number, tally[i + 1] as number);
  }
  return sum;
}

/** A tally in words: its sums, and the longest that half, 95 and 99 in 100 of its successes took. */
export interface Sums extends Record<DeliveryStatus, number> {
  accepted: number;
  attempts: number;
  latency: Latency;
}

export function sumsOf(tally: Readonly<Tally>): Sums {
  const statuses = Object.fromEntries(DELIVERY_STATUSES.map((status, i) => [status, tally[i] ?? 0]));
  return {
    accepted: acceptedOf(tally),
    ...(statuses as Record<DeliveryStatus, number>),
    attempts: tally[ATTEMPTS] ?? 0,
    latency: latencyOf(tally),
  };
}

/** The buckets' longest durations that so many of the successes did not exceed (nearest rank); `null`: there were none. */
export function latencyOf(tally: Readonly<Tally>): Latency {
  const pairs: [number, number][] = [];
  for (let i = PAIRS; i < tally.length; i += 2) pairs.push([tally[i] as number, tally[i + 1] as number]);
  pairs.sort(([a], [b]) => a - b);
  const all = pairs.reduce((sum, [, count]) => sum + count, 0);
  const percentile = (percent: number): number | null => {
    let left = Math.max(Math.ceil((percent / 100) * all), 1);
    for (const [bucket, count] of pairs) {
      left -= count;
      if (left <= 0) return longestOf(bucket);
    }
    return null;
  };
  return { p50: percentile(50), p95: percentile(95), p99: percentile(99) };
}

/** Hours of an endpoint that D1 may not have been told of, as they were `at` (ms). */
export interface Untold {
  at: number;
  hours: Figures;
}

/** What stands open at an endpoint. */
export interface Standing {
  /** What is pending or retrying, and when the oldest of it was accepted (ms). */
  waiting: number;
  oldestWaitingAt: number | null;
  held: number;
}

/** How an endpoint fares, in short; times in ms. A copy of it is in D1. */
export interface Summary extends Standing {
  /** When it was made. */
  at: number;
  state: "healthy" | "failing" | "disabled";
  failingSince: number | null;
  /** Of the attempts of the hour before `at`, 0 to 1; `null`: there were none. */
  failedShare: number | null;
  lastSuccessAt: number | null;
  lastFailure: { at: number; statusCode: number | null; error: DeliveryError } | null;
}
