/**
 * Calls `late` for each item that has not ended `ms` after it began. One timer serves them all, set anew for the oldest:
 * one for each would take as long as signing.
 */
export class Watch<T> {
  /** What is new is given so long, and what has begun when the timer next looks. */
  ms: number;
  readonly #late: (item: T) => void;
  /** When each began (ms), the oldest first. */
  readonly #begun = new Map<T, number>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(ms: number, late: (item: T) => void) {
    this.ms = ms;
    this.#late = late;
  }

  begin(item: T): void {
    this.#begun.set(item, Date.now());
    this.#timer ??= setTimeout(() => this.#look(), this.ms);
  }

  end(item: T): void {
    this.#begun.delete(item);
    if (this.#begun.size > 0 || this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  #look(): void {
    this.#timer = null;
    for (const [item, at] of this.#begun) {
      const left = at + this.ms - Date.now();
      if (left > 0) {
        this.#timer = setTimeout(() => this.#look(), left);
        return;
      }
      this.#begun.delete(item);
      this.#late(item);
    }
  }
}
