import type { Outcome } from "../contracts/delivery";
import type { AdmitRequest, EndpointContract, Recorded } from "../contracts/endpoint";

/** How often an outcome is written down again before it is given up. */
const RECORD_TRIES = 3;
/** How long what may wait does so for others to be written down with it, in ms. */
const GATHER = 100;

/** What has ended of one endpoint's deliveries, until it is written down: in as few calls as may be, one at a time. */
export class Reports<Ended> {
  readonly #write: (ended: Ended[]) => Promise<void>;
  #ended: Ended[] = [];
  #last: Promise<void> = Promise.resolve();
  /** The call that what ends now goes with. */
  #next: Promise<void> | null = null;
  #gathering: ReturnType<typeof setTimeout> | null = null;

  /** `write` must not throw. */
  constructor(write: (ended: Ended[]) => Promise<void>) {
    this.#write = write;
  }

  add(ended: Ended): void {
    this.#ended.push(ended);
  }

  /** Something is not written down yet, or about to be. */
  get waits(): boolean {
    return this.#ended.length > 0 || this.#next !== null;
  }

  /** Writes down what has ended, with what ends within a tenth of a second. */
  soon(): void {
    this.#gathering ??= setTimeout(() => void this.now(), GATHER);
  }

  /** Writes down what has ended, with what ends until the call is made. Never throws. */
  now(): Promise<void> {
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#gathering = null;
    if (this.#next === null) {
      this.#next = this.#last.then(() => {
        this.#next = null;
        return this.#write(this.#ended.splice(0));
      });
      this.#last = this.#next;
    }
    return this.#next;
  }
}

/** Tells an endpoint what came of its deliveries; `null`: it is out of reach. `failed` hears of each try that fails. */
export async function record(
  endpoint: EndpointContract,
  outcomes: Outcome[],
  next: AdmitRequest | undefined,
  failed: (error: unknown) => void,
): Promise<Recorded | null> {
  for (let tries = 1; tries <= RECORD_TRIES; tries++) {
    try {
      return await endpoint.record(outcomes, next);
    } catch (error) {
      failed(error);
    }
  }
  return null;
}
