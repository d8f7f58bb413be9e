import type { Env } from "../contracts/env";
import type { KeyedEvents } from "../contracts/event-log";
import { eventLogStub } from "../contracts/find";
import { logError } from "../lib/log";
import { addDays, type Day } from "../lib/time";
import { Alarm } from "./alarm";
import { DayBefore } from "./day-before";
import { Journal } from "./journal/journal";
import { Store } from "./store";
import { Tenancy } from "./tenancy";

const NONE: ReadonlyMap<string, KeyedEvents> = new Map();

/** The log of a tenant's day as its object has it: the journal in its storage, whose it is, and when it wakes. */
export class DayLog {
  readonly env: Env;
  readonly tenant: string;
  readonly day: Day;
  readonly store: Store;
  readonly tenancy: Tenancy;
  readonly alarm: Alarm;
  /** `null`: not needed yet. */
  #dayBefore: DayBefore | null = null;

  /** `most`: bytes from which on it takes no more events. */
  constructor(storage: DurableObjectStorage, env: Env, tenant: string, day: Day, most: number) {
    this.env = env;
    this.tenant = tenant;
    this.day = day;
    this.alarm = new Alarm(storage, env, day);
    this.tenancy = new Tenancy(env, tenant, day, (since) => {
      if (this.journal !== null) this.store.change((journal) => journal.belongTo(since));
    });
    this.store = new Store(storage, {
      tenant,
      day,
      open: (sql) => {
        this.tenancy.checkErased();
        const journal = new Journal(sql, day, most);
        if (this.tenancy.since !== null) journal.belongTo(this.tenancy.since);
        return journal;
      },
      written: () => this.armFor(Date.now()),
      failed: () => this.alarm.unset(),
    });
    this.tenancy.since = this.journal?.since ?? null;
  }

  /** `null`: nothing is stored. */
  get journal(): Journal | null {
    return this.store.journal;
  }

  /**
   * Looks keys that this day does not know up in the day before, which thereby closes for new keys: from the first key
   * of a day on there is one log that decides, also for isolates whose clocks differ.
   */
  async usedBefore(keys: readonly string[]): Promise<ReadonlyMap<string, KeyedEvents>> {
    if (keys.length === 0 || this.journal?.sealed === true) return NONE;
    const { keys: known } = this.journal ?? this.store.change((journal) => journal);
    const unknown = keys.filter((key) => !known.knows(key));
    if (unknown.length === 0) return NONE;
    this.#dayBefore ??= new DayBefore(
      () => eventLogStub(this.env, this.tenant, addDays(this.day, -1)),
      known.ofDayBefore,
      (filter) => {
        if (!this.tenancy.erased) this.store.change((journal) => journal.keys.keepDayBefore(filter));
      },
    );
    return this.#dayBefore.find(unknown, Date.now());
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
    this.#dayBefore = null;
    this.alarm.unset();
  }
}
