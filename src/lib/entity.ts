/**
 * What the Entity object promises those who call it. Declared below every room, like {@link import("./rooms")}.
 */
import type { SignalRule } from "./signal";

/** What a rule needs of the tenant's configuration to be evaluated once its filter has passed. */
export type Firing = Pick<SignalRule, "id" | "emit" | "when" | "attach">;

/** An observation on its way to an entity. */
export interface ObservationRequest {
  /** The JSON text of the observation. */
  text: string;
  /** When it was made, in ms; `null`: now. */
  at: number | null;
  /** The rules that look at it, by their index in the request, in the order of their ids. */
  rules: number[];
  /** Those lists named by these rules that have the entity's key. */
  listed: string[];
  /** A repeat of the same key within 24 h answers the first observation. */
  idempotency?: { key: string; fingerprint: string };
}

export interface ObserveRequest {
  observations: ObservationRequest[];
  rules: Firing[];
  /** The ids of all rules that the tenant has: what others have remembered goes. */
  live: string[];
  /** When the configuration was read, in ms: of rules made about then or later `live` may know nothing yet. */
  asOf: number;
  /** The schemas that the rules' event types enforce, as JSON text by type; absent: none. */
  schemas?: ReadonlyMap<string, string>;
  /**
   * Observes nothing if a schema refuses what one of them fires; `judge`: observes nothing in any case. Absent: that
   * rule is left alone.
   */
  strict?: "observe" | "judge";
}

/** An event that a rule has emitted; `id` as the API has it. */
export interface Emitted {
  rule: string;
  id: string;
  event: string;
}

/** What a rule would have emitted, had a schema not refused it. */
export interface Refused {
  rule: string;
  /** The field that was refused. */
  path: string;
  message: string;
}

export interface Observed {
  events: Emitted[];
  refused: Refused[];
  duplicate: boolean;
}

export type ObserveResult =
  /** One for each observation, in their order. */
  | { kind: "observed"; observations: Observed[] }
  /** The key of one of them was used with another body: nothing was observed. */
  | { kind: "conflict" }
  /** The request was strict, and nothing was observed; one list for each observation. */
  | { kind: "refused"; refused: Refused[][] };

/** Contacts that an event brought, to be revealed once each and so many at most. */
export interface RevealRequest {
  /** The ULID of the event: a repeat changes nothing. */
  trigger: string;
  action: string;
  endpoint: string;
  limit: number | null;
  /** Each with its JSON text and what tells it from others, hashed. */
  contacts: { identity: string; text: string }[];
}

/** What is known of an idempotency key. */
export type Claimed =
  /** It is claimed since `at` (ms): `new`: by this; `open`: by the same before, which has no answer yet. */
  | { kind: "new" | "open"; at: number }
  /** The same was claimed before, and answered so. */
  | { kind: "answered"; answer: string }
  /** It is claimed for something else. */
  | { kind: "conflict" };

/** An Entity object that keeps an idempotency key for 24 h, named `tenant/incarnation of the tenant/key:hash of the key`. */
export interface ClaimRoom {
  /** Claims the key for what has this fingerprint. */
  claim(fingerprint: string): Promise<Claimed>;
  /** Keeps the answer to what is open since `at`. */
  answer(at: number, answer: string): Promise<void>;
  /** Gives back a key that is open since `at`: nothing is known of it any more. */
  release(at: number): Promise<void>;
}

/** The Entity object, named `tenant/incarnation of the tenant/hash of the key`. */
export interface EntityRoom {
  /**
   * Holds observations against the rules, in their order, and answers the events that these emitted. Once it has
   * answered or thrown, what fired is emitted, be it later. Throws when the log is out of reach, and then a repeat
   * under the same keys answers the events.
   */
  observe(request: ObserveRequest): Promise<ObserveResult>;
  /** Emits what was not revealed before, up to the limit. Once it has answered, the event is emitted, be it later. */
  reveal(request: RevealRequest): Promise<void>;
}
