/**
 * A bound in time over all that one exchange awaits, set by whoever has the clock. It is ours: it ends what hangs
 * whether or not the runtime is busy with something that heeds a signal.
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #rejects: ((reason: unknown) => void)[] = [];

  /** For what can be called off. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the time is up. */
  get over(): boolean {
    return this.signal.aborted;
  }

  /** The promise, or a rejection with a `TimeoutError` once the time is up. */
  within<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.over) reject(this.signal.reason);
      this.#rejects.push(reject);
      promise.then(resolve, reject);
    });
  }

  /** The time is up. */
  expire(): void {
    this.#controller.abort(new DOMException("the time is up", "TimeoutError"));
    for (const reject of this.#rejects) reject(this.signal.reason);
  }
}
