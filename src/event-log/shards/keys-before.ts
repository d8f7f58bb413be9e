import type { FoundKeys, KeyedEvents, KeyPage } from "../../contracts/event-log";
import { utf8 } from "../../lib/crypto";
import { DAY, MINUTE } from "../../lib/time";
import { mayHold } from "../journal/key-filter";

/** Bytes of the filters that are remembered: eight million keys. What lies outside of them is asked for key by key. */
const FILTER_BYTES = 16_000_000;
/** Keys that a page took for used and that were not, or no longer: so many, and it is asked for anew. */
const MISTAKES = 100;
/** How far a clock may go back, in ms: an object may move to another machine. */
const SKEW = MINUTE;

/** The other log. `by`: the shard whose request it is asked for. */
interface Asked {
  sealAndFind(keys: string[], since: number, by?: number): Promise<FoundKeys>;
  sealAndList(key: string, since: number): Promise<KeyPage | null>;
}

/** A {@link KeyPage} with its ends as {@link order} has them. */
interface Page {
  from: string | null;
  to: string | null;
  filter: Uint8Array;
  mistakes: number;
}

/**
 * What a log knows of the keys of another, before all of the day before, which is sealed by the first question, so that
 * the keys that matter do not change any more. It is asked for filters of its keys, a page at a time and as they are
 * needed, and from then on only for keys that such a filter takes for used: the calls are as many as its pages and the
 * repeats, whatever the number of events.
 */
export class KeysBefore {
  /** How many shards that log's day has, as it said last; 1 until it was asked. */
  shards = 1;
  readonly #log: () => Asked;
  readonly #keep: (filter: ArrayBuffer) => void;
  readonly #most: number;
  #pages: Page[];
  /** The page that is being asked for. */
  #asked: Promise<void> | null = null;

  /**
   * `log` answers that log; `kept` is what `keep` was once given: the filter of all its keys, once they
   * go into one page. `most`: the most bytes of filters.
   */
  constructor(log: () => Asked, kept: ArrayBuffer | null, keep: (filter: ArrayBuffer) => void, most = FILTER_BYTES) {
    this.#log = log;
    this.#keep = keep;
    this.#most = most;
    this.#pages = kept === null ? [] : [pageOf({ from: null, to: null, filter: kept })];
  }

  /** What used these keys within 24 h before `now` (ms), by key. Throws when the other log is out of reach. */
  async find(keys: readonly string[], now: number, by?: number): Promise<ReadonlyMap<string, KeyedEvents>> {
    await this.#cover(keys, now);
    const doubtful = keys.flatMap((key) => {
      const page = this.#pageWith(key);
      return page !== null && !mayHold(page.filter, key) ? [] : [{ key, page }];
    });
    if (doubtful.length === 0) return new Map();
    const { used: found, shards } = await this.#log().sealAndFind(
      doubtful.map(({ key }) => key),
      now - DAY,
      by,
    );
    this.shards = shards;
    for (const [i, { page }] of doubtful.entries()) if (page !== null && found[i] === null) this.#mistaken(page);
    return new Map(found.flatMap((used) => (used === null ? [] : [[used.key, used]])));
  }

  /** Asks for a page if one of these keys lies in none: one page at most, so that nobody waits for all of a large day. */
  async #cover(keys: readonly string[], now: number): Promise<void> {
    const outside = () => keys.find((key) => this.#pageWith(key) === null);
    // The page that another event asks for may be ours too.
    if (outside() !== undefined && this.#asked !== null) await this.#asked;
    const key = outside();
    const bytes = this.#pages.reduce((sum, { filter }) => sum + filter.length, 0);
    if (key === undefined || this.#asked !== null || bytes >= this.#most) return;
    this.#asked = this.#ask(key, now - DAY - SKEW);
    try {
      await this.#asked;
    } finally {
      this.#asked = null;
    }
  }

  async #ask(key: string, since: number): Promise<void> {
    const page = await this.#log().sealAndList(key, since);
    if (page === null) return;
    this.#pages.push(pageOf(page));
    this.shards = page.shards;
    if (page.from === null && page.to === null) this.#keep(page.filter);
  }

  #pageWith(key: string): Page | null {
    const place = order(key);
    const isIn = ({ from, to }: Page) => (from === null || from <= place) && (to === null || place <= to);
    return this.#pages.find(isIn) ?? null;
  }

  /** As the day goes on, keys of yesterday may be used again: a page that has many of them is asked for anew. */
  #mistaken(page: Page): void {
    page.mistakes++;
    if (page.mistakes >= MISTAKES) this.#pages = this.#pages.filter((other) => other !== page);
  }
}

function pageOf({ from, to, filter }: Pick<KeyPage, "from" | "to" | "filter">): Page {
  return {
    from: from === null ? null : order(from),
    to: to === null ? null : order(to),
    filter: new Uint8Array(filter),
    mistakes: 0,
  };
}

/** A text that compares as SQLite compares the key: by its UTF-8 bytes, not by UTF-16 as ours are. */
function order(key: string): string {
  return String.fromCharCode(...utf8(key));
}
