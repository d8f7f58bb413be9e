import type { Portable } from "../lib/json/exact";
import type { Event, Match } from "./event";
import type { Untold } from "./figures";
import type { RevealAction } from "./signal";

/** An event on its way into the log. */
export interface AppendRequest {
  /** When the tenant was created that it was accepted for (ms): by its name alone it could be another, made since. */
  tenantSince?: number;
  type: string;
  /** ms since the epoch; absent: the time of acceptance. */
  timestamp?: number;
  /** The payload's `id` when the caller gave one. */
  payloadId?: string;
  data: string;
  matches: Match[];
  /** A repeat of the same key, or of the `payloadId`, within 24 h answers the first event. */
  idempotency?: Idempotency;
  /** What automations reveal of the contacts that it brings; the log owns this too, until it is done. */
  reveal?: Portable<Reveal>;
  /** The observation that it was emitted for. */
  origin?: Origin;
  /** The values that it is found by, see `lib/found-by.ts`. */
  foundBy?: string[];
  /** Its data is refused today: it may answer an earlier event under its key, and is not written down. */
  refused?: true;
}

/** An observation that events are emitted for: the name of its entity's object below the tenant, and its own. */
export interface Origin {
  room: string;
  observation: string;
}

/** An event whose content is erased. */
export interface Erased {
  event: Event;
  /** `null`: it was not emitted for an observation. */
  origin: Origin | null;
  /** The ULIDs of events that were derived from it. */
  derived: string[];
}

/** Where requests are under way of what was ended; `deliveries`: of these alone, by their ids. */
export interface UnderWayAt {
  endpoint: string;
  deliveries?: string[];
}

/** How far the erasure of a log came. */
export interface LogErasure {
  state: "erased" | "more";
  underWay: UnderWayAt[];
}

/** Contacts to be revealed, for a tenant that was created at `since` (ms). */
export interface Reveal {
  since: number;
  actions: RevealAction[];
}

/** A key, and the hash of what was said under it. */
export interface Idempotency {
  key: string;
  fingerprint: string;
}

/** Events that are appended together or not at all. */
export interface AppendAllRequest {
  events: AppendRequest[];
  /** Covers all of them; then their own ids count only against other data. */
  idempotency?: Idempotency;
}

interface Told {
  /** How many shards the day has by now; absent: one, as the caller went by. */
  shards?: number;
  /** No messages are put onto the queue: the caller delivers the event. */
  direct?: true;
}

export type AppendAllResult = Told & AppendedAll;
type AppendedAll =
  | { kind: "appended"; events: { event: Event; duplicate: boolean }[] }
  /** A key or id was used with another body: of the event at `index`, or (`null`) the key that covers all. */
  | { kind: "conflict"; index: number | null; by: "key" | "id" }
  /** One that may not be written down is no repeat. */
  | { kind: "refused" }
  | { kind: "sealed" }
  | { kind: "moved" };

export type AppendResult = Told & Appended;
type Appended =
  | { kind: "appended" | "duplicate"; event: Event }
  /** The key, or the caller's own id, was used with another body. */
  | { kind: "conflict"; by: "key" | "id" }
  /** It may not be written down, and is no repeat. */
  | { kind: "refused" }
  /** Keys of this day are closed, since the next day's have begun: ask the next day's log. */
  | { kind: "sealed" }
  /** There are more shards than the caller knew, and another one is its key's. */
  | { kind: "moved" };

/** What an EventLog throws that is asked to write for a tenant that is deleted. */
export const TENANT_GONE = "TENANT_GONE: the tenant is deleted";

/** What an EventLog throws that has no room for more: nothing was accepted, and only the next day's log will accept it. */
export const LOG_FULL = "LOG_FULL: the event log of the day is full";

/** What an EventLog throws that could not write: nothing was accepted, and the caller may try again. */
export const LOG_UNWRITTEN = "LOG_UNWRITTEN: the event log could not write";

/** The version of each endpoint's configuration that the caller saw. */
export type Versions = ReadonlyMap<string, number>;

/** Names that another shard is about to use. */
export interface ClaimRequest {
  /** When the tenant was created, see `AppendRequest`. */
  tenantSince?: number | undefined;
  names: string[];
  /** The shard that will write the event, and the number of shards that it goes by. */
  shard: number;
  shards: number;
}

export type ClaimResult =
  /** What has used each name before; `null`: nothing, and it is claimed. */
  { kind: "claimed"; used: (KeyedEvents | null)[] } | { kind: "sealed" } | { kind: "moved"; shards: number };

/** The shard whose request asks for keys of which another may have been the home, and the number of shards that it goes by. */
export interface LaterShard {
  shard: number;
  shards: number;
}

/** What a log knows of keys. */
export interface FoundKeys {
  /** For each key what used it. */
  used: (KeyedEvents | null)[];
  /** How many shards the day has, as far as this one knows. */
  shards: number;
}

/** How many deliveries were accepted, by the first ms of the hour and the event type. */
export type AcceptedHours = Record<string, Record<string, number>>;

/** What a log knows of its deliveries' figures, by endpoint. */
export interface LogFigures {
  accepted: Record<string, AcceptedHours>;
  /** What endpoints told of their hours when they were handed their deliveries last. */
  told: Record<string, Untold>;
}

/** A shard of the EventLog of a tenant and UTC day. */
export interface EventLogContract {
  /**
   * The tenant is deleted: forgets everything, with its callbacks. `more`: a part is done, ask again. What another tenant
   * of the name has written since that deletion was over stays. `underWay`: the callbacks that requests are under way of.
   */
  eraseAll(deletion: { createdAt: number; deletedAt: number }): Promise<LogErasure>;
  /**
   * Writes an event down and puts its messages onto the queue; without `versions` it only writes. `shards`: how many the
   * caller goes by. `direct`: the caller would deliver it itself, which it may where its messages would go alone.
   */
  append(request: AppendRequest, versions?: Versions, shards?: number, direct?: boolean): Promise<AppendResult>;
  /** Appends all or nothing, in one transaction. */
  appendAll(request: AppendAllRequest, versions: Versions, shards?: number): Promise<AppendAllResult>;
  /** Claims names of which this shard is the home for an event of another one. */
  claim(request: ClaimRequest): Promise<ClaimResult>;
  /** What events of this shard have used these names. `busy`: it is about to write one that uses one of them. */
  find(names: string[]): Promise<{ used: (KeyedEvents | null)[]; busy: boolean }>;
  /** What it knows of its deliveries' figures. */
  figures(): Promise<Told & LogFigures>;
  /** Whether this shard holds anything. */
  holds(): Promise<boolean>;
  /** A page of events, newest first. */
  list(query: EventQuery): Promise<EventPage>;
  /**
   * Adds deliveries of an event to endpoints that it has none for, and owns them until the endpoints do. With
   * `versions` their messages are put onto the queue. Answers the event as it then stands and the indexes that were added; `null`: there is no such event.
   */
  addMatches(ulid: string, endpoints: string[], versions?: Versions): Promise<{ event: Event; added: number[] } | null>;
  /**
   * Erases an event's data, and what an entity has not emitted of it; `null`: there is no such event. Throws when the
   * entity is out of reach; then nothing is erased.
   */
  erase(ulid: string): Promise<Erased | null>;
  /**
   * Remembers that an event was derived from one of this log, to be erased with it; without `derived` it only looks.
   * Answers whether that one's content is erased already.
   */
  noteDerived(source: string, derived?: string): Promise<boolean>;
  /**
   * The events with these ULIDs, `null` for one that is not there. `room`: how many characters of data they may have
   * together; once that is full, the rest is `null`. Absent: any.
   */
  read(ulids: string[], room?: number): Promise<(Event | null)[]>;
  /**
   * Closes the day for new keys and answers, for each key, what used it at or after `since` (ms). For a later shard of the
   * same day it closes only for keys that have another home by now.
   */
  sealAndFind(keys: string[], since: number, later?: LaterShard): Promise<FoundKeys>;
  /** Likewise, and answers the keys about a key that were used at or after `since` (ms). `null`: not now. */
  sealAndList(key: string, since: number, later?: LaterShard): Promise<KeyPage | null>;
}

/** The keys of a log from one of them to another, both inclusive, in the order of their UTF-8 bytes. */
export interface KeyPage {
  /** `null`: from the first. */
  from: string | null;
  /** `null`: to the last. */
  to: string | null;
  /** A Bloom filter of them. */
  filter: ArrayBuffer;
  /** How many shards the day has, as far as this one knows. */
  shards: number;
}

/** What was accepted under a key: one event, or those of a batch in their order. */
export interface KeyedEvents {
  key: string;
  events: Event[];
  fingerprint: string;
}

/** What to look for in a day's log. */
export interface EventQuery {
  /** The event type; absent: all. */
  event?: string | undefined;
  /** Of those with a delivery for this endpoint, by its id; absent: all. */
  endpoint?: string | undefined;
  /** Of those that are found by it: by a value, the caller's own id or an idempotency key; absent: all. */
  search?: string | undefined;
  /** ULIDs: older than `before`, and not older than `from`; `null`: without end. */
  before: string | null;
  from: string | null;
  limit: number;
  /** The most rows to look at. */
  rows: number;
}

export interface EventPage {
  events: { ulid: string; event: string; timestamp: number }[];
  /** How many rows were looked at. */
  looked: number;
  /** The last one looked at when there may be more; `null`: the day is through. */
  next: string | null;
  /** How many shards the day has; absent: one, or it is not the first that was asked. */
  shards?: number;
}
