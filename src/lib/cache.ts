/** A value that is remembered, and what it takes. */
interface Entry<V> {
  value: V;
  bytes: number;
}

/**
 * What an isolate remembers of many: bounded by bytes, since a count alone is no bound where one entry may be a million
 * times as large as another. What was not asked for the longest goes first; what is larger than all of it is not kept.
 */
export class Cache<V> {
  readonly #most: number;
  readonly #entries = new Map<string, Entry<V>>();
  #bytes = 0;

  /** `most`: bytes of all entries together, as whoever sets them counts. */
  constructor(most: number) {
    this.#most = most;
  }

  /** How many bytes are remembered. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** `bytes`: what the entry takes, about; its key counts besides, two bytes a character. */
  set(key: string, value: V, bytes: number): void {
    this.delete(key);
    const size = bytes + 2 * key.length;
    if (size > this.#most) return;
    this.#entries.set(key, { value, bytes: size });
    this.#bytes += size;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#most) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#bytes -= this.#entries.get(key)?.bytes ?? 0;
    this.#entries.delete(key);
  }
}
