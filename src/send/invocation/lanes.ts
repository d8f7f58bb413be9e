import { LANES } from "../../endpoint/policy/admission";

/** The most of them for one endpoint while others wait. */
export const LANES_OF_ONE = 3;

/** What one invocation has to send to one endpoint. */
export interface Stream {
  /** Sends that may begin. */
  readonly waiting: number;
  /** Sends that have begun and not ended. A lane that it has beside them comes free as soon as they are written down. */
  readonly underWay: number;
  /** Its endpoint has not answered yet: there may be some soon. */
  readonly expects: boolean;
  /** Begins one of them. Resolves once its lane is free again, and never throws. */
  send(): Promise<void>;
  /** Takes back what has not begun: no lane will come free for it. */
  giveBack(): void;
}

/**
 * The lanes of one invocation: six sends at a time, and three for one endpoint while others wait, so that a receiver that
 * hangs takes half of them at most. The endpoint with the fewest under way comes first, then by turns, and a lane is kept
 * for each that has not answered yet: of many receivers that hang each is found out by its first attempt. A lane whose send
 * hangs is blocked until it ends; once all are, what has not begun is given back.
 */
export class Lanes {
  /** Those whose turn is next come first. */
  #streams: Stream[] = [];
  readonly #underWay = new Map<Stream, number>();
  #taken = 0;
  #blocked = 0;

  add(stream: Stream): void {
    this.#streams.push(stream);
  }

  /** Whether every lane is blocked: nothing more begins in this invocation. */
  get blocked(): boolean {
    return this.#blocked >= LANES;
  }

  /** How many sends of a stream could begin once what has ended of it is written down, of those it does not have yet. */
  room(stream: Stream): number {
    const ended = (this.#underWay.get(stream) ?? 0) - stream.underWay;
    const most = this.#othersWait(stream) ? LANES_OF_ONE - stream.underWay : LANES;
    return Math.max(Math.min(LANES - this.#taken - this.#kept(stream) + ended, most) - stream.waiting, 0);
  }

  /** Begins what can begin. */
  fill(): void {
    while (this.#taken < LANES) {
      const stream = this.#next();
      if (stream === undefined) return;
      void this.#run(stream);
    }
  }

  /** A send hangs: its lane is not to be counted on. Answers what to call when it has ended. */
  block(): () => void {
    this.#blocked++;
    if (this.blocked) for (const stream of this.#streams) stream.giveBack();
    return () => {
      this.#blocked--;
    };
  }

  #othersWait(stream: Stream): boolean {
    return this.#streams.some((other) => other !== stream && (other.waiting > 0 || other.expects));
  }

  /** How many lanes are kept for others than a stream, which are yet to answer and have none. */
  #kept(stream: Stream): number {
    const hasNone = (other: Stream) => other.expects && other.waiting === 0 && (this.#underWay.get(other) ?? 0) === 0;
    return this.#streams.filter((other) => other !== stream && hasNone(other)).length;
  }

  async #run(stream: Stream): Promise<void> {
    this.#taken++;
    this.#underWay.set(stream, (this.#underWay.get(stream) ?? 0) + 1);
    // By turns among those with as many under way.
    this.#streams = [...this.#streams.filter((other) => other !== stream), stream];
    await stream.send();
    this.#taken--;
    this.#underWay.set(stream, (this.#underWay.get(stream) ?? 1) - 1);
    this.fill();
  }

  #next(): Stream | undefined {
    let next: Stream | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const stream of this.#streams) {
      const underWay = this.#underWay.get(stream) ?? 0;
      if (stream.waiting === 0 || underWay >= least) continue;
      if (underWay >= LANES_OF_ONE && this.#othersWait(stream)) continue;
      if (underWay > 0 && LANES - this.#taken <= this.#kept(stream)) continue;
      [next, least] = [stream, underWay];
    }
    return next;
  }
}
