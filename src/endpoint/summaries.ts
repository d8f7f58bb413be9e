import { configOf } from "../config/databases";
import { writeSummary } from "../config/endpoints/summaries";
import { type Env, retentionMs } from "../contracts/env";
import { logError } from "../lib/log";
import { MINUTE } from "../lib/time";
import type { Changes, EndpointName } from "./changes";

/** How long after it failed D1 is told again, in ms. */
const AGAIN = MINUTE / 2;

/** Tells D1 how an endpoint fares, when it is due. */
export class Summaries {
  readonly #changes: Changes;
  readonly #env: Env;
  readonly #name: EndpointName;
  #isTelling = false;
  #told: Promise<void> = Promise.resolve();

  constructor(changes: Changes, env: Env, name: EndpointName) {
    this.#changes = changes;
    this.#env = env;
    this.#name = name;
  }

  /** Whether it is due and nobody is at it. */
  get isDue(): boolean {
    return !this.#isTelling && !this.#changes.erased && this.#changes.ledger.teller.isDue(Date.now());
  }

  /** Tells it if it is due; what fails is tried again later. Never throws. */
  tell(): Promise<void> {
    if (!this.isDue) return this.#told;
    this.#isTelling = true;
    this.#told = this.#tell().finally(() => {
      this.#isTelling = false;
    });
    return this.#told;
  }

  async #tell(): Promise<void> {
    const { tenant, endpoint } = this.#name;
    try {
      const now = Date.now();
      const keptSince = now - retentionMs(this.#env);
      const { then, ...telling } = this.#changes.make(({ teller }) => teller.telling(now, keptSince));
      await writeSummary(await configOf(this.#env, tenant), tenant, endpoint, { ...telling, keptSince });
      if (!this.#changes.erased) this.#changes.make(({ teller }) => teller.told(then));
    } catch (error) {
      this.#changes.ledger.teller.postpone(Date.now() + AGAIN);
      if (!this.#changes.erased) this.#changes.arm();
      logError("endpoint.summary.failed", error, this.#name);
    }
  }
}
