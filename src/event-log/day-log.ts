import type { Env } from "../contracts/env";
import type { EventLogContract } from "../contracts/event-log";
import { eventLogStub } from "../contracts/find";
import { logOf } from "../lib/ids";
import { logError } from "../lib/log";
import type { Day } from "../lib/time";
import { Alarm } from "./alarm";
import { Journal } from "./journal/journal";
import { Elsewhere } from "./shards/elsewhere";
import { Growth } from "./shards/growth";
import { Store } from "./store";
import { Tenancy } from "./tenancy";

/** The other shards of a first shard's day; of another shard none. */
export function othersOf({ env, tenant, day, shard, shards }: DayLog): EventLogContract[] {
  if (shard !== 0) return [];
  return Array.from({ length: shards - 1 }, (_, i) => eventLogStub(env, tenant, day, i + 1));
}

/** A shard of the log of a tenant's day as its object has it: the journal in its storage, whose it is, and when it wakes. */
export class DayLog {
  readonly env: Env;
  readonly tenant: string;
  readonly day: Day;
  readonly shard: number;
  readonly store: Store;
  readonly tenancy: Tenancy;
  readonly alarm: Alarm;
  readonly elsewhere: Elsewhere;
  readonly #growth = new Growth();

  /** `name`: what `shardName` answers. `most`: bytes from which on it takes no more events. */
  constructor(storage: DurableObjectStorage, env: Env, tenant: string, name: string, most: number) {
    const { day, shard } = logOf(name);
    this.env = env;
    this.tenant = tenant;
    this.day = day;
    this.shard = shard;
    this.elsewhere = new Elsewhere(this);
    this.alarm = new Alarm(storage, env, day);
    this.tenancy = new Tenancy(env, tenant, day, (since) => {
      if (this.journal !== null) this.store.change((journal) => journal.belongTo(since));
    });
    this.store = new Store(storage, {
      tenant,
      day,
      open: (sql) => {
        this.tenancy.checkErased();
        const journal = new Journal(sql, day, most, shard);
        if (this.tenancy.since !== null) journal.belongTo(this.tenancy.since);
        return journal;
      },
      written: () => this.armFor(Date.now()),
      committed: () => this.#growth.committed(),
      failed: () => this.alarm.unset(),
    });
    this.tenancy.since = this.journal?.since ?? null;
  }

  /** `null`: nothing is stored. */
  get journal(): Journal | null {
    return this.store.journal;
  }

  /** Of how many shards this is one, as far as it knows. */
  get shards(): number {
    return this.journal?.shards.count ?? 1;
  }

  /** Somebody goes by so many shards: the first one has told them. */
  learn(shards: number): Journal | null {
    if (shards > this.shards) {
      this.store.change((journal) => {
        journal.shards.grow(shards);
        this.arm();
      });
    }
    return this.journal;
  }

  /**
   * Takes note of a call with so many events. The first shard says how many there are, and writes it down before it tells;
   * a day that is sealed keeps what it has, since the day after knows its number.
   */
  grow(events: number, least: number): void {
    const { journal } = this;
    if (this.shard !== 0 || journal === null || journal.sealed || this.tenancy.erased) return;
    const wanted = Math.max(
      least,
      this.#growth.after(events, journal.shards.count, () => journal.used, Date.now()),
    );
    if (wanted > journal.shards.count) this.store.change(() => journal.shards.grow(wanted));
  }

  /** Sets the alarm for what is to be done next. */
  arm(): void {
    if (!this.tenancy.erased && this.journal !== null) this.alarm.arm(this.journal);
  }

  /** Sets the alarm after an event of `now` (ms). */
  armFor(now: number): void {
    if (!this.tenancy.erased && this.journal !== null) this.alarm.armFor(now, this.journal);
  }

  /** Does what the alarm is for; never throws: a throw would be forgotten after six tries. */
  async attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.alarm.rest();
      logError(what, error, { tenant: this.tenant, day: this.day });
    }
  }

  /** Forgets everything. */
  async forget(): Promise<void> {
    await this.store.forget();
    this.elsewhere.forget();
    this.alarm.unset();
  }
}
