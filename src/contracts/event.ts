/** An event as its log keeps it. */
export interface Event {
  ulid: string;
  type: string;
  /** When it happened, in ms since the epoch. */
  timestamp: number;
  /** The `id` of the payload: the caller's own, or ours. */
  payloadId: string;
  /** The JSON text of `data`, byte for byte as posted. */
  data: string;
  matches: Match[];
  /** When its content was erased, in ms; `data` is then `null`. Absent: it was not. */
  erasedAt?: number;
}

/** One endpoint that an event matched, in the order of the event's deliveries. */
export interface Match {
  endpoint: string;
  /** A person's test: it goes there whatever the endpoint subscribes to. */
  test?: true;
  /** A callback: the address comes with the event, and the endpoint exists for this one delivery. */
  url?: string;
}

/** What its body is rendered from. */
export type EventText = Pick<Event, "type" | "timestamp" | "payloadId" | "data">;

/** A delivery as messages bring it and as objects are told of it: its id and its event's type. */
export interface Delivery {
  id: string;
  type: string;
  test?: boolean | undefined;
  /** As it travels in a message; absent: the event travels by reference, and the consumer reads it from its log. */
  text?: Omit<EventText, "type"> | undefined;
}

/** The reference to a delivery: what messages, objects and rows say of it. `test`: as a row (0, 1) or a match says it. Pure. */
export function refTo(id: string, type: string, test: number | boolean | undefined): Delivery {
  return test ? { id, type, test: true } : { id, type };
}
