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
  | { kind: "conflict" };

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
