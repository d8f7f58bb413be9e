interface Timer {
  id: number;
  at: number;
  run: () => void;
}

/**
 * A clock and timers of the test's own, for code that asks the platform's: time passes only where nothing else is left to
 * do, and then at once. One at a time.
 */
export class VirtualClock {
  now: number;
  readonly #real = { setTimeout, clearTimeout, setImmediate, now: Date.now };
  /** In their order; those that were called off are skipped. */
  readonly #timers: Timer[] = [];
  #ids = 0;

  constructor(now: number) {
    this.now = now;
  }

  /** Calls `run` at a time (ms), or now if that has passed. */
  at(time: number, run: () => void): Timer {
    const timer = { id: ++this.#ids, at: Math.max(time, this.now), run };
    let [low, high] = [0, this.#timers.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#timers[middle] as Timer).at <= timer.at) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return timer;
  }

  /** Runs what is due until `end` (ms), in its order, with this clock in place of the platform's. */
  async run(end: number): Promise<void> {
    globalThis.setTimeout = ((run: () => void, ms = 0) => this.at(this.now + ms, run)) as never;
    globalThis.clearTimeout = ((timer: Timer | null) => {
      if (timer) timer.run = () => undefined;
    }) as never;
    Date.now = () => this.now;
    try {
      while ((this.#timers[0]?.at ?? Number.POSITIVE_INFINITY) <= end) {
        const next = this.#timers.shift() as Timer;
        this.now = next.at;
        next.run();
        // Everything that follows without a timer.
        await new Promise((resolve) => this.#real.setImmediate(resolve));
      }
    } finally {
      Object.assign(globalThis, { setTimeout: this.#real.setTimeout, clearTimeout: this.#real.clearTimeout });
      Date.now = this.#real.now;
    }
  }
}
