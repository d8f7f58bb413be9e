import { eventId } from "../lib/ids";
import { logError } from "../lib/log";
import type { DayLog } from "./day-log";
import { revealContacts } from "./reveal";

/** Requests whose events are revealed side by side; those of one request go one after the other. */
const LANES = 6;
/** The most events that wait: more are left to the log, which owns them all and reveals them later. */
const WAITING = 1_000;

/** Reveals the contacts of new events beside the log's other work, so that nobody waits for it. */
export class Revealer {
  readonly #log: DayLog;
  readonly #waiting: string[][] = [];
  #count = 0;
  #lanes = 0;

  constructor(log: DayLog) {
    this.#log = log;
  }

  /** Reveals an event's contacts, if it is to; answers whether nothing is left to do. Never throws. */
  async reveal(ulid: string): Promise<boolean> {
    const { env, tenant } = this.#log;
    try {
      const due = this.#log.journal?.toReveal(ulid) ?? null;
      return due === null || (await revealContacts(env, tenant, due.event, due.reveal));
    } catch (error) {
      logError("contacts.reveal.failed", error, { tenant, event: eventId(ulid) });
      return false;
    }
  }

  /** Has the events of a request revealed, by their ULIDs. */
  add(ulids: readonly string[]): void {
    if (ulids.length === 0 || this.#count + ulids.length > WAITING) return;
    this.#waiting.push([...ulids]);
    this.#count += ulids.length;
    if (this.#lanes < LANES) void this.#run();
  }

  async #run(): Promise<void> {
    this.#lanes++;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      for (const ulid of next) await this.reveal(ulid);
      this.#count -= next.length;
    }
    this.#lanes--;
  }
}
