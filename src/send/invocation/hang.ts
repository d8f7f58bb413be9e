/** The least and the most time, in ms, after which an attempt is taken to hang. */
const LEAST = 200;
const MOST = 1_000;
/** The same for the first attempt of an endpoint of which nothing is known: of many new ones all may hang. */
const UNKNOWN = 75;
/**
 * With a timeout from so many seconds on it is always the most: what outlasts its batch is given 30 s by the platform, and
 * so the attempt ends a second before.
 */
const LONG = 26;

/**
 * After how long an attempt is taken to hang, in ms: twice as long as its endpoint's take at present. Then its row is
 * written early and its batch goes on without it, so a wrong guess costs a few rows, and a late one every neighbour's time.
 * `pace`: what attempts take, in ms; `null`: nothing is known. `timeout`: the endpoint's, in seconds. `alone`: no batch waits
 * for it. Pure.
 */
export function hangsAfter(pace: number | null, timeout: number, alone = false): number {
  if (alone || timeout >= LONG) return MOST;
  return pace === null ? UNKNOWN : Math.min(Math.max(2 * pace, LEAST), MOST);
}

/** The attempts under way of one endpoint, and which of them hang. */
export class Hangs<T> {
  /** What begins is given so long, in ms, see {@link hangsAfter}. */
  after = 0;
  readonly #tell: (hanging: T[]) => unknown;
  readonly #timers = new Map<T, ReturnType<typeof setTimeout>>();
  readonly #hanging = new Set<T>();
  readonly #unblock = new Map<T, () => void>();

  /** `tell` is called once for all that have begun to hang at about the same time. */
  constructor(tell: (hanging: T[]) => unknown) {
    this.#tell = tell;
  }

  begin(attempt: T): void {
    // One timer for each: it takes 2 µs, of the 2,000 that a delivery does.
    const timer = setTimeout(() => this.#hangs(attempt), this.after);
    this.#timers.set(attempt, timer);
  }

  /** The batch goes on without it; `unblock` is called when it ends. */
  left(attempt: T, unblock: () => void): void {
    this.#unblock.set(attempt, unblock);
  }

  end(attempt: T): void {
    const timer = this.#timers.get(attempt);
    if (timer !== undefined) clearTimeout(timer);
    this.#timers.delete(attempt);
    this.#hanging.delete(attempt);
    this.#unblock.get(attempt)?.();
    this.#unblock.delete(attempt);
  }

  #hangs(attempt: T): void {
    this.#hanging.add(attempt);
    if (this.#hanging.size > 1) return;
    // After the timers that are due by now.
    setTimeout(() => {
      const hanging = [...this.#hanging];
      this.#hanging.clear();
      if (hanging.length > 0) this.#tell(hanging);
    }, 0);
  }
}
