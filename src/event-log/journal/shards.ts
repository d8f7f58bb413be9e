import type { Sql } from "../../lib/sql";

/**
 * Of how many shards a log is one, as far as it knows, and the keys that other shards have claimed here. Its tables are
 * made when it first hears of more than one shard:
 *
 * shards   one row: the number
 * claims   `name`, and the `shard` whose event has used it if it was used: see `contracts/shards.ts`
 */
export class Shards {
  readonly #sql: Sql;
  #count = 1;
  /** Asked for at each key, and almost always there are none. */
  #claimed = false;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.reload();
  }

  /** Reads anew what it remembers. */
  reload(): void {
    const isThere = this.#sql.first("SELECT 1 FROM sqlite_master WHERE name = 'shards'") !== null;
    this.#count = isThere ? (this.#sql.first<{ count: number }>("SELECT count FROM shards")?.count ?? 1) : 1;
    this.#claimed = isThere && this.#sql.first("SELECT 1 FROM claims LIMIT 1") !== null;
  }

  get count(): number {
    return this.#count;
  }

  /** There are so many, and never fewer again. */
  grow(count: number): void {
    if (count <= this.#count) return;
    this.#sql.all("CREATE TABLE IF NOT EXISTS shards (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL)");
    this.#sql.all("CREATE TABLE IF NOT EXISTS claims (name TEXT PRIMARY KEY, shard INTEGER NOT NULL) WITHOUT ROWID");
    this.#sql.all("INSERT OR REPLACE INTO shards (id, count) VALUES (1, ?)", count);
    this.#count = count;
  }

  /** Whether any name is claimed. */
  get claimed(): boolean {
    return this.#claimed;
  }

  /** The shard that has claimed a name; `null`: none. */
  claimant(name: string): number | null {
    if (!this.#claimed) return null;
    return this.#sql.first<{ shard: number }>("SELECT shard FROM claims WHERE name = ?", name)?.shard ?? null;
  }

  /** Notes that whoever asks for a name is to ask that shard. */
  claim(name: string, shard: number): void {
    if (this.claimant(name) === shard) return;
    this.#sql.all("INSERT OR REPLACE INTO claims (name, shard) VALUES (?, ?)", name, shard);
    this.#claimed = true;
  }
}
