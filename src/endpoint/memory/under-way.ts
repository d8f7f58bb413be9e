/** An attempt that was let go. */
interface LetGo {
  delivery: string;
  /** ms; by then it has ended, or its consumer has. */
  until: number;
}

/**
 * The attempts that were let go and that nobody has told the end of: all that may be with the receiver, or on their way to
 * it. In memory; what was let go before the object woke is known by the leases of rows. Times in ms.
 */
export class UnderWay {
  /** By their ids, in the order in which they were let go. Those that nobody tells of go with their time. */
  readonly #attempts = new Map<string, LetGo>();
  #told: (() => void)[] = [];

  /** It is let go, and told of before `until`. One that is known already stays as it is. */
  begin(attemptId: string, delivery: string, until: number, now: number): void {
    if (this.#attempts.has(attemptId)) return;
    for (const [id, attempt] of this.#attempts) {
      if (attempt.until > now) break;
      this.#attempts.delete(id);
    }
    this.#attempts.set(attemptId, { delivery, until });
  }

  /** It has ended, or is not made. */
  end(attemptId: string): void {
    if (!this.#attempts.delete(attemptId) || this.#told.length === 0) return;
    for (const tell of this.#told.splice(0)) tell();
  }

  /** How many there are; `deliveries`: of these alone. */
  count(now: number, deliveries?: readonly string[]): number {
    const those = [...this.#attempts.values()].filter(({ until }) => until > now);
    if (deliveries === undefined) return those.length;
    return those.filter(({ delivery }) => deliveries.includes(delivery)).length;
  }

  /** How many there are as soon as there are none, and after `ms` at the latest. */
  async settled(ms: number, deliveries?: readonly string[]): Promise<number> {
    const over = new Promise<"over">((resolve) => setTimeout(() => resolve("over"), ms));
    while (this.count(Date.now(), deliveries) > 0) {
      const ended = new Promise<void>((resolve) => this.#told.push(resolve));
      if ((await Promise.race([over, ended])) === "over") break;
    }
    return this.count(Date.now(), deliveries);
  }
}
