import type { Claimed, ClaimRequest } from "../contracts/entity";
import type { Sql } from "../lib/sql";
import { KEY_LIFE, KNOWN_TABLE, Known } from "./known";

/** The tables of an Entity object that keeps keys: what was said under each, and what that was to be held against. */
const KEYS_STEPS = [KNOWN_TABLE];
/** The most keys that one alarm forgets. */
const FORGET = 2_000;

/**
 * What was said under a tenant's idempotency keys. Every method is synchronous, so that each is one transaction of the
 * object.
 */
export class Keys {
  readonly #known: Known;

  constructor(sql: Sql) {
    sql.migrate(KEYS_STEPS);
    this.#known = new Known(sql);
  }

  /** Claims a key for what is said, or says what was said under it. `now` in ms. */
  claim({ key, fingerprint, plan }: ClaimRequest, now: number): Claimed {
    const use = this.#known.find(key, now);
    if (use !== null && use.at > now - KEY_LIFE) {
      return use.said === fingerprint ? { kind: "known", at: use.at, plan: use.told } : { kind: "conflict" };
    }
    if (plan === null) return { kind: "free" };
    this.#known.keep(key, fingerprint, plan, now);
    return { kind: "new", at: now };
  }

  /** When the first of them may be forgotten, in ms; `null`: none is known. */
  get firstEnds(): number | null {
    return this.#known.firstEnds;
  }

  /** Forgets a part of what need not be known any more, and answers when to go on (ms); `null`: nothing is left. */
  forget(now: number): number | null {
    this.#known.forget(now, FORGET);
    return this.#known.firstEnds;
  }
}
