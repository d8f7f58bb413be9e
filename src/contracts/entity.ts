/**
 * What the Entity object promises those who call it. Declared below every room, like {@link import("./objects")}.
 */
import type { Portable } from "../lib/json/exact";
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
  /** A repeat of the same key with the same claim answers the first observation. */
  idempotency?: Claim;
}

/**
 * A key, when its use was claimed (ms), and the hash of what was said under it: by the hash alone entities know what they
 * observed before claims were told.
 */
export interface Claim {
  key: string;
  claimed: number;
  fingerprint: string;
}

export interface ObserveRequest {
  observations: ObservationRequest[];
  rules: Portable<Firing[]>;
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
  /** Too much that the entity's observations fired waits to be emitted: nothing was observed. */
  | { kind: "full" }
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

/** A request that has an idempotency key. */
export interface ClaimRequest {
  key: string;
  /** The hash of what is said under it. */
  fingerprint: string;
  /** What its observations are held against, as JSON; `null`: it only asks whether the key is known. */
  plan: string | null;
}

export type Claimed =
  /** The key is claimed by this; `at` in ms names the claim. */
  | { kind: "new"; at: number }
  /** The same was said under it before, and is held against what it was to be held against then. */
  | { kind: "known"; at: number; plan: string }
  /** Something else was said under it. */
  | { kind: "conflict" }
  /** Nobody has claimed it. */
  | { kind: "free" };

/**
 * An Entity object that keeps the idempotency keys of a tenant, one of a few, named `tenant/incarnation of the
 * tenant/keys:number`.
 */
export interface KeysContract {
  /** Claims a key for 24 h, unless it is known. */
  claim(request: ClaimRequest): Promise<Claimed>;
}

/** The Entity object, named `tenant/incarnation of the tenant/hash of the key`. */
export interface EntityContract {
  /**
   * Holds observations against the rules, in their order, and answers the events that these emitted. Once it has
   * answered or thrown, what fired is emitted, be it later. Throws when the log is out of reach, and then a repeat
   * under the same claims answers the events.
   */
  observe(request: ObserveRequest): Promise<ObserveResult>;
  /** Emits what was not revealed before, up to the limit. Once it has answered, the event is emitted, be it later. */
  reveal(request: RevealRequest): Promise<void>;
  /** Emits what is left of an observation, if anything is, and forgets its text. */
  finish(observation: string): Promise<void>;
  /**
   * The content of an event with this ULID is being erased: what of its contacts is not known to be revealed is not, and
   * is forgotten; if it was, that event is erased. Throws when a log is out of reach.
   */
  eraseRevealed(trigger: string): Promise<void>;
}
