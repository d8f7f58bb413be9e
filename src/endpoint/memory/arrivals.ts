/** The most that are remembered, and the bytes of an id and its place. */
const MOST = 1_000;

/**
 * The new deliveries that found no slot, oldest first: of the slots that become free at least half are for them, whatever
 * a recovery has made due before they came. In memory only, best effort: what is forgotten has its turn by its due time.
 */
export class Arrivals {
  readonly #ids = new Set<string>();

  add(id: string): void {
    if (this.#ids.size < MOST) this.#ids.add(id);
  }

  forget(id: string): void {
    this.#ids.delete(id);
  }

  /** The first `count`. */
  first(count: number): string[] {
    const first: string[] = [];
    for (const id of this.#ids) {
      if (first.length >= count) break;
      first.push(id);
    }
    return first;
  }

  clear(): void {
    this.#ids.clear();
  }
}

/**
 * Picks `count` out of two lists, by turns and beginning with the first list's; where one is through, the other's follow.
 * None is picked twice. Pure.
 */
export function byTurns<T extends { id: string }>(first: readonly T[], second: readonly T[], count: number): T[] {
  const picked = new Map<string, T>();
  const lists = [[...first], [...second]];
  for (let turn = 0; picked.size < count && lists.some(({ length }) => length > 0); turn++) {
    let next = lists[turn % 2]?.shift();
    while (next !== undefined && picked.has(next.id)) next = lists[turn % 2]?.shift();
    if (next !== undefined) picked.set(next.id, next);
  }
  return [...picked.values()];
}
