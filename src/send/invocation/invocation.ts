import type { Lane } from "../../contracts/delivery";
import type { Env } from "../../contracts/env";
import type { EndpointSettings } from "../../contracts/settings";
import { SECOND } from "../../lib/time";
import { type Attempting, attempt } from "../attempt";
import { hangsAfter } from "./hang";
import { Lanes } from "./lanes";

/** By which way deliveries come: by a queue's lane, or directly from the Worker that has accepted their event. */
export type Way = Lane | "direct";

/** How long an invocation takes on more, in ms: what is left then goes back to its endpoints. */
const TAKES_ON = 15 * SECOND;
/**
 * The longest timeout of an endpoint, in seconds, whose sends may begin after the batch is done: the platform gives what
 * goes on then 30 s, and an invocation takes on more for half of them.
 */
const LONGEST_ALONE = 12;

/** One invocation of the consumer, or of the Worker that delivers what it has accepted: what it may do, and for how long. */
export class Invocation {
  readonly env: Env;
  readonly lane: Lane;
  readonly lanes = new Lanes();
  /** Sends one delivery. */
  readonly attempt: Attempting;
  readonly #isDirect: boolean;
  /** It goes on with what waits at its endpoints when it is through with its own: not where nothing could wait for it. */
  readonly goesOn: boolean;
  /** Its batch goes on without a send that hangs. */
  readonly outlasts: boolean;
  readonly #until = Date.now() + TAKES_ON;

  /** `outlasts`: sends may outlast the batch, since what a row owns needs no message. */
  constructor(env: Env, way: Way, outlasts: boolean, sends: Attempting = attempt) {
    this.env = env;
    this.#isDirect = way === "direct";
    this.lane = way === "direct" ? "normal" : way;
    // In the slow lane everybody waits for the likes of what hangs.
    this.outlasts = outlasts && this.lane === "normal";
    this.goesOn = !this.#isDirect && (outlasts || way === "slow");
    this.attempt = sends;
  }

  /** Whether the batch goes on without an endpoint's sends that rows own. */
  mayOutlast({ timeout }: EndpointSettings): boolean {
    return this.outlasts && timeout <= LONGEST_ALONE;
  }

  /** After how long an attempt is taken to hang, in ms, see {@link hangsAfter}. */
  hangsAfter(pace: number | null, { timeout }: EndpointSettings): number {
    return hangsAfter(pace, timeout, this.#isDirect);
  }

  /** Whether it takes on more. */
  get takesOn(): boolean {
    return !this.lanes.blocked && Date.now() < this.#until;
  }
}
