import type { Event } from "../contracts/event";
import type { Versions } from "../contracts/event-log";
import type { EventsMessage } from "../contracts/messages";
import { log, logError } from "../lib/log";
import { Outbound } from "./merge-messages";

/** A log that called the queue so short a time ago is busy, in ms: at a slower pace what it waits for would not come. */
const BUSY = 10;
/** How long a busy log waits for more to take along, in ms: a call takes it as long as ten messages. */
const GATHER = 5;
/** The most calls of the queue under way: a call more than that waits, and takes along what comes meanwhile. */
const CALLS = 2;

/**
 * Puts the messages of new events onto the queues. What comes while a call is under way goes with the next one, in the
 * same messages while they are not full, so that a busy log makes few calls and an idle one waits for none.
 * Whatever fails here, the log owns the deliveries and hands them over later.
 */
export class Announcer {
  readonly #queueOf: (endpoint: string) => Queue<EventsMessage>;
  readonly #tenant: string;
  readonly #outbound: Outbound;
  #calls = 0;
  /** When the queue was last called, or an event left to its caller, in ms. */
  #calledAt = 0;

  /** `queueOf`: the queue by which an endpoint's messages go. */
  constructor(queueOf: (endpoint: string) => Queue<EventsMessage>, tenant: string, outbound = new Outbound(tenant)) {
    this.#queueOf = queueOf;
    this.#tenant = tenant;
    this.#outbound = outbound;
  }

  /** Tells the endpoints of events, of which `only` the deliveries at these indexes. Waits for nothing. */
  announce(events: readonly Event[], versions: Versions, only?: ReadonlySet<number>): void {
    const deliveries = this.#outbound.add(events, versions, only);
    if (deliveries > 0) log("event.enqueue.left", { tenant: this.#tenant, deliveries });
    if (this.#calls < CALLS && !this.#outbound.isEmpty) void this.#send();
  }

  /**
   * Answers whether a new event is left to whoever appended it: where its messages would go alone, since nothing is under
   * way to the queue, nor was just now. It counts as a call of the queue, so that of many that come one goes so.
   */
  leaves(): boolean {
    const now = Date.now();
    if (this.#calls > 0 || !this.#outbound.isEmpty || now - this.#calledAt < BUSY) return false;
    this.#calledAt = now;
    return true;
  }

  async #send(): Promise<void> {
    this.#calls++;
    // What is appended in the same turn goes along, or in the next moments where there is much.
    if (Date.now() - this.#calledAt < BUSY) await new Promise((resolve) => setTimeout(resolve, GATHER));
    else await null;
    for (let batch = this.#outbound.take(); batch.length > 0; batch = this.#outbound.take()) {
      this.#calledAt = Date.now();
      // By the queue of its first endpoint: one for each queue would take an event's text along as often.
      const queues = Map.groupBy(batch, ({ shares }) => this.#queueOf(shares[0]?.endpoint ?? ""));
      await Promise.all([...queues].map(([queue, messages]) => this.#put(queue, messages)));
    }
    this.#calls--;
  }

  async #put(queue: Queue<EventsMessage>, messages: readonly EventsMessage[]): Promise<void> {
    try {
      await queue.sendBatch(messages.map((body) => ({ body })));
    } catch (error) {
      const deliveries = messages.reduce((sum, message) => sum + deliveriesOf(message), 0);
      logError("event.enqueue.failed", error, { tenant: this.#tenant, deliveries });
    }
  }
}

function deliveriesOf({ shares }: EventsMessage): number {
  return shares.reduce((sum, { deliveries }) => sum + deliveries.length, 0);
}
