import { type Grant, type Outcome, reportOf } from "../contracts/delivery";
import type { Env } from "../contracts/env";
import type { Delivery, Event, EventText } from "../contracts/event";
import { endpointStub } from "../contracts/find";
import type { EndpointSettings } from "../contracts/settings";
import { FRESH, LEASE } from "../endpoint/policy/admission";
import { log, logError } from "../lib/log";
import { SECOND } from "../lib/time";
import { isLogged } from "./logged";
import { prepare } from "./request/prepare";
import { send } from "./send";

/** Left over of a lease for writing the outcome down, in ms. */
const RECORD_MARGIN = 5 * SECOND;

/** One delivery that its endpoint lets us send. */
export interface Granted {
  delivery: Delivery;
  grant: Grant;
  settings: EndpointSettings;
}

/** What the event says; `null`: its log has no such event any more. */
export type Text = Pick<Event, keyof EventText | "erasedAt"> | null;

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
export const attempt: Attempting = async (env, granted, textOf, { begun, ended }) => {
  const { delivery, grant, settings } = granted;
  const { tenant, endpoint } = settings;
  const { attemptId, number, trigger } = grant;
  const mayBegin = beginning(env, granted);
  let isUnderWay = false;
  try {
    // Before the text is read, too: what has waited for long is often not to be sent any more.
    if (!(await mayBegin())) return { kind: "unsent", delivery, attemptId };
    const text = await textOf();
    if (text === null) return { kind: "expired", delivery, attemptId };
    if (text.erasedAt !== undefined) return { kind: "erased", delivery, attemptId };
    const { request, shownHeaders, format } = await prepare(env, settings, grant, text, Date.now());
    isUnderWay = true;
    begun();
    const sent = await send(request, mayBegin);
    if (sent === null) return { kind: "unsent", delivery, attemptId };
    const { retryAfter, ...came } = sent;
    const { statusCode, error, durationMs } = came;
    if (isLogged(delivery.id, number, error)) {
      log("delivery.attempted", {
        tenant,
        endpoint,
        delivery: delivery.id,
        attempt: number,
        outcome: error ?? "succeeded",
        statusCode,
        durationMs,
      });
    }
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

/**
 * Tells, each time it is asked, whether the request may begin now. Not when the lease could end while it is under way, and
 * somebody else would send it too. Once the grant is not fresh its endpoint is asked whether it stands: somebody may have
 * changed, disabled or erased meanwhile what it is for, and been told that nothing of it begins any more.
 */
function beginning(env: Env, { delivery, grant, settings }: Granted): () => boolean | Promise<boolean> {
  const { tenant, endpoint, version, timeout } = settings;
  const latest = grant.leasedUntil - timeout * SECOND - RECORD_MARGIN;
  let freshUntil = grant.leasedUntil - LEASE + FRESH;
  return () => {
    const now = Date.now();
    if (now > latest) return false;
    if (now < freshUntil) return true;
    const asked = endpointStub(env, tenant, endpoint).stands(delivery, grant.attemptId, version);
    return asked.then((stands) => {
      // An answer is as fresh as its question.
      freshUntil = now + FRESH;
      return stands && Date.now() < freshUntil;
    });
  };
}
