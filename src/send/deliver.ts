import type { Outcome } from "../contracts/delivery";
import type { AdmitAnswer, AdmitRequest, EndpointContract, Hanging, Recorded } from "../contracts/endpoint";
import type { Env } from "../contracts/env";
import { type Delivery, refTo } from "../contracts/event";
import { endpointStub } from "../contracts/find";
import { LANES, SLOTS } from "../endpoint/policy/admission";
import { logError } from "../lib/log";
import type { Granted } from "./attempt";
import { EventTexts, keepingText } from "./event-texts";
import { Hangs } from "./invocation/hang";
import { Invocation, type Way } from "./invocation/invocation";
import type { Stream } from "./invocation/lanes";
import { Owed, type Share } from "./invocation/share";
import { Reports, record } from "./reports";

/** The most deliveries that are handed back to their endpoint in one call. */
const BACK_AT_ONCE = 100;

/**
 * Delivers: asks each endpoint what may be sent, sends it, and tells each endpoint what came of it, as its sends complete.
 * Ends when all shares are settled. Never throws. One share per endpoint.
 *
 * `outlast` takes what goes on after that: sends whose rows own them, so that one that hangs holds up no batch. Absent:
 * nothing does.
 */
export async function deliver(
  shares: readonly Share[],
  way: Way,
  env: Env,
  outlast?: (rest: Promise<unknown>) => void,
): Promise<void> {
  const invocation = new Invocation(env, way, outlast !== undefined);
  const runs = shares.map((share) => new EndpointRun(invocation, share));
  for (const run of runs) invocation.lanes.add(run);
  for (const run of runs) void run.begin();
  const ended = Promise.all(runs.map((run) => run.ended));
  if (outlast === undefined || !invocation.outlasts) await ended;
  else {
    await Promise.all(runs.map((run) => run.settled));
    outlast(ended);
  }
}

/** A delivery that may be sent. */
interface Ready extends Granted {
  /** Absent: the event travels by reference. */
  text?: Delivery["text"];
  /** The batch waits for it: it came by one of its messages and no row owns it. */
  owed: boolean;
}

/** What came of one; `null`: something of ours was out of reach. */
type Ended = Pick<Ready, "owed"> & { outcome: Outcome | null };

/**
 * What one invocation delivers to one endpoint. It offers its deliveries ({@link EndpointContract.admit}), sends what is
 * granted, and tells what came of it ({@link EndpointContract.record}). Each call that tells also brings what to send next:
 * more of its own, and what waited for a slot.
 */
export class EndpointRun implements Stream {
  readonly #invocation: Invocation;
  readonly #share: Share;
  /** Offered to the endpoint yet, or to be offered again. */
  #items: Delivery[];
  #ready: Ready[] = [];
  readonly #underWay = new Set<Ready>();
  readonly #owed: Owed;
  /** The endpoint has begun to fail, or an attempt hangs: what has not begun goes back to it. */
  #putBack = false;
  /** By its last answer deliveries of the endpoint wait for a slot: who frees one tells at once. */
  #othersWait = false;
  #calling = 0;
  readonly #reports = new Reports<Ended>((ended) => this.#record(ended));
  readonly #hangs = new Hangs<Ready>((hanging) => this.#tellHanging(hanging));
  readonly #texts: EventTexts;
  readonly #ending = Promise.withResolvers<void>();
  /** Everything is settled, sent and written down. */
  readonly ended = this.#ending.promise;

  constructor(invocation: Invocation, share: Share) {
    this.#invocation = invocation;
    this.#share = share;
    this.#items = [...share.items];
    this.#owed = new Owed(share);
    this.#texts = new EventTexts(invocation.env, share.tenant);
  }

  /** The share is settled; sends that rows own may go on. */
  get settled(): Promise<void> {
    return this.#owed.settled;
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
      const request = this.#request(offered, this.#invocation.lanes.blocked ? 0 : LANES);
      this.#take(offered, request, await this.#endpoint.admit(request));
    } catch (error) {
      this.#failed("delivery.admit.failed", error, offered.length);
      this.#giveUp(offered.length);
    }
    this.#calling--;
    this.#goOn();
  }

  async send(): Promise<void> {
    // Never asked for more than wait.
    const ready = this.#ready.shift() as Ready;
    this.#underWay.add(ready);
    const { attempt, env, outlasts } = this.#invocation;
    const outcome = await attempt(env, ready, () => this.#texts.of(ready, this.#ready), {
      begun: () => outlasts && this.#hangs.begin(ready),
      ended: () => this.#hangs.end(ready),
    });
    this.#underWay.delete(ready);
    this.#reports.add({ outcome: keepingText(outcome, ready), owed: ready.owed });
    const failed = outcome?.kind !== "attempted" || outcome.attempt.error !== null;
    // A failure keeps its lane until it is written down: what comes next may not be sent for it.
    if (failed) await (this.#othersEnd ? this.#reports.gathered() : this.#reports.now());
    else if (this.#mayGather) this.#reports.soon();
    else void this.#reports.now();
  }

  /** Whether a success may wait for those that end soon: nobody waits for its slot, and it is not the last. */
  get #mayGather(): boolean {
    if (this.#ready.length > 0) return true;
    return this.#othersEnd && !this.#othersWait;
  }

  /** Whether others end soon and nothing waits for a lane. */
  get #othersEnd(): boolean {
    return this.#underWay.size > 0 && this.#ready.length + this.#items.length === 0;
  }

  giveBack(given: readonly Ready[] = this.#ready): void {
    this.#ready = this.#ready.filter((ready) => !given.includes(ready));
    for (const { delivery, grant, owed } of given) {
      this.#reports.add({ outcome: { kind: "unsent", delivery, attemptId: grant.attemptId }, owed });
    }
    void this.#reports.now();
  }

  get #endpoint(): EndpointContract {
    const { tenant, endpoint } = this.#share;
    return endpointStub(this.#invocation.env, tenant, endpoint);
  }

  #request(items: readonly Delivery[], room: number): AdmitRequest {
    const { version, again } = this.#share;
    const returns = room > 0 && this.#underWay.size > 0;
    return {
      version,
      deliveries: items.map(({ id, type, test }) => refTo(id, type, test)),
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
        const owed = !(admission.owned && this.#invocation.mayOutlast(settings));
        const delivery = refTo(item.id, item.type, item.test);
        this.#ready.push({ delivery, grant: admission, settings, text: item.text, owed });
        if (!owed) this.#owed.add(-1);
      } else this.#owed.add(-1);
    }
    if (settings !== undefined) this.#hangs.after = this.#invocation.hangsAfter(pace ?? null, settings);
    // It was not told that others of its own would make way for them: it could not decide over anything.
    const undecided = !returns && this.#ready.length === 0 && later.length === offered.length;
    if (undecided && later.length > 0) this.#giveUp(later.length);
    else this.#items.unshift(...later);
  }

  /** What is left of the share is not decided here: its messages are to come back. */
  #giveUp(offered: number): void {
    this.#owed.giveUp(offered + this.#items.length);
    this.#items = [];
  }

  /** Begins what can begin, goes on reporting where nothing else would, and tells when there is nothing left. */
  #goOn(): void {
    const { lanes } = this.#invocation;
    // A person's test goes out however the endpoint fares.
    const back = this.#ready.filter(({ delivery }) => lanes.blocked || (this.#putBack && !delivery.test));
    if (back.length > 0) this.giveBack(back);
    lanes.fill();
    if (this.#ready.length === 0 && (this.#reports.waits || this.#asksAgain)) void this.#reports.now();
    this.#owed.settle();
    const idle = this.#ready.length + this.#underWay.size + this.#items.length + this.#calling === 0;
    if (this.#owed.isSettled && idle && !this.#reports.waits) this.#ending.resolve();
  }

  /** Whether its items are to be offered though nothing has ended: no send of it will end that would bring the next. */
  get #asksAgain(): boolean {
    return this.#items.length > 0 && (this.#underWay.size === 0 || this.#putBack);
  }

  /** Tells its endpoint what has ended, and goes on with what it answers. Never throws. */
  async #record(ended: readonly Ended[]): Promise<void> {
    const outcomes = ended.flatMap(({ outcome }) => outcome ?? []);
    if (outcomes.length < ended.length) this.#owed.complete = false;
    const { offered, next } = this.#next();
    if (outcomes.length > 0 || offered.length > 0) {
      this.#calling++;
      const failed = (error: unknown) => this.#failed("delivery.record.failed", error, outcomes.length);
      const recorded = await record(this.#endpoint, outcomes, next, failed);
      this.#calling--;
      if (recorded === null) {
        // The leases say what is still owed.
        this.#putBack = true;
        this.#giveUp(offered.length);
      } else this.#takeRecorded(offered, next, recorded);
    }
    this.#owed.add(-ended.filter(({ owed }) => owed).length);
    this.#goOn();
  }

  #takeRecorded(offered: readonly Delivery[], next: AdmitRequest | undefined, recorded: Recorded): void {
    const { slow, shut, claims, settings } = recorded;
    this.#putBack ||= shut || (slow && this.#invocation.lane === "normal");
    if (settings !== undefined) {
      // A claim has a row with its lease, so the batch needs to wait for none.
      const owed = !this.#invocation.mayOutlast(settings);
      if (owed) this.#owed.add(claims.length);
      for (const claim of claims) this.#ready.push({ ...claim, settings, text: claim.delivery.text, owed });
    }
    if (next !== undefined) this.#othersWait = claims.length > 0;
    this.#take(offered, next ?? {}, recorded);
  }

  /** What goes with the next report: the next of its own deliveries, and how many it can begin. */
  #next(): { offered: Delivery[]; next?: AdmitRequest } {
    const { lanes, takesOn: hasTime, goesOn } = this.#invocation;
    const hasOwn = this.#items.length > 0;
    if (this.#ready.length > 0 || !(hasOwn || goesOn)) return { offered: [] };
    const takesOn = hasTime && !this.#putBack && this.#owed.complete;
    // While others have all lanes, one of its own waits for the next.
    const least = hasOwn && this.#underWay.size === 0 ? 1 : 0;
    const room = takesOn ? Math.max(lanes.room(this), least) : 0;
    if (room === 0 && (takesOn || !hasOwn)) return { offered: [] };
    const offered = this.#items.splice(0, room > 0 ? SLOTS : BACK_AT_ONCE);
    return { offered, next: this.#request(offered, room) };
  }

  #failed(event: string, error: unknown, deliveries: number): void {
    const { tenant, endpoint } = this.#share;
    logError(event, error, { tenant, endpoint, deliveries });
  }

  /** Has rows own what hangs, so that the batch goes on without it; what has not begun goes back. Never throws. */
  async #tellHanging(hanging: readonly Ready[]): Promise<void> {
    this.#calling++;
    try {
      await this.#endpoint.lag(hanging.map(hangingOf));
      this.#putBack = true;
      // Whatever its timeout: it has begun before the batch is done, so that it ends within what is given to it after that.
      for (const ready of hanging.filter((other) => this.#underWay.has(other))) {
        if (ready.owed) this.#owed.add(-1);
        ready.owed = false;
        this.#hangs.left(ready, this.#invocation.lanes.block());
      }
    } catch (error) {
      this.#failed("delivery.lag.failed", error, hanging.length);
    }
    this.#calling--;
    this.#goOn();
  }
}

function hangingOf({ delivery, grant: { attemptId, leasedUntil } }: Granted): Hanging {
  return { delivery, attemptId, leasedUntil };
}
