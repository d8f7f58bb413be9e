import { MOST_SHARDS } from "../lib/ids";
import { log } from "../lib/log";
import { SECOND } from "../lib/time";

/**
 * Writing calls a second from which on a shard wants others beside it: an object makes about 300 (`npm run bench`), and
 * those that come meanwhile take a part. A call with a batch takes as long as one for every ten events of it.
 */
export const MOST_RATE = 150;
const BATCH_PER_CALL = 10;
/** Over how long the rate is taken, and how long it takes until isolates go by a new number, in ms. */
const WINDOW = 2 * SECOND;
const SETTLES = 5 * SECOND;
/** Of what a log takes, by how much it fills up until the number doubles: 32 shards when it is at five sixteenths. */
const PART = 1 / 16;

/** How many shards a day should have whose first shard has so many calls a second and has used so much of its room. Pure. */
export function wantedShards(shards: number, rate: number, used: number): number {
  let wanted = rate > MOST_RATE ? shards * 2 : shards;
  while (used > PART * (Math.log2(wanted) + 1)) wanted *= 2;
  return Math.min(wanted, MOST_SHARDS);
}

/** Counts what a day's first shard is called for, and says when there shall be more. */
export class Growth {
  #since = 0;
  #calls = 0;
  #grewAt = Number.NEGATIVE_INFINITY;

  /**
   * Takes note of a call with so many events, and answers how many shards there shall be, of `shards` that there are.
   * `used`: asked for once in a while, the part of the log's room that is used.
   */
  after(events: number, shards: number, used: () => number, now: number): number {
    this.#calls += Math.max(1, events / BATCH_PER_CALL);
    const passed = now - this.#since;
    if (passed < WINDOW || shards === MOST_SHARDS) return shards;
    // Nothing came for a while: what came since is not the rate of a window.
    const rate = passed < 2 * WINDOW && now - this.#grewAt > SETTLES ? (this.#calls * SECOND) / passed : 0;
    this.#since = now;
    this.#calls = 0;
    const wanted = wantedShards(shards, rate, used());
    if (wanted > shards) {
      this.#grewAt = now;
      log("events.shards", { from: shards, to: wanted, rate: Math.round(rate) });
    }
    return wanted;
  }
}
