import { pairOf } from "../../src/contracts/queues";

/** How many queues there are. */
const QUEUES = 3;

/**
 * The queues between logs, endpoints and consumers: a message goes by the one that its endpoint's id says, of as many as
 * are bound at the time, and comes from whichever it is in.
 */
export class Queues<Message extends { endpoint: number }> {
  readonly #queues: Message[][] = Array.from({ length: QUEUES }, () => []);
  /** How many of them are sent to. */
  bound = QUEUES;

  get size(): number {
    return this.#queues.reduce((sum, { length }) => sum + length, 0);
  }

  push(message: Message): void {
    this.#queues[pairOf(`ep_${message.endpoint}`, this.bound)]?.push(message);
  }

  /** Any message, which is then gone; `undefined`: there is none. */
  take(pick: number): Message | undefined {
    const [queue, index] = this.#at(pick);
    return queue.splice(index, 1)[0];
  }

  /** Any message comes twice, by the queue that it is in. */
  repeat(pick: number): void {
    const [queue, index] = this.#at(pick);
    queue.push(...queue.slice(index, index + 1));
  }

  clear(): void {
    for (const queue of this.#queues) queue.length = 0;
  }

  #at(pick: number): [queue: Message[], index: number] {
    let index = pick % Math.max(this.size, 1);
    for (const queue of this.#queues) {
      if (index < queue.length) return [queue, index];
      index -= queue.length;
    }
    return [[], 0];
  }
}
