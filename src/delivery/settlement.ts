import type { Outcome } from "../lib/delivery";
import { type Env, endpointRoom } from "../lib/env";
import { logError } from "../lib/log";
import { SECOND } from "../lib/time";
import type { Lane } from "./lanes";
import { Watch } from "./watch";

/** How often an outcome is written down again before it is given up. */
const RECORD_TRIES = 3;
/** How long a success waits for others of its parcel to be written down with it, in ms. */
const GATHER = 100;
/** From when on an attempt is taken to hang, in ms: half of the usual timeout. */
const LAG = 5 * SECOND;

/**
 * Tells one endpoint what comes of the deliveries of a parcel, as its sends complete: a failure at once, since it may be
 * news, and successes together. It knows from the answers whether what is left should still be sent.
 */
export class Settlement {
  readonly #env: Env;
  readonly #tenant: string;
  readonly #endpoint: string;
  readonly #lane: Lane;
  #complete = true;
  #pending: Outcome[] = [];
  #gathering: ReturnType<typeof setTimeout> | null = null;
  #recording: Promise<void> = Promise.resolve();
  /** The sends under way; one that hangs is told of once, so that what comes meanwhile takes the slow lane. */
  readonly sends = new Watch<unknown>(LAG, () => this.#tellLag());
  #lagTold = false;
  #putBack = false;

  constructor(env: Env, { tenant, endpoint }: { tenant: string; endpoint: string }, lane: Lane) {
    this.#env = env;
    this.#tenant = tenant;
    this.#endpoint = endpoint;
    this.#lane = lane;
  }

  /**
   * What is left of the parcel is not to be sent now: its endpoint has begun to fail, and this is not the slow lane, or
   * its breaker has opened.
   */
  get putBack(): boolean {
    return this.#putBack;
  }

  /** Whether all that was added is written down, once the last of it has been. */
  get complete(): boolean {
    return this.#complete;
  }

  /**
   * Takes what came of one delivery; `null`: something of ours was out of reach, and no attempt was made. With the last
   * of those under way everything is written down that was added.
   */
  async add(outcome: Outcome | null, last: boolean): Promise<void> {
    if (outcome === null) this.#complete = false;
    else this.#pending.push(outcome);
    const failed = outcome?.kind === "attempted" && outcome.attempt.error !== null;
    if (last || failed) await this.#flush();
    else this.#gathering ??= setTimeout(() => void this.#flush(), GATHER);
  }

  #flush(): Promise<void> {
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#gathering = null;
    this.#recording = this.#recording.then(async () => {
      const outcomes = this.#pending.splice(0);
      if (outcomes.length > 0) await this.#record(outcomes);
    });
    return this.#recording;
  }

  async #record(outcomes: Outcome[]): Promise<void> {
    for (let tries = 1; tries <= RECORD_TRIES; tries++) {
      try {
        const { slow, open } = await endpointRoom(this.#env, this.#tenant, this.#endpoint).record(outcomes);
        this.#putBack = open || (slow && this.#lane === "normal");
        return;
      } catch (error) {
        const about = { tenant: this.#tenant, endpoint: this.#endpoint, outcomes: outcomes.length, tries };
        logError("delivery.record.failed", error, about);
      }
    }
    // The leases say what is still owed.
    this.#complete = false;
  }

  #tellLag(): void {
    if (this.#lagTold) return;
    this.#lagTold = true;
    const told = endpointRoom(this.#env, this.#tenant, this.#endpoint)
      .lag()
      .catch((error: unknown) =>
        logError("delivery.lag.failed", error, { tenant: this.#tenant, endpoint: this.#endpoint }),
      );
    this.#recording = this.#recording.then(() => told);
  }
}
