import type { ContentfulStatusCode } from "hono/utils/http-status";

/** A cause of an error answer: what it is called and what whoever gets it does. */
interface Cause {
  status: ContentfulStatusCode;
  title: string;
  /** What to do about it, in a sentence or two. */
  remedy: string;
}

/**
 * Every cause of an error answer, by its code. A code is part of the API: it stays, whatever becomes of the wording. The
 * page `/docs/problems` is made from this table, and a problem's `type` points into it.
 */
export const PROBLEMS = {
  "body-empty": {
    status: 400,
    title: "Malformed request",
    remedy: "Send JSON. Where nothing is to be said, an empty object `{}` says it.",
  },
  "body-not-json": {
    status: 400,
    title: "Malformed request",
    remedy: "Send one JSON value and nothing else.",
  },
  "body-not-utf8": { status: 400, title: "Malformed request", remedy: "Encode the JSON text as UTF-8." },
  "path-malformed": {
    status: 400,
    title: "Malformed request",
    remedy: "Percent-encode each part of the path as UTF-8.",
  },
  "key-missing": { status: 401, title: "Not authenticated", remedy: "Send your key as `Authorization: Bearer KEY`." },
  "key-unknown": {
    status: 401,
    title: "The key is not known",
    remedy: "Check that the key is whole, belongs to this deployment and was not revoked.",
  },
  "role-not-allowed": {
    status: 403,
    title: "Not allowed",
    remedy: "Use a key whose role may do this: the list at `/docs/calls` says which.",
  },
  "path-unknown": {
    status: 404,
    title: "Not found",
    remedy: "Compare the path with the list at `/docs/calls`.",
  },
  "tenant-unknown": {
    status: 404,
    title: "Not found",
    remedy: "Create the tenant first. To a tenant's key, other tenants are not there.",
  },
  "endpoint-unknown": {
    status: 404,
    title: "Not found",
    remedy: "Check its id or `uid`. It may be deleted, or another tenant's.",
  },
  "event-unknown": {
    status: 404,
    title: "Not found",
    remedy: "Check its id (`evt_…`). Events are kept for the retention time only.",
  },
  "delivery-unknown": {
    status: 404,
    title: "Not found",
    remedy: "Check its id and its endpoint. Deliveries are kept for the retention time only.",
  },
  "segment-unknown": { status: 404, title: "Not found", remedy: "List the tenant's segments for their ids." },
  "automation-unknown": {
    status: 404,
    title: "Not found",
    remedy: "List the tenant's automations for their ids.",
  },
  "signal-unknown": { status: 404, title: "Not found", remedy: "List the tenant's signals for their ids." },
  "portal-link-unknown": {
    status: 404,
    title: "Not found",
    remedy: "List the tenant's portal links for their ids. Those that have expired are not kept.",
  },
  "list-unknown": { status: 404, title: "Not found", remedy: "Create the list first, or check its name." },
  "item-unknown": { status: 404, title: "Not found", remedy: "Nothing: it is not on the list." },
  "key-not-there": { status: 404, title: "Not found", remedy: "List the tenant's keys for their ids." },
  "event-type-unknown": {
    status: 404,
    title: "Not found",
    remedy: "Register the type first, or check its name. Types that are not registered can still be posted.",
  },
  "catalog-unknown": { status: 404, title: "Not found", remedy: "Take one of the names that the answer lists." },
  "method-not-allowed": {
    status: 405,
    title: "Method not allowed",
    remedy: "Use one of the methods in the answer's `Allow` header.",
  },
  "uid-taken": {
    status: 409,
    title: "The uid is taken",
    remedy: "Choose another `uid`, or change the endpoint that has this one.",
  },
  "list-name-taken": {
    status: 409,
    title: "The name is taken",
    remedy: "Choose another name, or change the list that has this one.",
  },
  "tenant-exists": {
    status: 409,
    title: "The tenant exists",
    remedy: "Change it with `PATCH`, or use `PUT` to do either.",
  },
  "tenant-in-deletion": {
    status: 409,
    title: "The tenant is being deleted",
    remedy: "Repeat the deletion until it answers 204, then create the tenant anew.",
  },
  "tenant-reserved": {
    status: 409,
    title: "The tenant is the service's own",
    remedy: "Delete its endpoints instead, if they are no longer wanted.",
  },
  "endpoint-disabled": {
    status: 409,
    title: "The endpoint is disabled",
    remedy: 'Enable it first with `PATCH` `{"enabled": true}`; what was held can then be recovered.',
  },
  "attempt-under-way": {
    status: 409,
    title: "An attempt is under way",
    remedy: "Look at the delivery in some seconds; send it again if the attempt failed.",
  },
  "content-erased": {
    status: 409,
    title: "The content is erased",
    remedy: "Nothing: what was erased is gone, by design. Post the event anew if it is to be sent.",
  },
  "segment-in-use": {
    status: 409,
    title: "The segment is in use",
    remedy: "Take it out of the automation that the answer names, then delete it.",
  },
  "no-next-secret": {
    status: 409,
    title: "There is no new secret",
    remedy: "Rotate the secret first; there is then one to promote.",
  },
  "secrets-too-many": {
    status: 409,
    title: "Too many secrets overlap",
    remedy: "Promote the newest one, rotate with `overlap: 0`, or wait until one ends.",
  },
  "recoveries-waiting": {
    status: 409,
    title: "Too many recoveries wait",
    remedy: "Wait until some of the endpoint's recoveries are carried out, then repeat the request.",
  },
  "limit-reached": {
    status: 409,
    title: "A limit is reached",
    remedy: "Delete what is no longer used. The answer says how many there may be.",
  },
  "request-under-way": {
    status: 409,
    title: "The first request is under way",
    remedy: "Repeat the request, as it is, after `Retry-After` seconds: it is then answered as the first was.",
  },
  "changed-meanwhile": {
    status: 409,
    title: "Changed meanwhile",
    remedy: "Read it again, make the change on what it is now, and repeat the request.",
  },
  "precondition-failed": {
    status: 412,
    title: "Not what it was",
    remedy: "It was changed since you read its `ETag`. Read it again, and repeat the change with the new one.",
  },
  "body-too-large": { status: 413, title: "Too large", remedy: "Send less at once: split a batch, shorten the data." },
  "media-type-unsupported": {
    status: 415,
    title: "Not JSON",
    remedy: "Send JSON in UTF-8 with `Content-Type: application/json`.",
  },
  "encoding-unsupported": {
    status: 415,
    title: "Compressed",
    remedy: "Send the body as it is, without `Content-Encoding`.",
  },
  invalid: {
    status: 422,
    title: "Invalid request",
    remedy: "Correct each field that `errors` names; `path` says where it is. Nothing was changed.",
  },
  "idempotency-key-reused": {
    status: 422,
    title: "The Idempotency-Key is used",
    remedy: "A key stands for one request: take a new one for a new request, and send a repeat as it was.",
  },
  "rate-limited": {
    status: 429,
    title: "Too many requests",
    remedy: "Wait as long as `Retry-After` says. Batches take 100 events in one request, and count as many.",
  },
  "refused-too-often": {
    status: 429,
    title: "Too many requests",
    remedy: "Wait as long as `Retry-After` says, and use a key that is known.",
  },
  internal: {
    status: 500,
    title: "Internal error",
    remedy: "Repeat the request later. If it stays, look the `requestId` up in the service's log.",
  },
  "out-of-reach": {
    status: 503,
    title: "Temporarily unavailable",
    remedy: "Repeat the request after `Retry-After` seconds, with the same `Idempotency-Key`.",
  },
  "storage-full": {
    status: 503,
    title: "Storage is full",
    remedy:
      "Repeat the request after `Retry-After` seconds, with the same `Idempotency-Key`. The operator makes room: the log names what could not be written.",
  },
  "storage-unusable": {
    status: 503,
    title: "Storage cannot be used",
    remedy:
      "Repeat the request after `Retry-After` seconds, with the same `Idempotency-Key`. The operator looks at Cloudflare's status or, locally, at the disk and the rights of `.wrangler`.",
  },
  "event-log-full": {
    status: 503,
    title: "The event log is full",
    remedy: "Nothing was accepted. Repeat the request after `Retry-After` seconds; the next day (UTC) has a new log.",
  },
  "event-log-unwritten": {
    status: 503,
    title: "The event log could not write",
    remedy: "Nothing was accepted. Repeat the request after `Retry-After` seconds.",
  },
  "entity-full": {
    status: 503,
    title: "An entity has too much to emit",
    remedy: "Repeat the request after `Retry-After` seconds, when what it fired is emitted.",
  },
  "endpoint-not-told": {
    status: 503,
    title: "Saved, but not in effect yet",
    remedy: "Repeat the request: the change is saved, and the repeat brings it to the endpoint.",
  },
  "deletion-unfinished": {
    status: 503,
    title: "The deletion goes on",
    remedy: "Repeat the request until it answers 204.",
  },
  "parts-out-of-reach": {
    status: 503,
    title: "Parts are out of reach",
    remedy: "The answer names them. The operator looks at Cloudflare's status and the deployment's bindings.",
  },
  misconfigured: {
    status: 503,
    title: "Misconfigured",
    remedy:
      "The operator sets right each variable and binding that `errors` names, and deploys: wrangler.toml and `/docs/configuration` explain them.",
  },
} as const satisfies Record<string, Cause>;

/** The stable name of a cause. */
export type ProblemCode = keyof typeof PROBLEMS;

/** What a problem's `type` is: where its cause is explained, relative to the service. */
export function typeOf(code: ProblemCode): string {
  return `/docs/problems#${code}`;
}
