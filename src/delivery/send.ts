import { Deadline } from "../lib/deadline";
import type { Attempt, DeliveryError, KeptResponse } from "../lib/delivery";
import { type DestinationRules, destinationRefusal } from "../lib/destination";
import { type Prefix, readPrefix } from "../lib/prefix";
import { type Answer, classify, isStandIn, retryAfterOf } from "./classify";
import { reach } from "./echo";
import type { Masking } from "./mask";
import type { Watch } from "./watch";

/** What is kept of a response, in bytes. */
const BODY_BYTES = 16_384;
const HEADER_BYTES = 8_192;
const decoder = new TextDecoder();
/** Of a response without a body. */
const NOTHING: Prefix = { bytes: new Uint8Array(), truncated: false, failure: null };

/** One request, ready to go. */
export interface Request {
  method: string;
  url: string;
  headers: Record<string, string>;
  /** `null`: the method has none. */
  body: Uint8Array<ArrayBuffer> | null;
  /** Ends what takes too long over headers and body of the response. */
  deadlines: Watch<Deadline>;
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
 * Sends one request and reads as much of the response as is kept. Never throws: whatever goes wrong is an outcome. What
 * the policy refuses is not sent, whatever let it come this far. Redirects are not followed, since they would carry the
 * signature to an address nobody has checked.
 */
export async function send(request: Request): Promise<Sent> {
  const refused = await destinationRefusal(request.url, request.rules, Date.now());
  const at = Date.now();
  if (refused !== null) return outcome(at, at, { failed: "blocked" });
  const deadline = new Deadline();
  // Just before the fetch, since its clock starts here.
  request.deadlines.begin(deadline);
  try {
    return await exchange(request, at, deadline);
  } finally {
    request.deadlines.end(deadline);
  }
}

async function exchange(request: Request, at: number, deadline: Deadline): Promise<Sent> {
  const { method, headers, body, masked } = request;
  let response: Response;
  try {
    // What Cloudflare's cache answers has reached nobody.
    const cache = method === "GET" ? { cache: "no-store" as const } : {};
    const { signal } = deadline;
    const init = { ...cache, method, headers, body, redirect: "manual" as const, signal };
    response = await deadline.within(reach(request.url, init));
  } catch {
    return outcome(at, Date.now(), { failed: failureAt(deadline) });
  }
  const { status } = response;
  const { bytes, truncated, failure } =
    response.body === null ? NOTHING : await readPrefix(response.body, BODY_BYTES, deadline);
  // `stream: true` leaves a character out that the cut has split.
  const text = truncated ? new TextDecoder().decode(bytes, { stream: true }) : decoder.decode(bytes);
  const kept = { headers: keptHeaders(response.headers, masked), body: masked(text, truncated), truncated };
  const now = Date.now();
  const failed = failureAt(deadline);
  // The rest is cancelled, and if that hangs too, called off.
  if (truncated) deadline.expire();
  // Answered, and then cut or too slow: the status is worth keeping, but it was no success.
  if (failure !== null) return { ...outcome(at, now, { failed }, kept), statusCode: status };
  const answer = { status, stoodIn: isStandIn(status, response.headers, text) };
  return outcome(at, now, answer, kept, retryAfterOf(status, response.headers.get("retry-after"), now));
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

function failureAt(deadline: Deadline): "timeout" | "connection" {
  return deadline.over ? "timeout" : "connection";
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
