/**
 * Why a delivery waits, or an attempt failed, and what to do about it: told here once. Explanations, the dashboard and the
 * page `/docs/reasons` all use these texts. Pure.
 * @module
 */
import type { DeliveryError, KeptResponse, WaitReason } from "./delivery";
import type { DisabledReason } from "./settings";

/** A reason in words. */
export interface Told {
  /** In a few words, for a row of a table. */
  short: string;
  /** What happens or happened, as a sentence without its full stop, in small letters. */
  what: string;
  remedy: string;
}

const told = (short: string, what: string, remedy: string): Told => ({ short, what, remedy });

/** Why a delivery waits, by its `waitReason`. */
export const WAITS: Readonly<Record<WaitReason, Told>> = {
  breaker: told(
    "breaker open",
    "the endpoint's last attempts failed one after the other, so its breaker is open; one delivery at a time probes the receiver",
    "See the endpoint's failed attempts and mend the receiver; the first success lets everything through.",
  ),
  asked: told(
    "receiver asked to wait",
    "its receiver answered 429 or 503 with a Retry-After, so nothing is sent to the endpoint before that time, for an hour at most",
    "Wait; if the receiver takes more than it said, let it answer with a shorter Retry-After.",
  ),
  slow: told(
    "in the slow lane",
    "the endpoint has begun to fail, so it has its turn in the slow lane",
    "See the endpoint's failed attempts; a success ends the wait.",
  ),
  slots: told(
    "after earlier deliveries",
    "as many deliveries as the endpoint may have are under way already",
    "Let the receiver answer faster.",
  ),
  rate: told(
    "rate limit",
    "the endpoint's rate limit is used up",
    "Raise the endpoint's rate limit if its receiver can take more.",
  ),
};

const AGAIN = "then resend the delivery, or wait for its next attempt if it has one.";

/** What went wrong in an attempt, by its `error`. */
export const ERRORS: Readonly<Record<DeliveryError, Told>> = {
  timeout: told(
    "no answer within the timeout",
    "the receiver did not answer in time",
    `Let the receiver answer before it does its work, or raise the endpoint's timeout; ${AGAIN}`,
  ),
  connection: told(
    "no connection: the host, its port or its certificate did not answer",
    "no connection could be made to the receiver",
    `See that the URL's host resolves, is reachable and has a valid certificate; ${AGAIN}`,
  ),
  redirect: told(
    "answered with a redirect, which is not followed",
    "the receiver answered with a redirect, and redirects are not followed",
    `Set the endpoint's URL to where the redirect leads; ${AGAIN}`,
  ),
  status: told(
    "answered, but not with 2xx",
    "the receiver answered, but not with 2xx",
    `See the attempt's response for what the receiver refused; ${AGAIN}`,
  ),
  blocked: told(
    "the URL may not be sent to",
    "the URL may not be sent to, so nothing was",
    `Give the endpoint a public https URL; ${AGAIN}`,
  ),
  gone: told(
    "answered 410: it wants no more",
    "the receiver answered 410: it wants no more",
    "The receiver says that it is gone for good: change the URL or delete the endpoint.",
  ),
  expired: told(
    "ran out of time before it could be tried",
    "it could not be tried before its time was over, or its event is no longer kept",
    "Let the receiver take deliveries again, then resend the delivery, or replay its event, while it is kept.",
  ),
};

/** What an answer tells beyond its error. */
export const ANSWERS = {
  unauthorized: told(
    "answered 401: the signature, or a log-in",
    "the receiver answered 401: its check of the signature fails, or it wants another log-in",
    "Compare the secret, and check below what its code computes; where it wants a token, give the endpoint a header of its own.",
  ),
  forbidden: told(
    "answered 403: it is not let in",
    "the receiver answered 403: it, or something in front of it, does not let the request in",
    "Let POST requests to this path through: the signature is what protects it. Some frameworks ask for a CSRF token: exempt the path.",
  ),
  firewall: told(
    "a firewall's page",
    "a page of HTML came back, as a firewall or a bot protection in front of the receiver sends one",
    "Let POST requests to this path through the firewall, by path or by the User-Agent: the signature is what protects it.",
  ),
  "not-found": told(
    "answered 404: no such path",
    "the receiver answered 404: nothing is at this path",
    "Compare the endpoint's URL with the receiver's route, also its end: some tell /hooks from /hooks/.",
  ),
  "method-refused": told(
    "answered 405: not with this method",
    "the receiver answered 405: its route does not take this method",
    "Let the route take the endpoint's method, or set another one there.",
  ),
  unread: told(
    "cannot read the body",
    "the receiver could not read the body, or does not take its type",
    "Let the route accept any Content-Type and read the body as bytes; its answer may say what it misses.",
  ),
  "too-large": told(
    "answered 413: too large",
    "the receiver answered 413: the body is larger than it takes",
    "Raise the limit of its body parser or proxy: events have up to 1 MiB.",
  ),
  overrun: told(
    "answered 429: too many requests",
    "the receiver answered 429: it gets more than it takes",
    "Give the endpoint a rate limit that its receiver can take.",
  ),
  broken: told(
    "failed itself",
    "the receiver answered with 5xx: it failed itself",
    "See the receiver's own log at the time of the attempt; its answer may say more.",
  ),
  certificate: told(
    "no valid certificate",
    "the receiver's certificate is not valid: expired, for another name, or without its whole chain",
    `Renew it, with its full chain: \`curl -v\` from elsewhere tells what is wrong; ${AGAIN}`,
  ),
  name: told(
    "the name does not resolve",
    "the URL's host has no address",
    `Check the host's name and its DNS records; ${AGAIN}`,
  ),
} as const satisfies Record<string, Told>;

/** Why an endpoint is disabled. */
export const DISABLED: Readonly<Record<DisabledReason, Told>> = {
  manual: told("by hand", "somebody disabled it", "Enable it, then recover what was held."),
  failing: told(
    "because it kept failing",
    "it kept failing over its whole failure window",
    "Mend the receiver and send a test; then enable the endpoint and recover what was held.",
  ),
  gone: told(
    "because its receiver answered 410 Gone",
    "its receiver answered 410: it wants no more",
    "Change the URL, or let the receiver answer again; then enable the endpoint and recover what was held.",
  ),
};

/** An attempt as far as its failure is told from it. */
export interface Failed {
  error: DeliveryError | null;
  statusCode: number | null;
  response: Pick<KeptResponse, "headers" | "body"> | null;
}

/** The name under which `/docs/reasons` tells of a failure; `null`: it succeeded. */
export function failureOf({ error, statusCode, response }: Failed): DeliveryError | keyof typeof ANSWERS | null {
  const status = statusCode ?? 0;
  const body = response?.body ?? "";
  if (error === "connection") {
    // What Cloudflare answers in place of a receiver: see send/classify.ts.
    if (status === 525 || status === 526) return "certificate";
    return status === 530 && /\b1016\b/.test(body) ? "name" : error;
  }
  if (error !== "status") return error;
  if (isPage(response) && (isMitigated(response) || [403, 406, 429, 503].includes(status))) return "firewall";
  if (status >= 500) return "broken";
  return BY_STATUS[status] ?? error;
}

const BY_STATUS: Readonly<Record<number, keyof typeof ANSWERS>> = {
  400: "unread",
  401: "unauthorized",
  403: "forbidden",
  404: "not-found",
  405: "method-refused",
  413: "too-large",
  415: "unread",
  422: "unread",
  429: "overrun",
};

function isPage(response: Failed["response"]): boolean {
  return (
    headerOf(response, "content-type").includes("html") || /^\s*<(?:!doctype html|html)\b/i.test(response?.body ?? "")
  );
}

/** Cloudflare says of a challenge that it is one. */
function isMitigated(response: Failed["response"]): boolean {
  return headerOf(response, "cf-mitigated") !== "";
}

function headerOf(response: Failed["response"], name: string): string {
  return Object.entries(response?.headers ?? {}).find(([known]) => known.toLowerCase() === name)?.[1] ?? "";
}

/** What is told of a failure. */
export function toldOf(failure: DeliveryError | keyof typeof ANSWERS): Told {
  return failure in ANSWERS ? ANSWERS[failure as keyof typeof ANSWERS] : ERRORS[failure as DeliveryError];
}
