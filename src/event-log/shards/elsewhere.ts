import type { ClaimResult, KeyedEvents } from "../../contracts/event-log";
import { LOG_UNWRITTEN } from "../../contracts/event-log";
import { eventLogStub } from "../../contracts/find";
import { ancestorsOf, homeOf } from "../../contracts/shards";
import { ulidTime } from "../../lib/ids";
import { addDays, type Day } from "../../lib/time";
import type { DayLog } from "../day-log";
import type { Journal } from "../journal/journal";
import { Undone } from "../store";
import { KeysBefore } from "./keys-before";

type Used = ReadonlyMap<string, KeyedEvents>;
const NONE: Used = new Map();
/** Names that are claimed and not used, and how many claims had been granted when that was asked for. */
type Free = Map<string, number>;
/** Bytes of the filters of each log that is asked besides the first one of the day before. */
const FILTER_BYTES = 1_000_000;
/** How often a shard is asked that is about to use a name, and the wait between, in ms: twice as long for shard 16. */
const ASKS = 20;
const WAIT = 50;
const STEP = 16;

/** Another shard is the home of a name by now. */
const MOVED = new Undone("another shard is the home of the key by now");
/** A name is claimed that was not when it was looked up. */
const CLAIMED = new Undone(`${LOG_UNWRITTEN}: another shard is about to use the same key`);

/** Whether that was thrown, here or by another shard. */
function isClaimed(error: unknown): boolean {
  return error instanceof Error && error.message.includes(CLAIMED.message);
}

/**
 * What other logs know of the keys that come to a shard: those of the day before, of which each key's earlier homes are
 * sealed by the question, this shard's ancestors, and shards that have claimed a key. See `contracts/shards.ts`.
 */
export class Elsewhere {
  readonly #own: DayLog;
  readonly #before = new Map<string, KeysBefore>();
  /** Names that requests under way use of which another shard is the home, or that they use beside such. */
  readonly #pending = new Map<string, number>();
  /** Counts the claims that were granted: what was said of one before may not be so any more. */
  #grants = 0;

  constructor(own: DayLog) {
    this.#own = own;
  }

  /** Forgets what it knows of other logs. */
  forget(): void {
    this.#before.clear();
  }

  /** Whether a request that uses a name is under way here, whose event another shard would not find yet. */
  isPending(name: string): boolean {
    return this.#pending.has(name);
  }

  /**
   * Has `write` write what uses these names, and tells it what used them elsewhere. From the first key of a day on there
   * is one log that decides over a key, also for isolates whose clocks or number of shards differ. Answers `null` where
   * the names have another home by now.
   */
  async using<T>(
    names: readonly string[],
    since: number | undefined,
    write: (used: Used, check: (journal: Journal) => void) => Promise<T> | T,
  ): Promise<T | Exclude<ClaimResult, { kind: "claimed" }>> {
    if (names.length === 0) return write(NONE, () => {});
    const foreign = names.filter((name) => homeOf(name, this.#own.shards) !== this.#own.shard);
    const own = names.filter((name) => !foreign.includes(name));
    for (let tries = 0; ; tries++) {
      try {
        return await this.#tryUsing(own, foreign, since, write);
      } catch (error) {
        if (error === MOVED) return { kind: "moved", shards: this.#own.shards };
        if (!isClaimed(error) || tries === ASKS) throw error;
      }
      // Two that have claimed each other's names both wait here, where nothing is under way: the one goes on, and the
      // other then finds what it has written. Of different length, so that they do not meet again and again.
      await new Promise((resolve) => setTimeout(resolve, WAIT * (1 + this.#own.shard / STEP)));
    }
  }

  async #tryUsing<T>(
    own: readonly string[],
    foreign: readonly string[],
    since: number | undefined,
    write: (used: Used, check: (journal: Journal) => void) => Promise<T> | T,
  ): Promise<T | Exclude<ClaimResult, { kind: "claimed" }>> {
    const free: Free = new Map();
    const used = new Map(await this.find(own, free));
    const check = (journal: Journal) => {
      for (const name of own) {
        if (homeOf(name, journal.shards.count) !== this.#own.shard) throw MOVED;
        const isFree = free.get(name) === this.#grants || used.has(name) || journal.keys.knows(name);
        if (journal.shards.claimant(name) !== null && !isFree) throw CLAIMED;
      }
    };
    if (foreign.length === 0) return write(used, check);
    const names = [...own, ...foreign];
    // Before the first of them is claimed: whoever finds the claim asks here.
    for (const name of names) this.#pending.set(name, (this.#pending.get(name) ?? 0) + 1);
    try {
      const claimed = await this.#claim(foreign, since, used);
      if (claimed === null) return await write(used, check);
      if (claimed.kind === "moved") this.#own.learn(claimed.shards);
      return claimed;
    } finally {
      for (const name of names) {
        const left = (this.#pending.get(name) ?? 0) - 1;
        if (left > 0) this.#pending.set(name, left);
        else this.#pending.delete(name);
      }
    }
  }

  /** Claims names at their homes; `used`: gets what used them. `null`: they are claimed. */
  async #claim(
    foreign: readonly string[],
    since: number | undefined,
    used: Map<string, KeyedEvents>,
  ): Promise<Exclude<ClaimResult, { kind: "claimed" }> | null> {
    const { env, tenant, day, shard, shards, journal } = this.#own;
    const byHome = new Map<number, string[]>();
    for (const name of foreign) {
      // Used by an event that is here: a claim would say no more.
      if (journal?.keys.knows(name) === true) continue;
      const home = homeOf(name, shards);
      byHome.set(home, [...(byHome.get(home) ?? []), name]);
    }
    const answers = await Promise.all(
      [...byHome].map(async ([home, names]) => {
        const answer = await eventLogStub(env, tenant, day, home).claim({ tenantSince: since, names, shard, shards });
        if (answer.kind === "claimed") {
          for (const [i, keyed] of answer.used.entries()) if (keyed !== null) used.set(names[i] as string, keyed);
        }
        return answer;
      }),
    );
    return answers.find((answer) => answer.kind !== "claimed") ?? null;
  }

  /** Claims names for an event of another shard, unless something has used them; see {@link ClaimResult}. */
  async claim(names: readonly string[], shard: number): Promise<ClaimResult> {
    const own = this.#own;
    const refusal = (): Exclude<ClaimResult, { kind: "claimed" }> | null => {
      if (names.some((name) => homeOf(name, own.shards) !== own.shard)) return { kind: "moved", shards: own.shards };
      return own.journal?.sealed === true ? { kind: "sealed" } : null;
    };
    for (let tries = 0; ; tries++) {
      const free: Free = new Map();
      const elsewhere = refusal() === null ? await this.find(names, free, shard) : NONE;
      // Asked anew after the wait; from here on nothing is waited for.
      const refused = refusal();
      if (refused !== null) return refused;
      const used = own.store.change((journal) =>
        names.map((name) => {
          const keyed = journal.keys.find(name) ?? elsewhere.get(name) ?? null;
          if (keyed !== null) return keyed;
          const claimant = journal.shards.claimant(name);
          if (claimant !== null && claimant !== shard && free.get(name) !== this.#grants) return CLAIMED;
          journal.shards.claim(name, shard);
          return null;
        }),
      );
      this.#grants++;
      const answered = used.filter((keyed) => keyed !== CLAIMED) as (KeyedEvents | null)[];
      if (answered.length === names.length) return { kind: "claimed", used: answered };
      if (tries === ASKS) throw CLAIMED;
    }
  }

  /**
   * What has used these names that this shard is the home of and has no event of. `free`: gets those that another shard
   * has claimed and not used; `by` is the shard that asks, and knows its own. Throws where another is about to use one.
   */
  async find(names: readonly string[], free: Free = new Map(), by = this.#own.shard): Promise<Used> {
    const own = this.#own;
    if (names.length === 0 || own.journal?.sealed === true) return NONE;
    const journal = own.journal ?? own.store.change((opened) => opened);
    const unknown = names.filter((name) => !journal.keys.knows(name));
    if (unknown.length === 0) return NONE;
    const claimed = await this.claimed(unknown, free, by, 1);
    const open = unknown.filter((name) => !claimed.has(name));
    const now = Date.now();
    const yesterday = addDays(own.day, -1);
    const first = this.#keysBefore(yesterday, 0, journal);
    const used = new Map([...claimed, ...(await first.find(open, now))]);
    const others = new Map<KeysBefore, string[]>();
    const ask = (log: KeysBefore, name: string) => others.set(log, [...(others.get(log) ?? []), name]);
    for (const name of open) {
      for (const ancestor of ancestorsOf(own.shard)) ask(this.#keysBefore(own.day, ancestor), name);
      const home = homeOf(name, first.shards);
      for (const shard of [home, ...ancestorsOf(home)]) {
        if (shard !== 0) ask(this.#keysBefore(yesterday, shard), name);
      }
    }
    const found = await Promise.all([...others].map(([log, asked]) => log.find(asked, now, by)));
    for (const [name, keyed] of found.flatMap((one) => [...one])) used.set(name, keyed);
    return used;
  }

  /** What this shard or one that has claimed them has used keys for at or after `since` (ms). */
  async usedSince(
    keys: readonly string[],
    since: number,
    journal: Journal,
    by?: number,
  ): Promise<(KeyedEvents | null)[]> {
    const own = keys.map((key) => journal.keys.find(key, since));
    const unknown = keys.filter((_, i) => own[i] === null);
    const claimed = await this.claimed(unknown, new Map(), by);
    return keys.map((key, i) => {
      const keyed = own[i] ?? claimed.get(key) ?? null;
      return ulidTime(keyed?.events[0]?.ulid ?? "") >= since ? keyed : null;
    });
  }

  /**
   * What the shards that have claimed names have used them for. Of one that is about to it is asked so often; throws if it
   * still is then.
   */
  async claimed(names: readonly string[], free: Free = new Map(), by = this.#own.shard, asks = ASKS): Promise<Used> {
    const { env, tenant, day, journal } = this.#own;
    const grants = this.#grants;
    const byShard = new Map<number, string[]>();
    for (const name of names) {
      const claimant = journal?.shards.claimant(name) ?? null;
      if (claimant !== null && claimant !== by) byShard.set(claimant, [...(byShard.get(claimant) ?? []), name]);
    }
    const used = new Map<string, KeyedEvents>();
    for (const [claimant, asked] of byShard) {
      const log = eventLogStub(env, tenant, day, claimant);
      let answer = await log.find(asked);
      for (let times = 1; answer.busy && times < asks; times++) {
        await new Promise((resolve) => setTimeout(resolve, WAIT));
        answer = await log.find(asked);
      }
      if (answer.busy) throw CLAIMED;
      for (const [i, name] of asked.entries()) {
        const keyed = answer.used[i] ?? null;
        if (keyed === null) free.set(name, grants);
        else used.set(name, keyed);
      }
    }
    return used;
  }

  #keysBefore(day: Day, shard: number, journal?: Journal): KeysBefore {
    const { env, tenant, shards } = this.#own;
    const name = `${day}/${shard}`;
    const known = this.#before.get(name);
    if (known !== undefined) return known;
    const stub = () => {
      const log = eventLogStub(env, tenant, day, shard);
      const later = (by = this.#own.shard) =>
        day === this.#own.day ? { shard: by, shards: this.#own.shards } : undefined;
      return {
        sealAndFind: (keys: string[], since: number, by?: number) => log.sealAndFind(keys, since, later(by)),
        sealAndList: (key: string, since: number) => log.sealAndList(key, since, later()),
      };
    };
    // Of a day with one shard, and by a day with one: so it need not be asked again after an eviction.
    const keep = (filter: ArrayBuffer) => {
      if (journal !== undefined && before.shards === 1 && !this.#own.tenancy.erased) {
        this.#own.store.change((opened) => opened.keys.keepDayBefore(filter));
      }
    };
    const before: KeysBefore =
      journal === undefined || shards > 1
        ? new KeysBefore(stub, journal?.keys.ofDayBefore ?? null, keep, FILTER_BYTES)
        : new KeysBefore(stub, journal.keys.ofDayBefore, keep);
    this.#before.set(name, before);
    return before;
  }
}
