import type { Lane, Outcome } from "../contracts/delivery";
import type { AdmitAnswer, AdmitRequest, Recorded } from "../contracts/endpoint";
import type { Env } from "../contracts/env";
import { type Delivery, refTo } from "../contracts/event";
import { endpointStub } from "../contracts/find";
import type { EndpointSettings } from "../contracts/settings";
import { LANES, SLOTS } from "../endpoint/policy/admission";
import { logError } from "../lib/log";
import type { Attempting, Granted } from "./attempt";
import { EventTexts } from "./event-texts";
import { hangsAfter } from "./hang";
import type { Lanes, Stream } from "./lanes";
import { Watch } from "./watch";

/** How often an outcome is written down again before it is given up. */
const RECORD_TRIES = 3;
/** How long a success waits for others to be written down with it, in ms, while nothing waits for its slot. */
const GATHER = 100;
/** The most deliveries that are handed back to their endpoint in one call. */
const BACK_AT_ONCE = 100;
/**
 * The longest timeout of an endpoint, in seconds, whose sends may begin after the batch is done: the platform gives what
 * goes on then 30 s, and an invocation takes on more for half of them.
 */
const LONGEST_ALONE = 12;

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

/** One invocation, as the runs of its endpoints see it. */
export interface Invocation {
  env: Env;
  /** Sends one delivery. */
  attempt: Attempting;
  lane: Lane;
  lanes: Lanes;
  /** When it takes on nothing more, in ms. */
  until: number;
  /** Sends may outlast the batch: what a row owns needs no message. */
  outlasts: boolean;
  /** It goes on with what waits at its endpoints when it is through with its own. */
  goesOn: boolean;
}

/** A delivery that may be sent. */
interface Ready extends Granted {
  /** Absent: the event travels by reference. */
  text?: Delivery["text"];
  /** The batch waits for it: it came by one of its messages and no row owns it. */
  owed: boolean;
}

/**
 * What one invocation delivers to one endpoint: offers its deliveries, sends what is granted, and writes down what came of
 * it. Each call that writes outcomes down also brings what to send next: more of its own, and what waited for a slot.
 */
export class EndpointRun implements Stream {
  readonly #invocation: Invocation;
  readonly #share: Share;
  /** Offered to the endpoint yet, or to be offered again. */
  #items: Delivery[];
  #ready: Ready[] = [];
  readonly #underWay = new Set<Ready>();
  #outcomes: { outcome: Outcome | null; owed: boolean }[] = [];
  /** How many of the share's deliveries have no other owner yet. */
  #owed: number;
  #complete = true;
  #isSettled = false;
  /** The endpoint has begun to fail, or an attempt hangs: what has not begun goes back to it. */
  #putBack = false;
  /** By its last answer deliveries of the endpoint wait for a slot: who frees one tells at once. */
  #othersWait = false;
  #calling = 0;
  #reports: Promise<void> = Promise.resolve();
  /** The report that what ends now goes with. */
  #nextReport: Promise<void> | null = null;
  #gathering: ReturnType<typeof setTimeout> | null = null;
  readonly #watch = new Watch<Ready>(0, (ready) => this.#hangs(ready));
  #hanging: Ready[] = [];
  /** Of those that hang and whose rows own them: what gives their lane back. */
  readonly #unblock = new Map<Ready, () => void>();
  readonly #texts: EventTexts;
  #end!: () => void;
  /** Everything is settled, sent and written down. */
  readonly ended = new Promise<void>((resolve) => {
    this.#end = resolve;
  });
  #settle!: () => void;
  /** The share is settled; sends that rows own may go on. */
  readonly settled = new Promise<void>((resolve) => {
    this.#settle = resolve;
  });

  constructor(invocation: Invocation, share: Share) {
    this.#invocation = invocation;
    this.#share = share;
    this.#items = [...share.items];
    this.#owed = share.items.length;
    this.#texts = new EventTexts(invocation.env, share.tenant);
  }

  get waiting(): number {
    return this.#ready.length;
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  get expects(): boolean {
    return this.#calling > 0;
  }

  /** Offers the first deliveries. */
  async begin(): Promise<void> {
    const offered = this.#items.splice(0, SLOTS);
    this.#calling++;
    try {
      const room = this.#invocation.lanes.blocked ? 0 : LANES;
      const request = this.#request(offered, room);
      this.#take(offered, request, await this.#endpoint.admit(request));
    } catch (error) {
      this.#failed("delivery.admit.failed", error, offered.length);
      this.#giveUp(offered.length);
    }
    this.#calling--;
    this.#goOn();
  }

  async send(): Promise<void> {
    const ready = this.#ready.shift();
    if (ready === undefined) return;
    this.#underWay.add(ready);
    const watched = {
      begun: () => this.#mayHang && this.#watch.begin(ready),
      ended: () => this.#watch.end(ready),
    };
    const { attempt, env } = this.#invocation;
    const outcome = await attempt(env, ready, () => this.#texts.of(ready, this.#ready), watched);
    this.#underWay.delete(ready);
    this.#unblock.get(ready)?.();
    this.#unblock.delete(ready);
    this.#outcomes.push({ outcome, owed: ready.owed });
    const failed = outcome?.kind !== "attempted" || outcome.attempt.error !== null;
    // A failure keeps its lane until it is written down: what comes next may not be sent for it.
    if (failed) await this.#report();
    else if (this.#mayGather) this.#gathering ??= setTimeout(() => void this.#report(), GATHER);
    else void this.#report();
  }

  /** Whether a success may wait for those that end soon: nobody waits for its slot, and it is not the last. */
  get #mayGather(): boolean {
    if (this.#ready.length > 0) return true;
    return this.#underWay.size > 0 && this.#items.length === 0 && !this.#othersWait;
  }

  giveBack(): void {
    this.#giveBack(this.#ready);
  }

  #giveBack(given: readonly Ready[]): void {
    this.#ready = this.#ready.filter((ready) => !given.includes(ready));
    for (const { delivery, grant, owed } of given) {
      this.#outcomes.push({ outcome: { kind: "unsent", delivery, attemptId: grant.attemptId }, owed });
    }
    void this.#report();
  }

  get #endpoint() {
    const { tenant, endpoint } = this.#share;
    return endpointStub(this.#invocation.env, tenant, endpoint);
  }

  #request(items: readonly Delivery[], room: number): AdmitRequest {
    const { version, again } = this.#share;
    const returns = room > 0 && this.#underWay.size > 0;
    return {
      version,
      deliveries: items.map(refOf),
      lane: this.#invocation.lane,
      room,
      ...(returns ? { returns } : {}),
      ...(again ? { again } : {}),
    };
  }

  /** Takes what an endpoint has answered to what it was offered. */
  #take(
    offered: readonly Delivery[],
    { returns }: Pick<AdmitRequest, "returns">,
    { admissions, settings, pace }: AdmitAnswer,
  ): void {
    const items = new Map(offered.map((item) => [item.id, item]));
    const later: Delivery[] = [];
    for (const admission of admissions) {
      if (admission.do === "wait") this.#othersWait = true;
      const item = items.get(admission.id);
      if (item === undefined) continue;
      if (admission.do === "later") later.push(item);
      else if (admission.do === "send" && settings !== undefined) {
        const owed = !(admission.owned && this.#mayOutlast(settings));
        this.#ready.push({ delivery: refOf(item), grant: admission, settings, text: item.text, owed });
        if (!owed) this.#owed--;
      } else this.#owed--;
    }
    if (settings !== undefined) this.#watch.ms = hangsAfter(pace ?? null, settings.timeout);
    // It was not told that others of its own would make way for them: it could not decide over anything.
    const undecided = !returns && this.#ready.length === 0 && later.length === offered.length;
    if (undecided && later.length > 0) this.#giveUp(later.length);
    else this.#items.unshift(...later);
  }

  /** What is left of the share is not decided here: its messages are to come back. */
  #giveUp(offered: number): void {
    this.#complete = false;
    this.#owed -= offered + this.#items.length;
    this.#items = [];
  }

  /** Begins what can begin, goes on reporting where nothing else would, and tells when there is nothing left. */
  #goOn(): void {
    const { lanes } = this.#invocation;
    // A person's test goes out however the endpoint fares.
    const back = this.#ready.filter(({ delivery }) => lanes.blocked || (this.#putBack && !delivery.test));
    if (back.length > 0) this.#giveBack(back);
    lanes.fill();
    if (this.#ready.length === 0 && (this.#outcomes.length > 0 || this.#asksAgain)) void this.#report();
    if (!this.#isSettled && this.#owed === 0) {
      this.#isSettled = true;
      this.#share.settled(this.#complete);
      this.#settle();
    }
    const idle = this.#ready.length + this.#underWay.size + this.#outcomes.length + this.#items.length === 0;
    if (this.#isSettled && idle && this.#calling === 0 && this.#nextReport === null) this.#end();
  }

  /** Whether its items are to be offered though nothing has ended: no send of it will end that would bring the next. */
  get #asksAgain(): boolean {
    return this.#items.length > 0 && (this.#underWay.size === 0 || this.#putBack);
  }

  /** Writes down what has ended, with what ends until the call is made. Never throws. */
  #report(): Promise<void> {
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    this.#gathering = null;
    if (this.#nextReport === null) {
      this.#nextReport = this.#reports.then(() => {
        this.#nextReport = null;
        return this.#reportNow();
      });
      this.#reports = this.#nextReport;
    }
    return this.#nextReport;
  }

  async #reportNow(): Promise<void> {
    const ended = this.#outcomes.splice(0);
    const outcomes = ended.flatMap(({ outcome }) => outcome ?? []);
    if (outcomes.length < ended.length) this.#complete = false;
    const { offered, next } = this.#next();
    if (outcomes.length > 0 || offered.length > 0) {
      this.#calling++;
      const recorded = await this.#record(outcomes, next);
      this.#calling--;
      if (recorded === null) {
        // The leases say what is still owed.
        this.#putBack = true;
        this.#giveUp(offered.length);
      } else this.#takeRecorded(offered, next, recorded);
    }
    this.#owed -= ended.filter(({ owed }) => owed).length;
    this.#goOn();
  }

  #takeRecorded(offered: readonly Delivery[], next: AdmitRequest | undefined, recorded: Recorded): void {
    const { slow, shut, claims, settings } = recorded;
    this.#putBack ||= shut || (slow && this.#invocation.lane === "normal");
    if (settings !== undefined) {
      // A claim has a row with its lease, so the batch needs to wait for none.
      const owed = !this.#mayOutlast(settings);
      if (owed) this.#owed += claims.length;
      for (const claim of claims) this.#ready.push({ ...claim, settings, owed });
    }
    if (next !== undefined) this.#othersWait = claims.length > 0;
    this.#take(offered, next ?? {}, recorded);
  }

  /** What goes with the next report: the next of its own deliveries, and how many it can begin. */
  #next(): { offered: Delivery[]; next?: AdmitRequest } {
    const { lanes, until, goesOn } = this.#invocation;
    const hasOwn = this.#items.length > 0;
    if (this.#ready.length > 0 || !(hasOwn || goesOn)) return { offered: [] };
    const takesOn = !this.#putBack && !lanes.blocked && this.#complete && Date.now() < until;
    // While others have all lanes, one of its own waits for the next.
    const least = hasOwn && this.#underWay.size === 0 ? 1 : 0;
    const room = takesOn ? Math.max(lanes.room(this), least) : 0;
    if (room === 0 && (takesOn || !hasOwn)) return { offered: [] };
    const offered = this.#items.splice(0, room > 0 ? SLOTS : BACK_AT_ONCE);
    return { offered, next: this.#request(offered, room) };
  }

  /** `null`: out of reach. */
  async #record(outcomes: Outcome[], next?: AdmitRequest): Promise<Recorded | null> {
    for (let tries = 1; tries <= RECORD_TRIES; tries++) {
      try {
        return await this.#endpoint.record(outcomes, next);
      } catch (error) {
        this.#failed("delivery.record.failed", error, outcomes.length);
      }
    }
    return null;
  }

  #failed(event: string, error: unknown, deliveries: number): void {
    const { tenant, endpoint } = this.#share;
    logError(event, error, { tenant, endpoint, deliveries });
  }

  /** In the slow lane everybody waits for the likes of it. */
  get #mayHang(): boolean {
    return this.#invocation.outlasts && this.#invocation.lane === "normal";
  }

  #mayOutlast({ timeout }: EndpointSettings): boolean {
    return this.#invocation.outlasts && timeout <= LONGEST_ALONE;
  }

  /** An attempt hangs. All that have begun to hang by now are told of together. */
  #hangs(ready: Ready): void {
    this.#hanging.push(ready);
    if (this.#hanging.length === 1) void Promise.resolve().then(() => this.#tellHanging());
  }

  /** Has rows own what hangs, so that the batch goes on without it; what has not begun goes back. Never throws. */
  async #tellHanging(): Promise<void> {
    const hanging = this.#hanging.splice(0);
    const attempts = hanging.map(({ delivery, grant: { attemptId, leasedUntil } }) => {
      return { delivery, attemptId, leasedUntil };
    });
    this.#calling++;
    try {
      await this.#endpoint.lag(attempts);
      this.#putBack = true;
      for (const ready of hanging) this.#leave(ready);
    } catch (error) {
      this.#failed("delivery.lag.failed", error, attempts.length);
    }
    this.#calling--;
    this.#goOn();
  }

  #leave(ready: Ready): void {
    if (!this.#underWay.has(ready)) return;
    // Whatever its timeout: it has begun before the batch is done, so that it ends within what is given to it after that.
    if (ready.owed) {
      ready.owed = false;
      this.#owed--;
    }
    this.#unblock.set(ready, this.#invocation.lanes.block());
  }
}

function refOf({ id, type, test }: Delivery): Delivery {
  return refTo(id, type, test);
}
