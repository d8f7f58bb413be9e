import type { Attempt, DeliveryError, KeptResponse } from "../contracts/delivery";
import type { Method } from "../contracts/wire";
import { logError } from "../lib/log";
import { type DestinationRules, destinationRefusal } from "../lib/net/destination";
import { readPrefix } from "../lib/net/prefix";
import { SECOND } from "../lib/time";
import { textOf } from "./body-text";
import { type Answer, classify, isStandIn, retryAfterOf } from "./classify";
import { reach } from "./echo";
import type { Masking } from "./request/mask";

/** What is kept of a response, in bytes. */
export const BODY_BYTES = 16_384;
export const HEADER_BYTES = 8_192;
/**
 * How long a body is waited for once the headers are there, in ms, and never beyond the timeout: nothing but what the log
 * shows depends on it, and a lane is held meanwhile. Who writes a page slowly is through in that time.
 */
export const BODY_WITHIN = 2 * SECOND;

/** One request, ready to go. */
export interface Outgoing {
  method: Method;
  url: string;
  headers: Record<string, string>;
  /** `null`: the method has none. */
  body: Uint8Array<ArrayBuffer> | null;
  /** The most it may take, in ms. */
  timeout: number;
  /** Where it may go. */
  rules: DestinationRules;
  /** Hides the endpoint's own secrets in what is kept. */
  masked: Masking;
}

/** What came of it, as an attempt keeps it. */
export type Sent = Pick<Attempt, "at" | "durationMs" | "statusCode" | "error" | "response"> & {
  retryAfter: number | null;
};

/**
 * Sends one request and reads as much of the response as is kept. Once status line and headers are there they decide,
 * whatever comes of the body: a retry after a 2xx would be a sure duplicate. What the policy refuses is not sent, whatever
 * let it come this far, and `null` is answered for what `mayBegin`, asked last of all, does not let begin. Redirects are not
 * followed, since they would carry the signature to an address nobody has checked. Throws only what is our own fault, and
 * before anything is sent: once it is, whatever goes wrong is an outcome.
 */
export async function send(
  request: Outgoing,
  mayBegin: () => boolean | Promise<boolean> = () => true,
): Promise<Sent | null> {
  const refused = await destinationRefusal(request.url, request.rules, Date.now());
  if (refused !== null) return outcome(Date.now(), Date.now(), { failed: "blocked" });
  const may = mayBegin();
  if (may !== true && !(await may)) return null;
  const ending = new AbortController();
  // Just before the fetch, since its clock starts here. Not `AbortSignal.timeout`, whose timers end with their time only: an
  // invocation may have 10,000, and has more where it sends what waits at a fast receiver for 15 s.
  const timer = setTimeout(() => ending.abort(), request.timeout);
  try {
    return await exchange(request, Date.now(), ending);
  } finally {
    clearTimeout(timer);
  }
}

/** What a request says to the platform. */
function initOf({ method, headers, body }: Outgoing, signal: AbortSignal): RequestInit {
  // What Cloudflare's cache answers has reached nobody.
  const cache = method === "GET" ? { cache: "no-store" as const } : {};
  return { ...cache, method, headers, body, redirect: "manual", signal };
}

/** Throws what is wrong with a request that could not be sent: a fetch hands it out as if no connection could be made. */
function checkBuilt(url: string, init: RequestInit): void {
  new Request(url, init);
}

async function exchange(request: Outgoing, at: number, ending: AbortController): Promise<Sent> {
  const { signal } = ending;
  const init = initOf(request, signal);
  let response: Response;
  try {
    response = await unlessAborted(reach(request.url, init), signal);
  } catch {
    if (!signal.aborted) checkBuilt(request.url, init);
    return outcome(at, Date.now(), { failed: signal.aborted ? "timeout" : "connection" });
  }
  const { status, headers } = response;
  const kept = await keep(request, response, ending);
  const now = Date.now();
  const answer = { status, stoodIn: isStandIn(status, headers, kept?.body ?? "") };
  return outcome(at, now, answer, kept, retryAfterOf(status, headers.get("retry-after"), now));
}

/** The promise, or a rejection once the signal is aborted, whether or not the runtime heeds it. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
    promise.then(resolve, reject);
  });
}

/** What is kept of a response. Never throws: what goes wrong here changes nothing of what the receiver has answered. */
async function keep({ masked }: Outgoing, response: Response, ending: AbortController): Promise<KeptResponse | null> {
  const timer = setTimeout(() => ending.abort(), BODY_WITHIN);
  try {
    const { body, headers } = response;
    if (body === null) return { headers: keptHeaders(headers, masked), body: "", truncated: false };
    const { bytes, failure, ended, ...read } = await readPrefix(body, BODY_BYTES, ending.signal);
    // The rest is cancelled, and if that hangs too, called off.
    if (!ended) ending.abort();
    const truncated = read.truncated || (!ended && bytes.byteLength < announced(headers));
    const broken = failure === null ? {} : { broken: true as const };
    // Of a body that did not come to its end nobody knows whether what is there is all: its last bytes may be half of a text.
    const cut = truncated || !ended;
    const text = textOf(bytes, headers.get("content-type"), cut);
    return { headers: keptHeaders(headers, masked), body: masked(text, cut), truncated, ...broken };
  } catch (error) {
    logError("delivery.response.failed", error, {});
    return null;
  } finally {
    clearTimeout(timer);
  }
}

/** How many bytes a body is said to have; 0: not said, or not of what is read. */
function announced(headers: Headers): number {
  return headers.has("content-encoding") ? 0 : Number(headers.get("content-length") ?? 0);
}

function outcome(
  at: number,
  endedAt: number,
  answer: Answer,
  response: KeptResponse | null = null,
  retryAfter: number | null = null,
): Sent {
  const error: DeliveryError | null = classify(answer);
  return {
    at,
    durationMs: endedAt - at,
    statusCode: "status" in answer ? answer.status : null,
    error,
    response,
    retryAfter,
  };
}

/** The headers as far as they go into 8 KB, the shortest first: a giant one is cut and takes no other's place. */
function keptHeaders(headers: Headers, masked: Masking): Record<string, string> {
  // All at once: asked for one by one they take longer than the rest of this. Of `Set-Cookie` there may be several.
  const all: Record<string, string> = Object.fromEntries(headers);
  if ("set-cookie" in all) all["set-cookie"] = headers.getSetCookie().join(", ");
  const size = Object.entries(all).reduce((sum, [name, value]) => sum + name.length + value.length + 2, 0);
  if (size <= HEADER_BYTES) {
    for (const [name, value] of Object.entries(all)) all[name] = masked(value);
    return all;
  }
  const kept = new Map<string, string>();
  let room = HEADER_BYTES;
  for (const [name, value] of Object.entries(all).toSorted(
    ([a, x], [b, y]) => a.length + x.length - b.length - y.length,
  )) {
    if (room <= name.length) break;
    const fits = value.slice(0, room - name.length);
    kept.set(name, masked(fits, fits.length < value.length));
    room -= name.length + fits.length;
  }
  return Object.fromEntries(Object.keys(all).flatMap((name) => (kept.has(name) ? [[name, kept.get(name) ?? ""]] : [])));
}
