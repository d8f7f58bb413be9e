import type { Outcome } from "../contracts/delivery";
import type { Env } from "../contracts/env";
import type { Delivery } from "../contracts/event";
import { eventLogStub } from "../contracts/find";
import { LANES } from "../endpoint/policy/admission";
import { type EventRef, logName, parseDeliveryId } from "../lib/ids";
import type { Granted, Text } from "./attempt";

/** A delivery whose event's text is wanted. */
export interface Wanted {
  delivery: Delivery;
  /** Absent: the event travels by reference. */
  text?: Delivery["text"];
}

/** What the events of one tenant say whose deliveries are sent. */
export class EventTexts {
  readonly #env: Env;
  readonly #tenant: string;
  /** Texts that were read together with another's, and their places among them. */
  readonly #read = new Map<Wanted, { read: Promise<Text[]>; index: number }>();

  constructor(env: Env, tenant: string) {
    this.#env = env;
    this.#tenant = tenant;
  }

  /**
   * What the event says: from its message or, when it travels by reference, from its log, which is asked for those that
   * are sent `next` as well: so no more texts are in memory than there are lanes, and each costs a part of a call. Throws
   * when the log is out of reach.
   */
  async of(wanted: Wanted, next: readonly Wanted[]): Promise<Text> {
    const { delivery, text } = wanted;
    if (text !== undefined) return { type: delivery.type, ...text };
    const known = this.#read.get(wanted);
    if (known !== undefined) {
      this.#read.delete(wanted);
      return textAt(known);
    }
    const at = eventOf(wanted);
    const unread = next.filter((other) => other.text === undefined && !this.#read.has(other));
    const together = unread.filter((other) => logName(eventOf(other)) === logName(at)).slice(0, LANES - 1);
    const ulids = [at.ulid, ...together.map((other) => eventOf(other).ulid)];
    const read = eventLogStub(this.#env, this.#tenant, at).read(ulids);
    for (const [i, other] of together.entries()) this.#read.set(other, { read, index: i + 1 });
    return textAt({ read, index: 0 });
  }
}

function eventOf({ delivery: { id } }: Wanted): EventRef {
  return parseDeliveryId(id) as EventRef;
}

async function textAt({ read, index }: { read: Promise<Text[]>; index: number }): Promise<Text> {
  return (await read)[index] ?? null;
}

/** The most characters of an event's data that its endpoint keeps for the retries. */
const KEPT_TEXT = 8_000;

/** What came of a first attempt; of one that failed with its event's text, if that is short: its row keeps it for the retries. */
export function keepingText(outcome: Outcome | null, { grant, text }: Pick<Granted, "grant"> & Pick<Delivery, "text">) {
  const failed = outcome?.kind === "attempted" && outcome.attempt.error !== null && grant.number === 1;
  if (!failed || text === undefined || text.data.length > KEPT_TEXT) return outcome;
  return { ...outcome, delivery: { ...outcome.delivery, text } };
}
