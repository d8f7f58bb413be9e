import { MOST_SHARDS } from "../../lib/ids";
import { log } from "../../lib/log";
import { SECOND } from "../../lib/time";

/**
 * What takes an object's one thread, in ms: a commit, which events that come at about the same time share, and each of these
 * events. An object that is called for one at a time makes about 300 a second, one that is called for many at a time five
 * times as many (`npm run bench`).
 */
const COMMIT = 3;
const EVENT = 1 / 4;
/** The part of its time from which on a shard wants others beside it: those that come meanwhile take a part. */
export const MOST_BUSY = 0.5;
/** Over how long that is taken, since a burst is over before others help, and how long until a new number shows, in ms. */
const WINDOW = 10 * SECOND;
const SETTLES = 15 * SECOND;
/** Of what a log takes, by how much it fills up until the number doubles: 32 shards when it is at five sixteenths. */
const PART = 1 / 16;

/** The part of its time that a shard takes for so many commits and events in `ms`. Pure. */
export function busyWith(commits: number, events: number, ms: number): number {
  return (commits * COMMIT + events * EVENT) / ms;
}

/** How many shards a day should have whose first shard is so busy, and has used so much of its room. Pure. */
export function wantedShards(shards: number, busy: number, used: number): number {
  let wanted = busy > MOST_BUSY ? shards * 2 : shards;
  while (used > PART * (Math.log2(wanted) + 1)) wanted *= 2;
  return Math.min(wanted, MOST_SHARDS);
}

/** Counts what a day's first shard writes, and says when there shall be more. */
export class Growth {
  #since = 0;
  #commits = 0;
  #events = 0;
  #grewAt = Number.NEGATIVE_INFINITY;

  /** Takes note of a transaction. */
  committed(): void {
    this.#commits++;
  }

  /**
   * Takes note of a call with so many events, and answers how many shards there shall be, of `shards` that there are.
   * `used`: asked for once in a while, the part of the log's room that is used.
   */
  after(events: number, shards: number, used: () => number, now: number): number {
    this.#events += events;
    const passed = now - this.#since;
    if (passed < WINDOW || shards === MOST_SHARDS) return shards;
    // Nothing came for a while: what came since is not the rate of a window.
    const lasts = passed < 2 * WINDOW && now - this.#grewAt > SETTLES;
    const busy = lasts ? busyWith(this.#commits, this.#events, passed) : 0;
    const rate = Math.round((this.#events * SECOND) / passed);
    this.#since = now;
    this.#commits = 0;
    this.#events = 0;
    const wanted = wantedShards(shards, busy, used());
    if (wanted > shards) {
      this.#grewAt = now;
      log("events.shards", { from: shards, to: wanted, rate });
    }
    return wanted;
  }
}
