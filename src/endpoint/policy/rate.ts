import { SECOND } from "../../lib/time";

/**
 * An endpoint's rate limit: a token bucket that holds one second's worth. Pure: no I/O, no clock.
 * It counts in thousandths of a token, of which `rate` per second is exactly `rate` per millisecond, so that nothing
 * is ever rounded and no window of `t` seconds sees more than `rate * t` sends and one burst.
 */
const TOKEN = 1_000;

export interface Bucket {
  /** Thousandths of a token, at `at`. */
  level: number;
  /** ms. */
  at: number;
}

/** A bucket as it stands after a second without sends. */
export function fullBucket(rate: number, now: number): Bucket {
  return { level: rate * TOKEN, at: now };
}

/** The bucket at `now` (ms) under `rate` per second. A clock that went back changes nothing. */
export function filled(bucket: Bucket, rate: number, now: number): Bucket {
  const elapsed = Math.max(now - bucket.at, 0);
  return { level: Math.min(bucket.level + elapsed * rate, rate * TOKEN), at: bucket.at + elapsed };
}

/** How many may be sent at once now. */
export function tokensOf(bucket: Bucket): number {
  return Math.floor(bucket.level / TOKEN);
}

/** The bucket after one send. */
export function taken(bucket: Bucket): Bucket {
  return { ...bucket, level: bucket.level - TOKEN };
}

/** When there will be `count` tokens if none is taken meanwhile, in ms; `null`: more than the bucket ever holds. */
export function tokensAt(bucket: Bucket, rate: number, count: number): number | null {
  if (count > rate) return null;
  return bucket.at + Math.max(Math.ceil((count * TOKEN - bucket.level) / rate), 0);
}

/**
 * How long sends are noted ahead, in ms: the note is written at most once in this time, and a bucket that was lost with
 * the object's memory is taken for empty only when it may not have filled since.
 */
export const NOTED_AHEAD = 10 * SECOND;

/** The bucket after a loss of memory; no send was made at or after `sentUntil` (ms). */
export function bucketAfterLoss(rate: number, sentUntil: number, now: number): Bucket {
  return now >= sentUntil + SECOND ? fullBucket(rate, now) : { level: 0, at: now };
}
