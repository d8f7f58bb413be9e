/**
 * What the Durable Objects promise those who call them. Declared here, below every room, so that an object can be
 * called from a room that its own room may not import.
 */

import type { Portable } from "../lib/json/exact";
import type {
  Admission,
  Attempt,
  Claim,
  DeliveryRecord,
  DeliveryStatus,
  Lane,
  Outcome,
  RecoverableStatus,
} from "./delivery";
import type { DeliveryRef, Match, StoredEvent } from "./event";
import type { Enablement, EndpointSettings } from "./settings";
import type { RevealAction } from "./signal";

/** An event on its way into the log. */
export interface AppendRequest {
  /** When the tenant was created that it was accepted for (ms): by its name alone it could be another, made since. */
  tenantSince?: number;
  event: string;
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
  event: StoredEvent;
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

/** How what is known under a caller's own id is named beside keys: no key has a control character. */
export function idName(id: string): string {
  return `\u0001${id}`;
}

/** Events that are appended together or not at all. */
export interface AppendAllRequest {
  events: AppendRequest[];
  /** Covers all of them; then their own ids count only against other data. */
  idempotency?: Idempotency;
}

export type AppendAllResult =
  | { kind: "appended"; events: { event: StoredEvent; duplicate: boolean }[] }
  /** A key or id was used with another body: of the event at `index`, or (`null`) the key that covers all. */
  | { kind: "conflict"; index: number | null; by: "key" | "id" }
  /** One that may not be written down is no repeat. */
  | { kind: "refused" }
  | { kind: "sealed" };

export type AppendResult =
  | { kind: "appended" | "duplicate"; event: StoredEvent }
  /** The key, or the caller's own id, was used with another body. */
  | { kind: "conflict"; by: "key" | "id" }
  /** It may not be written down, and is no repeat. */
  | { kind: "refused" }
  /** Keys of this day are closed, since the next day's have begun: ask the next day's log. */
  | { kind: "sealed" };

/** An event of the operator's own, on its way from the endpoint that tells it. */
export interface OperatorEvent {
  /** Names this one telling: its idempotency key. */
  id: string;
  event: string;
  /** ms. */
  timestamp: number;
  /** The JSON text of its data. */
  data: string;
}

/** What an EventLog throws that is asked to write for a tenant that is deleted. */
export const TENANT_GONE = "TENANT_GONE: the tenant is deleted";

/** What an EventLog throws that has no room for more: nothing was accepted, and only the next day's log will accept it. */
export const LOG_FULL = "LOG_FULL: the event log of the day is full";

/** What an EventLog throws that could not write: nothing was accepted, and the caller may try again. */
export const LOG_UNWRITTEN = "LOG_UNWRITTEN: the event log could not write";

/** The version of each endpoint's configuration that the caller saw. */
export type Versions = ReadonlyMap<string, number>;

/** The EventLog of a tenant and UTC day. */
export interface EventLogRoom {
  /**
   * The tenant is deleted: forgets everything, with its callbacks. `more`: a part is done, ask again. What another tenant
   * of the name has written since that deletion was over stays. `underWay`: the callbacks that requests are under way of.
   */
  eraseAll(deletion: { createdAt: number; deletedAt: number }): Promise<LogErasure>;
  /** Writes an event down and puts its messages onto the queue; without `versions` it only writes. */
  append(request: AppendRequest, versions?: Versions): Promise<AppendResult>;
  /** Appends all or nothing, in one transaction. */
  appendAll(request: AppendAllRequest, versions: Versions): Promise<AppendAllResult>;
  /** A page of events, newest first. */
  list(query: EventQuery): Promise<EventPage>;
  /**
   * Adds deliveries of an event to endpoints that it has none for, and owns them until the endpoints do. With
   * `versions` their messages are put onto the queue. Answers the event as it then stands and the indexes that were added; `null`: there is no such event.
   */
  addMatches(
    ulid: string,
    endpoints: string[],
    versions?: Versions,
  ): Promise<{ event: StoredEvent; added: number[] } | null>;
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
  /** Of the tenant `operator` only: accepts an event as if it had been posted. A repeat changes nothing. */
  tell(event: OperatorEvent): Promise<void>;
  /** The events with these ULIDs, `null` for one that is not there. */
  read(ulids: string[]): Promise<(StoredEvent | null)[]>;
  /** Closes the day for new keys and answers, for each key, what used it at or after `since` (ms). */
  sealAndFind(keys: string[], since: number): Promise<(KeyedEvents | null)[]>;
  /** Closes the day for new keys and answers those about a key that were used at or after `since` (ms). `null`: not now. */
  sealAndList(key: string, since: number): Promise<KeyPage | null>;
}

/** The keys of a log from one of them to another, both inclusive, in the order of their UTF-8 bytes. */
export interface KeyPage {
  /** `null`: from the first. */
  from: string | null;
  /** `null`: to the last. */
  to: string | null;
  /** A Bloom filter of them. */
  filter: ArrayBuffer;
}

/** What was accepted under a key: one event, or those of a batch in their order. */
export interface KeyedEvents {
  key: string;
  events: StoredEvent[];
  fingerprint: string;
}

/** What to look for in a day's log. */
export interface EventQuery {
  /** The event type; absent: all. */
  event?: string | undefined;
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
}

/** Deliveries that a consumer offers to send. */
export interface AdmitRequest {
  /** The newest configuration version that the messages carry. */
  version: number;
  deliveries: DeliveryRef[];
  /** The queue that they came by. */
  lane: Lane;
  /** How many the consumer can begin at once; 0: it takes on nothing more. */
  room: number;
  /** It has others of this endpoint under way, and offers these again when one of them ends: they need no row. */
  returns?: true;
  /** Their message has come before, so whatever kept it from being recorded may be so still. */
  again?: true;
}

export interface AdmitAnswer {
  admissions: Admission[];
  /** What sending needs; absent when nothing is to be sent. */
  settings?: EndpointSettings;
  /** What an attempt takes at present, in ms; absent when nothing is to be sent or nothing is known. */
  pace?: number;
}

/** How an endpoint stands once outcomes are written down, and what its consumer goes on with. */
export interface Recorded extends AdmitAnswer {
  /** It has begun to fail, or is slow. */
  slow: boolean;
  /** Its breaker is not closed, or its receiver has asked for quiet: what has not begun is to be handed back. */
  shut: boolean;
  /** Deliveries that were due and had no slot. */
  claims: Claim[];
}

/** An attempt that hangs. */
export interface Hanging {
  delivery: DeliveryRef;
  attemptId: string;
  /** ms. */
  leasedUntil: number;
}

export interface HealthRecord extends Enablement {
  state: "healthy" | "failing" | "disabled";
  /** ms; the first failed attempt since the last success. */
  failingSince: number | null;
  /** ms; from here on a failed attempt disables, if enough parts of the window are marked. */
  disablesAt: number | null;
  /** The window's seven parts: whether each has a failed attempt. */
  window: boolean[];
  consecutiveFailures: number;
  /** `until` in ms: while it is open, when a probe may go; else `null`. */
  breaker: { state: "closed" | "open" | "half-open"; until: number | null };
  /** ms; until when its receiver has asked to be left alone; `null`: it has not. */
  quietUntil: number | null;
}

/** Durations of successful attempts in ms. */
export interface Latency {
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

/** How the last 24 h went, as far as the newest deliveries tell. */
export interface RecentRecord {
  counts: Record<DeliveryStatus, number>;
  latency: Latency;
  /** There were more deliveries than were looked at. */
  truncated: boolean;
}

/** What an endpoint's object keeps, in bytes, and since when (ms): `null`, all that retention keeps. */
export interface StorageRecord {
  bytes: number;
  /** Beyond so many bytes the oldest of what is finished is dropped. */
  most: number;
  /** What receivers answered to deliveries accepted before is dropped. */
  responsesSince: number | null;
  /** Finished deliveries accepted before are dropped. */
  deliveriesSince: number | null;
}

/** Totals of the deliveries that were accepted in one hour. */
export interface HourRecord extends Record<DeliveryStatus, number> {
  /** Its first ms. */
  hour: number;
  attempts: number;
}

export interface StatsRecord {
  /** Oldest first; hours without deliveries are left out. */
  hours: HourRecord[];
  /** There were more deliveries than were looked at: the oldest are missing. */
  truncated: boolean;
}

export interface RecoverRequest {
  /** ms, inclusive. */
  since: number;
  /** ms, exclusive. */
  until: number;
  statuses: RecoverableStatus[];
  dryRun: boolean;
}

/**
 * How many deliveries it is about; `truncated`: more than were counted. `busy`: so many recoveries wait to be carried out
 * that there is no room for another.
 */
export type RecoverResult = { count: number; truncated?: true } | "disabled" | "busy";

/** Which deliveries a list is about; `null`: any. Times in ms by acceptance, `until` exclusive. */
export interface DeliveryFilter {
  statuses: DeliveryStatus[] | null;
  event: string | null;
  /** Of the last attempt, both inclusive. */
  codes: { from: number; to: number } | null;
  since: number | null;
  until: number | null;
}

export interface DeliveryPage {
  deliveries: DeliveryRecord[];
  /** The id after which the next page begins. A page looks at so many rows and no more: it may be short, or empty. */
  next: string | null;
}

export type ResendResult = "resending" | "unknown" | "disabled" | "in-flight";

/** The Endpoint object, named `tenant/endpoint id`. */
export interface EndpointRoom {
  admit(request: AdmitRequest): Promise<AdmitAnswer>;
  /**
   * Writes outcomes down. With `next`, what their consumer goes on with: it is admitted like any other, and as far as
   * there is room deliveries that wait for a slot are handed out besides.
   */
  record(outcomes: Outcome[], next?: AdmitRequest): Promise<Recorded>;
  /**
   * Whether an attempt that has waited for a lane may still go out as it was granted: the delivery is its own, the
   * endpoint's configuration has the version it goes by, and nobody has disabled or deleted the endpoint or erased the
   * event.
   */
  stands(delivery: DeliveryRef, attemptId: string, version: number): Promise<boolean>;
  /**
   * Attempts of it hang. Each becomes a row that owns its delivery until the lease ends, so that its message may go;
   * what comes until one of them ends takes the slow lane.
   */
  lag(attempts: Hanging[]): Promise<void>;
  /** Takes over deliveries it has no row for; `delay` in ms. `gone`: there is no such endpoint, nothing is owed. */
  adopt(deliveries: DeliveryRef[], delay: number): Promise<"adopted" | "gone">;
  /**
   * Reloads its configuration from D1, and switches the endpoint on or off when told to. Answers, once it is switched off,
   * how many attempts are under way.
   */
  configure(change: { enabled?: boolean }): Promise<number>;
  /** The endpoint is deleted: unfinished deliveries end as canceled. Answers how many attempts are under way. */
  close(): Promise<number>;
  /**
   * The content of their event is erased: unfinished ones end as canceled, and no response of theirs is kept. Answers how
   * many attempts of them are under way.
   */
  erase(deliveries: DeliveryRef[]): Promise<number>;
  /** The tenant is deleted: forgets everything, and writes nothing any more. Answers how many attempts are under way. */
  eraseAll(): Promise<number>;
  /**
   * How many attempts are under way, with the receiver or on their way to it, as soon as there are none, and at `until` (ms)
   * at the latest. `deliveries`: attempts of these alone, by their ids. 2 s after one of the calls above no other begins.
   */
  underWay(until: number, deliveries?: string[]): Promise<number>;
  /**
   * Retention is over for what was accepted before `before` (ms): forgets what is finished or held of it. `more`: a part
   * is done, ask again.
   */
  trim(before: number): Promise<"trimmed" | "more">;
  health(): Promise<HealthRecord & RecentRecord & { storage: StorageRecord }>;
  list(filter: DeliveryFilter, limit: number, before: string | null): Promise<DeliveryPage>;
  /** Totals by hour of what was accepted in a span of time (ms, `until` exclusive). */
  stats(since: number, until: number): Promise<StatsRecord>;
  /** What it remembers of these deliveries; `null`: nothing yet. `gone`: nothing will come any more. */
  look(ids: string[]): Promise<{ records: (DeliveryRecord | null)[]; gone: boolean }>;
  /** One delivery with its attempts, oldest first. */
  detail(id: string): Promise<{ record: DeliveryRecord | null; attempts: Attempt[]; gone: boolean }>;
  resend(delivery: DeliveryRef): Promise<ResendResult>;
  recover(request: RecoverRequest): Promise<RecoverResult>;
}
