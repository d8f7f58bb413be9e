import type { ContentfulStatusCode } from "hono/utils/http-status";

/** A cause of an error answer, and what it is called. What to do about it stands on its page: problem-page.ts. */
interface Cause {
  status: ContentfulStatusCode;
  title: string;
}

/**
 * Every cause of an error answer, by its code. A code is part of the API: it stays, whatever becomes of the wording. The
 * page `/docs/problems` is made from this table, and a problem's `type` points into it.
 */
export const PROBLEMS = {
  "body-empty": {
    status: 400,
    title: "Malformed request",
  },
  "body-not-json": {
    status: 400,
    title: "Malformed request",
  },
  "body-not-utf8": { status: 400, title: "Malformed request" },
  "path-malformed": {
    status: 400,
    title: "Malformed request",
  },
  "key-missing": { status: 401, title: "Not authenticated" },
  "key-unknown": {
    status: 401,
    title: "The key is not known",
  },
  "role-not-allowed": {
    status: 403,
    title: "Not allowed",
  },
  "path-unknown": {
    status: 404,
    title: "Not found",
  },
  "tenant-unknown": {
    status: 404,
    title: "Not found",
  },
  "endpoint-unknown": {
    status: 404,
    title: "Not found",
  },
  "event-unknown": {
    status: 404,
    title: "Not found",
  },
  "delivery-unknown": {
    status: 404,
    title: "Not found",
  },
  "recovery-unknown": {
    status: 404,
    title: "Not found",
  },
  "segment-unknown": { status: 404, title: "Not found" },
  "automation-unknown": {
    status: 404,
    title: "Not found",
  },
  "signal-unknown": { status: 404, title: "Not found" },
  "portal-link-unknown": {
    status: 404,
    title: "Not found",
  },
  "list-unknown": { status: 404, title: "Not found" },
  "item-unknown": { status: 404, title: "Not found" },
  "key-not-there": { status: 404, title: "Not found" },
  "event-type-unknown": {
    status: 404,
    title: "Not found",
  },
  "catalog-unknown": { status: 404, title: "Not found" },
  "method-not-allowed": {
    status: 405,
    title: "Method not allowed",
  },
  "uid-taken": {
    status: 409,
    title: "The uid is taken",
  },
  "list-name-taken": {
    status: 409,
    title: "The name is taken",
  },
  "tenant-exists": {
    status: 409,
    title: "The tenant exists",
  },
  "tenant-in-deletion": {
    status: 409,
    title: "The tenant is being deleted",
  },
  "tenant-reserved": {
    status: 409,
    title: "The tenant is the service's own",
  },
  "endpoint-disabled": {
    status: 409,
    title: "The endpoint is disabled",
  },
  "attempt-under-way": {
    status: 409,
    title: "An attempt is under way",
  },
  "content-erased": {
    status: 409,
    title: "The content is erased",
  },
  "segment-in-use": {
    status: 409,
    title: "The segment is in use",
  },
  "no-next-secret": {
    status: 409,
    title: "There is no new secret",
  },
  "secrets-too-many": {
    status: 409,
    title: "Too many secrets overlap",
  },
  "recoveries-waiting": {
    status: 409,
    title: "Too many recoveries wait",
  },
  "limit-reached": {
    status: 409,
    title: "A limit is reached",
  },
  "request-under-way": {
    status: 409,
    title: "The first request is under way",
  },
  "changed-meanwhile": {
    status: 409,
    title: "Changed meanwhile",
  },
  "precondition-failed": {
    status: 412,
    title: "Not what it was",
  },
  "body-too-large": { status: 413, title: "Too large" },
  "media-type-unsupported": {
    status: 415,
    title: "Not JSON",
  },
  "encoding-unsupported": {
    status: 415,
    title: "Compressed",
  },
  invalid: {
    status: 422,
    title: "Invalid request",
  },
  "idempotency-key-reused": {
    status: 422,
    title: "The Idempotency-Key is used",
  },
  "rate-limited": {
    status: 429,
    title: "Too many requests",
  },
  "refused-too-often": {
    status: 429,
    title: "Too many requests",
  },
  internal: {
    status: 500,
    title: "Internal error",
  },
  "out-of-reach": {
    status: 503,
    title: "Temporarily unavailable",
  },
  "storage-full": {
    status: 503,
    title: "Storage is full",
  },
  "storage-unusable": {
    status: 503,
    title: "Storage cannot be used",
  },
  "event-log-full": {
    status: 503,
    title: "The event log is full",
  },
  "event-log-unwritten": {
    status: 503,
    title: "The event log could not write",
  },
  "entity-full": {
    status: 503,
    title: "An entity has too much to emit",
  },
  "endpoint-not-told": {
    status: 503,
    title: "Saved, but not in effect yet",
  },
  "deletion-unfinished": {
    status: 503,
    title: "The deletion goes on",
  },
  "parts-out-of-reach": {
    status: 503,
    title: "Parts are out of reach",
  },
  misconfigured: {
    status: 503,
    title: "Misconfigured",
  },
} as const satisfies Record<string, Cause>;

/** The stable name of a cause. */
export type ProblemCode = keyof typeof PROBLEMS;

/** What a problem's `type` is: where its cause is explained, relative to the service. */
export function typeOf(code: ProblemCode): string {
  return `/docs/problems#${code}`;
}
