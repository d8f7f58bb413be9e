import type { Result, Router } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";
import { Cache } from "../../lib/cache";

/** What a remembered match takes, about, in bytes: its list, and the parameters of some twenty handlers. */
const MATCH_BYTES = 2_000;

/**
 * Hono's router for any paths, which remembers what it has found: the paths that are asked for again and again are the few
 * that events are posted to, and finding their twenty handlers takes longer than each of them.
 */
export class RememberingRouter<T> implements Router<T> {
  readonly name = "RememberingRouter";
  readonly #router = new TrieRouter<T>();
  readonly #found = new Cache<Result<T>>(2_000_000);

  add(method: string, path: string, handler: T): void {
    this.#router.add(method, path, handler);
  }

  match(method: string, path: string): Result<T> {
    const key = `${method} ${path}`;
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const found = this.#router.match(method, path);
    this.#found.set(key, found, MATCH_BYTES);
    return found;
  }
}
