/** Requests whose events are revealed side by side; those of one request go one after the other. */
const LANES = 6;
/** The most events that wait: more are left to the log, which owns them all and reveals them later. */
const WAITING = 1_000;

/** Reveals the contacts of new events beside the log's other work, so that nobody waits for it. */
export class Revealer {
  readonly #reveal: (ulid: string) => Promise<unknown>;
  readonly #waiting: string[][] = [];
  #count = 0;
  #lanes = 0;

  /** `reveal` does it for an event, and never throws. */
  constructor(reveal: (ulid: string) => Promise<unknown>) {
    this.#reveal = reveal;
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
      for (const ulid of next) await this.#reveal(ulid);
      this.#count -= next.length;
    }
    this.#lanes--;
  }
}
