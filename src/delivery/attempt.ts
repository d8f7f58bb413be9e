import { LEASE } from "../endpoint/admission";
import { type Grant, type Outcome, reportOf } from "../lib/delivery";
import { type Env, endpointRoom } from "../lib/env";
import type { DeliveryRef, EventText } from "../lib/event";
import { log, logError } from "../lib/log";
import type { EndpointSettings } from "../lib/settings";
import { SECOND } from "../lib/time";
import { prepare } from "./prepare";
import { send } from "./send";

/** How long a grant may wait for a lane before its endpoint is asked again whether it stands, in ms. */
const FRESH = 2 * SECOND;
/** Left over of a lease for writing the outcome down, in ms. */
const RECORD_MARGIN = 5 * SECOND;

/** One delivery that its endpoint lets us send. */
export interface Granted {
  delivery: DeliveryRef;
  grant: Grant;
  settings: EndpointSettings;
}

/** What the event says; `null`: its log has no such event any more. */
export type Text = (EventText & { erasedAt?: number }) | null;

/**
 * Sends one delivery. `null`: something of ours was out of reach, and no attempt was made. Never throws. `textOf` is asked
 * just before the send; `begun` and `ended` are told when the request is under way.
 */
export type Attempting = (
  env: Env,
  granted: Granted,
  textOf: () => Promise<Text>,
  watch: { begun(): void; ended(): void },
) => Promise<Outcome | null>;

/** Renders, signs and sends one delivery. */
export const attempt: Attempting = async (env, { delivery, grant, settings }, textOf, { begun, ended }) => {
  const { tenant, endpoint } = settings;
  const { attemptId, number, trigger, leasedUntil } = grant;
  const latest = leasedUntil - settings.timeout * SECOND - RECORD_MARGIN;
  // Beyond `latest` the lease could end while the request is under way, and somebody else would send it too.
  const now = Date.now();
  if (now > latest) return { kind: "unsent", delivery, attemptId };
  let isUnderWay = false;
  try {
    if (!(await stands(env, { delivery, grant, settings }, now))) return { kind: "unsent", delivery, attemptId };
    const text = await textOf();
    if (text === null) return { kind: "expired", delivery, attemptId };
    if (text.erasedAt !== undefined) return { kind: "erased", delivery, attemptId };
    const { request, shownHeaders, format } = await prepare(env, settings, grant, text, Date.now());
    isUnderWay = true;
    begun();
    const { retryAfter, ...came } = await send(request);
    const { statusCode, error, durationMs } = came;
    const outcome = error ?? "succeeded";
    log("delivery.attempted", {
      tenant,
      endpoint,
      delivery: delivery.id,
      attempt: number,
      outcome,
      statusCode,
      durationMs,
    });
    // What is blocked was not requested: its owner knows it as it was saved.
    const url = error === "blocked" ? settings.url : request.url;
    const shown = { method: request.method, url, headers: shownHeaders };
    const report = reportOf({ id: attemptId, number, trigger, format, request: shown, ...came });
    return { kind: "attempted", delivery, attempt: report, retryAfter };
  } catch (error) {
    logError("delivery.prepare.failed", error, { tenant, endpoint, delivery: delivery.id });
    return null;
  } finally {
    if (isUnderWay) ended();
  }
};

/** Whether the grant stands: behind slow receivers somebody may have changed, disabled or erased meanwhile what it is for. */
async function stands(env: Env, { delivery, grant, settings }: Granted, now: number): Promise<boolean> {
  if (now < grant.leasedUntil - LEASE + FRESH) return true;
  const { tenant, endpoint, version } = settings;
  return endpointRoom(env, tenant, endpoint).stands(delivery, grant.attemptId, version);
}
