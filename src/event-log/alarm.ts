import { type Env, reconcileAfterMs, retentionMs } from "../contracts/env";
import { DAY, type Day, dayStart } from "../lib/time";
import type { Journal } from "./journal/journal";

/** When a log wakes: for the next handover or, when nothing waits for one, at the end of retention. */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;
  readonly #day: Day;
  #at: number | null = null;
  /** After something failed, when what the alarm does is tried again, in ms. */
  #restsUntil = 0;

  constructor(storage: DurableObjectStorage, env: Env, day: Day) {
    this.#storage = storage;
    this.#env = env;
    this.#day = day;
  }

  /** Reads when it stands. */
  async read(): Promise<void> {
    this.#at = await this.#storage.getAlarm();
  }

  /** It went off, or what it was set to may have been rolled back. */
  unset(): void {
    this.#at = null;
  }

  /** Something failed, and is not tried again at once. */
  rest(): void {
    this.#restsUntil = Date.now() + reconcileAfterMs(this.#env);
  }

  /** Whether retention is over for all of the day, and nothing failed just now. */
  isTimeToDrop(now: number): boolean {
    return now >= this.#dropAt && now >= this.#restsUntil;
  }

  get #dropAt(): number {
    return dayStart(this.#day) + DAY + retentionMs(this.#env);
  }

  /** Like {@link arm}, after an event of `now` (ms): nearly always the alarm stands for an earlier one, and no row is read. */
  armFor(now: number, journal: Journal): void {
    if (this.#at === null || this.#at > now + reconcileAfterMs(this.#env)) this.arm(journal);
  }

  /** Sets it for what a log has to do next; never later than it stands. */
  arm(journal: Journal): void {
    const now = Date.now();
    const handover = journal.pointer.next(now, reconcileAfterMs(this.#env));
    const next = Math.max(handover ?? Math.max(this.#dropAt, now + 1), this.#restsUntil);
    if (this.#at !== null && this.#at <= next) return;
    // Not awaited, so that it commits together with the event; the output gate waits for both.
    void this.#storage.setAlarm(next);
    this.#at = next;
  }
}
