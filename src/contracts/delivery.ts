import type { Delivery } from "./event";
import type { Format, Method } from "./wire";

/** The states of a delivery. `held`: its endpoint is disabled; `canceled`: its endpoint is deleted, or its event erased. */
export const DELIVERY_STATUSES = ["pending", "retrying", "succeeded", "failed", "held", "canceled"] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** The states out of which a delivery can be recovered. */
export type RecoverableStatus = "failed" | "held";

/**
 * Why a delivery waits: for a free slot, its turn in the slow lane, the endpoint's rate limit, its open breaker, or the time
 * that its receiver asked for with a `Retry-After`.
 */
export const WAIT_REASONS = ["slots", "slow", "rate", "breaker", "asked"] as const;
export type WaitReason = (typeof WAIT_REASONS)[number];

/** What went wrong in an attempt, or ended a delivery without one. */
export const DELIVERY_ERRORS = ["timeout", "connection", "redirect", "status", "blocked", "gone", "expired"] as const;
export type DeliveryError = (typeof DELIVERY_ERRORS)[number];

/** What caused an attempt: its schedule, a person's resend, or a person's test. */
export type Trigger = "scheduled" | "manual" | "test";

/** A response as far as it is kept: headers up to 8 KB, body up to 16 KB. */
export interface KeptResponse {
  headers: Record<string, string>;
  /** Of bytes that are no text what they are: `[binary, 1234 bytes]`. */
  body: string;
  /** There was more of the body than is kept, or it did not come. */
  truncated: boolean;
  /** The body broke off before its end, or did not end in time. It says nothing of the outcome. */
  broken?: true;
}

/** One HTTP request of a delivery and what came of it. The request's body is not kept: it is rendered again. */
export interface Attempt {
  id: string;
  number: number;
  /** When it began, in ms since the epoch. */
  at: number;
  durationMs: number;
  statusCode: number | null;
  /** `null`: it succeeded. */
  error: DeliveryError | null;
  trigger: Trigger;
  /** The format of the body, which is rendered again from it; `null`: the method has none. */
  format: Format | null;
  request: { method: Method; url: string; headers: Record<string, string> };
  response: KeptResponse | null;
}

/** An attempt as its endpoint is told of it: what it decides by, and as `entry` all of it, the JSON text that its log keeps. */
export type Report = Pick<Attempt, "id" | "at" | "durationMs" | "statusCode" | "error" | "format"> & { entry: string };

/** An attempt as it is told: put into text here, since an object is one for all of its endpoint and has better to do. */
export function reportOf(attempt: Attempt): Report {
  const { id, at, durationMs, statusCode, error, format } = attempt;
  return { id, at, durationMs, statusCode, error, format, entry: JSON.stringify(attempt) };
}

/** What the consumer reports of a delivery that it was allowed to send. */
export type Outcome =
  | {
      kind: "attempted";
      delivery: Delivery;
      attempt: Report;
      /** The receiver's `Retry-After` in seconds from the attempt's end, when it sent one that counts. */
      retryAfter: number | null;
    }
  /** Not tried before its lease ran short: it waits for the next turn, and no attempt was used. */
  | { kind: "unsent"; delivery: Delivery; attemptId: string }
  /** Its event is no longer kept, so there is nothing to send any more. */
  | { kind: "expired"; delivery: Delivery; attemptId: string }
  /** Its event's content was erased, so there is nothing to send any more. */
  | { kind: "erased"; delivery: Delivery; attemptId: string };

/** Leave to send one delivery once. */
export interface Grant {
  id: string;
  attemptId: string;
  number: number;
  trigger: Trigger;
  /** ms; from then on somebody else may be given the delivery. */
  leasedUntil: number;
  /** The format that its first attempt had; `null`: today's. */
  format: Format | null;
  /** A row with the lease owns it: its message may go. */
  owned?: true;
}

/** What an endpoint answers for one delivery that a consumer offers. */
export type Admission =
  | ({ do: "send" } & Grant)
  /** The endpoint has a row for it: the message has done its work. */
  | { do: "wait"; id: string }
  /** It is finished, or its endpoint is gone. */
  | { do: "drop"; id: string }
  /** Nothing is decided: whoever offers it has others to send first, and offers it again then. */
  | { do: "later"; id: string };

/** A delivery that is due, and leave to send it: handed to a consumer that has finished others. */
export interface Claim {
  delivery: Delivery;
  grant: Grant;
}

/** Which queue a delivery comes by: that for endpoints in good health, or that for those that fail or are slow. */
export type Lane = "normal" | "slow";

/** A delivery as its endpoint remembers it; times in ms. */
export interface DeliveryRecord {
  id: string;
  event: string;
  status: DeliveryStatus;
  waitReason: WaitReason | null;
  test: boolean;
  attempts: number;
  lastStatusCode: number | null;
  lastError: DeliveryError | null;
  nextAttemptAt: number | null;
  finishedAt: number | null;
}
