import type { Delivery } from "../../contracts/event";

/** What is offered to one endpoint. */
export interface Share {
  tenant: string;
  endpoint: string;
  /** The newest configuration version that the sender saw. */
  version: number;
  items: Delivery[];
  /** Messages of it have come before. */
  again?: true;
  /**
   * Called once. `true`: everything in it is recorded, has a row of its endpoint's or is not owed any more. `false`:
   * something of ours was out of reach, and what is missing must be offered again.
   */
  settled(done: boolean): void;
}

/** How many deliveries of a share have no owner but its messages. */
export class Owed {
  readonly #share: Share;
  #left: number;
  #isSettled = false;
  readonly #settling = Promise.withResolvers<void>();
  /** Nothing of ours was out of reach. */
  complete = true;
  /** The messages may go, or come again; sends that rows own may go on. */
  readonly settled = this.#settling.promise;

  constructor(share: Share) {
    this.#share = share;
    this.#left = share.items.length;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** So many more are owed; less than none: so many are not owed any more. */
  add(deliveries: number): void {
    this.#left += deliveries;
  }

  /** So many are not decided here: their messages are to come back. */
  giveUp(deliveries: number): void {
    this.complete = false;
    this.#left -= deliveries;
  }

  /** Tells the share once nothing of it is owed. */
  settle(): void {
    if (this.#isSettled || this.#left > 0) return;
    this.#isSettled = true;
    this.#share.settled(this.complete);
    this.#settling.resolve();
  }
}
