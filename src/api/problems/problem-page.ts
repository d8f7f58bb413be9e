/**
 * The page `/docs/problems`: every cause of an error answer, at the anchor that a problem's `type` names. Pure.
 * @module
 */
import { escaped, marked, page } from "../../docs/frame";
import { PROBLEMS, type ProblemCode } from "./problem-codes";

/** What whoever gets a problem does about it, in a sentence or two. */
const REMEDIES: Readonly<Record<ProblemCode, string>> = {
  "body-empty": "Send JSON. Where nothing is to be said, an empty object `{}` says it.",
  "body-not-json": "Send one JSON value and nothing else.",
  "body-not-utf8": "Encode the JSON text as UTF-8.",
  "path-malformed": "Percent-encode each part of the path as UTF-8.",
  "key-missing": "Send your key as `Authorization: Bearer KEY`.",
  "key-unknown": "Check that the key is whole, belongs to this deployment and was not revoked.",
  "role-not-allowed": "Use a key whose role may do this: the list at `/docs/calls` says which.",
  "path-unknown": "Compare the path with the list at `/docs/calls`.",
  "tenant-unknown": "Create the tenant first. To a tenant's key, other tenants are not there.",
  "endpoint-unknown": "Check its id or `uid`. It may be deleted, or another tenant's.",
  "event-unknown": "Check its id (`evt_…`). Events are kept for the retention time only.",
  "delivery-unknown": "Check its id and its endpoint. Deliveries are kept for the retention time only.",
  "recovery-unknown": "The endpoint has no recovery of this id among its latest 20.",
  "segment-unknown": "List the tenant's segments for their ids.",
  "automation-unknown": "List the tenant's automations for their ids.",
  "signal-unknown": "List the tenant's signals for their ids.",
  "portal-link-unknown": "List the tenant's portal links for their ids. Those that have expired are not kept.",
  "list-unknown": "Create the list first, or check its name.",
  "item-unknown": "Nothing: it is not on the list.",
  "key-not-there": "List the tenant's keys for their ids.",
  "event-type-unknown":
    "Register the type first, or check its name. Types that are not registered can still be posted.",
  "catalog-unknown": "Take one of the names that the answer lists.",
  "method-not-allowed": "Use one of the methods in the answer's `Allow` header.",
  "uid-taken": "Choose another `uid`, or change the endpoint that has this one.",
  "list-name-taken": "Choose another name, or change the list that has this one.",
  "tenant-exists": "Change it with `PATCH`, or use `PUT` to do either.",
  "tenant-in-deletion": "Repeat the deletion until it answers 204, then create the tenant anew.",
  "tenant-reserved": "Delete its endpoints instead, if they are no longer wanted.",
  "endpoint-disabled": 'Enable it first with `PATCH` `{"enabled": true}`; what was held can then be recovered.',
  "attempt-under-way": "Look at the delivery in some seconds; send it again if the attempt failed.",
  "content-erased": "Nothing: what was erased is gone, by design. Post the event anew if it is to be sent.",
  "segment-in-use": "Take it out of the automation that the answer names, then delete it.",
  "no-next-secret": "Rotate the secret first; there is then one to promote.",
  "secrets-too-many": "Promote the newest one, rotate with `overlap: 0`, or wait until one ends.",
  "recoveries-waiting": "Wait until some of the endpoint's recoveries are carried out, then repeat the request.",
  "limit-reached": "Delete what is no longer used. The answer says how many there may be.",
  "request-under-way":
    "Repeat the request, as it is, after `Retry-After` seconds: it is then answered as the first was.",
  "changed-meanwhile": "Read it again, make the change on what it is now, and repeat the request.",
  "precondition-failed":
    "It was changed since you read its `ETag`. Read it again, and repeat the change with the new one.",
  "body-too-large": "Send less at once: split a batch, shorten the data.",
  "media-type-unsupported": "Send JSON in UTF-8 with `Content-Type: application/json`.",
  "encoding-unsupported": "Send the body as it is, without `Content-Encoding`.",
  invalid: "Correct each field that `errors` names; `path` says where it is. Nothing was changed.",
  "idempotency-key-reused":
    "A key stands for one request: take a new one for a new request, and send a repeat as it was.",
  "rate-limited": "Wait as long as `Retry-After` says. Batches take 100 events in one request, and count as many.",
  "refused-too-often": "Wait as long as `Retry-After` says, and use a key that is known.",
  internal: "Repeat the request later. If it stays, look the `requestId` up in the service's log.",
  "out-of-reach": "Repeat the request after `Retry-After` seconds, with the same `Idempotency-Key`.",
  "storage-full":
    "Repeat the request after `Retry-After` seconds, with the same `Idempotency-Key`. The operator makes room: the log names what could not be written.",
  "storage-unusable":
    "Repeat the request after `Retry-After` seconds, with the same `Idempotency-Key`. The operator looks at Cloudflare's status or, locally, at the disk and the rights of `.wrangler`.",
  "event-log-full":
    "Nothing was accepted. Repeat the request after `Retry-After` seconds; the next day (UTC) has a new log.",
  "event-log-unwritten": "Nothing was accepted. Repeat the request after `Retry-After` seconds.",
  "entity-full": "Repeat the request after `Retry-After` seconds, when what it fired is emitted.",
  "endpoint-not-told": "Repeat the request: the change is saved, and the repeat brings it to the endpoint.",
  "deletion-unfinished": "Repeat the request until it answers 204.",
  "parts-out-of-reach":
    "The answer names them. The operator looks at Cloudflare's status and the deployment's bindings.",
  misconfigured:
    "The operator sets right each variable and binding that `errors` names, and deploys: wrangler.toml and `/docs/configuration` explain them.",
};

/** The causes as a page. */
export function problemsPage(): string {
  const causes = Object.entries(PROBLEMS).map(
    ([code, { status, title }]) => `<section id="${code}">
<h2><code>${code}</code></h2>
<p>${status} ${escaped(title)}</p>
<p>${marked(REMEDIES[code as ProblemCode])}</p>
</section>`,
  );
  const body = `<h1>Problems</h1>
<p>Every error of the API is <code>application/problem+json</code> (RFC 9457). Its <code>code</code> is stable; its
<code>type</code> leads here. The words may change.</p>
${causes.join("\n")}`;
  return page("problems", "Problems", body);
}
