import { type Env, retentionMs } from "../contracts/env";
import { log, logError } from "../lib/log";
import { Sql } from "../lib/sql";
import { DAY, MINUTE, SECOND } from "../lib/time";
import { AT_ONCE } from "./jobs/jobs";
import { Retirement } from "./jobs/retirement";
import { Ledger } from "./ledger";
import { Values } from "./storage/values";

/** The longest that the alarm waits after changes that could not be written, in ms. */
const LONGEST_PAUSE = MINUTE;

/** How long before anything is due an alarm is moved, in ms. */
const LONG_BEFORE = 45 * SECOND;

/** What an object's name says: whose endpoint it is. */
export type EndpointName = { tenant: string; endpoint: string };

/**
 * The ledger on an object's storage: changes it, each time whole or not at all, and sees to the alarm that it needs.
 */
export class Changes {
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;
  readonly #name: EndpointName;
  readonly #sql: Sql;
  readonly #retirement: Retirement;
  #ledger: Ledger;
  /** Changes in a row that could not be written, and until when the alarm leaves the storage alone after them, in ms. */
  #failures = 0;
  #notBefore = 0;
  #alarmAt: number | null = null;
  #erased = false;
  /** Called after each change. */
  made: () => void = () => undefined;

  /** `mostBytes`: beyond so many bytes the oldest of the log is dropped. */
  constructor(storage: DurableObjectStorage, env: Env, name: EndpointName, mostBytes: number) {
    this.#storage = storage;
    this.#env = env;
    this.#name = name;
    this.#sql = new Sql(storage.sql);
    this.#ledger = new Ledger(this.#sql, Math.random, AT_ONCE, mostBytes);
    this.#retirement = new Retirement(new Values(this.#sql));
  }

  /** The ledger, to be read. Asked for each time: after a change that failed it is another one. */
  get ledger(): Ledger {
    return this.#ledger;
  }

  /** The tenant is deleted, or the log is over: nothing is left or may be written. Ids are never given out again. */
  get erased(): boolean {
    return this.#erased;
  }

  /** The object wakes. */
  async wake(): Promise<void> {
    this.#alarmAt = await this.#storage.getAlarm();
    this.arm();
  }

  /** The alarm has rung: none is set any more. */
  rang(): void {
    this.#alarmAt = null;
  }

  /**
   * One change, whole or not at all: an error in its middle leaves nothing of it, neither stored nor remembered, so that
   * whoever asked may ask again.
   */
  make<T>(change: (ledger: Ledger) => T): T {
    const result = this.whole(change);
    this.arm();
    this.made();
    return result;
  }

  /**
   * Likewise, without the alarm: for what the alarm does before its end, where it is armed. Until then it is the platform's to
   * bring it again, should the object die in it.
   */
  whole<T>(change: (ledger: Ledger) => T): T {
    const reopened = this.#ledger.checkpoint();
    const { saved } = this.#ledger;
    try {
      return this.#storage.transactionSync(() => {
        const result = change(this.#ledger);
        if (this.#ledger.saved > saved) this.#written();
        this.#ledger.save(Date.now());
        return result;
      });
    } catch (error) {
      this.#ledger = reopened();
      this.#doubt();
      this.#failures++;
      this.#notBefore = Date.now() + Math.min(2 ** this.#failures * SECOND, LONGEST_PAUSE);
      throw error;
    }
  }

  #doubt(): void {
    this.#ledger.wrote(false);
    try {
      this.#storage.transactionSync(() => this.#ledger.save(Date.now()));
    } catch {
      // Known in memory alone. What cannot be stored now keeps the next from being sent as well.
    }
  }

  #written(): void {
    this.#failures = 0;
    this.#notBefore = 0;
    this.#ledger.wrote(true);
  }

  /**
   * Sets the alarm for what is due first. Later than it stands only where it would ring long before, for a lease that has
   * ended well since: the row that this takes it would take then as well, and a call besides.
   */
  arm(): void {
    if (this.#erased) return;
    const now = Date.now();
    const times = [this.#ledger.nextAlarm(now), this.#retiresAt(now)].filter((time) => time !== null);
    if (times.length === 0) return;
    const next = Math.max(Math.min(...times), now + 1, this.#notBefore);
    if (this.#alarmAt !== null && this.#alarmAt <= next && next - this.#alarmAt < LONG_BEFORE) return;
    this.#alarmAt = next;
    // Not awaited, so that it commits together with the rows it is for; the output gate waits for both.
    void this.#storage.setAlarm(next);
  }

  /**
   * Empties the object of an endpoint that was deleted so long ago that its log is over, and answers whether it was; where
   * that fails, it is tried again a day later. Never throws.
   */
  async retires(now: number): Promise<boolean> {
    if ((this.#retiresAt(now) ?? now + 1) > now) return false;
    try {
      await this.eraseAll();
      log("endpoint.retired", this.#name);
    } catch (error) {
      logError("endpoint.retire.failed", error, this.#name);
      await this.#storage.setAlarm(now + DAY);
    }
    return true;
  }

  #retiresAt(now: number): number | null {
    return this.#retirement.at(this.#ledger.state.stored.gone, now, retentionMs(this.#env));
  }

  /** Forgets everything. What may be with the receiver is still known. */
  async eraseAll(): Promise<void> {
    if (!this.#erased) this.#ledger.takeLeases(Date.now());
    this.#erased = true;
    await this.#storage.deleteAll();
  }
}
