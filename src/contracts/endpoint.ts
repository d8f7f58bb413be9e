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
import type { Delivery } from "./event";
import type { Figures, Standing, Untold } from "./figures";
import type { Enablement, EndpointSettings } from "./settings";

/** Deliveries that a consumer offers to send. */
export interface AdmitRequest {
  /** The newest configuration version that the messages carry. */
  version: number;
  deliveries: Delivery[];
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
  delivery: Delivery;
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

/** How the last 24 h went, by whole hours of acceptance. */
export interface RecentRecord {
  counts: Record<DeliveryStatus, number>;
  latency: Latency;
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

/** What is counted of an endpoint, and what stands open, however old. */
export interface FiguresRecord extends Standing {
  hours: Figures;
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
 * How many deliveries it is about; `truncated`: more than were counted; `id`: the recovery's, where there are any. `busy`: so many recoveries wait to be carried out
 * that there is no room for another.
 */
export type RecoverResult = { count: number; truncated?: true; id?: string } | "disabled" | "busy";

/** A recovery and how far it came; times in ms. */
export interface RecoveryRecord extends Omit<RecoverRequest, "dryRun"> {
  id: string;
  at: number;
  count: number;
  /** How many of them were sent again. */
  done: number;
  state: "running" | "done" | "canceled";
}

/** Which deliveries a list is about; `null`: any. Times in ms by acceptance, `until` exclusive. */
export interface DeliveryFilter {
  statuses: DeliveryStatus[] | null;
  event: string | null;
  /** Of the last attempt, both inclusive. */
  codes: { from: number; to: number } | null;
  since: number | null;
  until: number | null;
  /** With this attempt, by its id; absent: any. */
  attempt?: string;
}

export interface DeliveryPage {
  deliveries: DeliveryRecord[];
  /** The id after which the next page begins. A page looks at so many rows and no more: it may be short, or empty. */
  next: string | null;
}

export type ResendResult = "resending" | "unknown" | "disabled" | "in-flight";

/** Deliveries are adopted; with the hours that D1 may not have been told of, as they were `at` (ms). */
export type Adopted = "adopted" | "gone" | Untold;

/** The Endpoint object, named `tenant/endpoint id`. */
export interface EndpointContract {
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
  stands(delivery: Delivery, attemptId: string, version: number): Promise<boolean>;
  /**
   * Attempts of it hang. Each becomes a row that owns its delivery until the lease ends, so that its message may go;
   * what comes until one of them ends takes the slow lane.
   */
  lag(attempts: Hanging[]): Promise<void>;
  /**
   * Takes over deliveries it has no row for; `delay` in ms. `gone`: there is no such endpoint, nothing is owed. With `tells`
   * it answers what D1 has not been told of it, if there is anything.
   */
  adopt(deliveries: Delivery[], delay: number, tells?: boolean): Promise<Adopted>;
  /**
   * Reloads its configuration from D1, and switches the endpoint on or off or lets the breaker's next probe go at once when
   * told to. Answers, once it is switched off, how many attempts are under way.
   */
  configure(change: { enabled?: boolean; probe?: true }): Promise<number>;
  /** The endpoint is deleted: unfinished deliveries end as canceled. Answers how many attempts are under way. */
  close(): Promise<number>;
  /**
   * The content of their event is erased: unfinished ones end as canceled, and no response of theirs is kept. Answers how
   * many attempts of them are under way.
   */
  erase(deliveries: Delivery[]): Promise<number>;
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
  /** What was accepted in the hours that a span of time touches (ms, `until` exclusive), and what stands open. */
  figures(since: number, until: number): Promise<FiguresRecord>;
  /** What it remembers of these deliveries; `null`: nothing yet. `gone`: nothing will come any more. */
  look(ids: string[]): Promise<{ records: (DeliveryRecord | null)[]; gone: boolean }>;
  /** One delivery with its attempts, oldest first. */
  detail(id: string): Promise<{ record: DeliveryRecord | null; attempts: Attempt[]; gone: boolean }>;
  resend(delivery: Delivery): Promise<ResendResult>;
  recover(request: RecoverRequest): Promise<RecoverResult>;
  /** The latest recoveries, newest first. */
  recoveries(): Promise<RecoveryRecord[]>;
  /** Ends a recovery: what was not sent is as it was. Answers it as it then is; `null`: there is none such. */
  stopRecovery(id: string): Promise<RecoveryRecord | null>;
}
