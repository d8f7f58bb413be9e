import type { Automation } from "../config/snapshot";
import type { DeliveryRecord } from "../contracts/delivery";
import { DISABLED, ERRORS, WAITS } from "../contracts/reasons";
import type { Enablement } from "../contracts/settings";
import { CONTACT_REVEALED } from "../contracts/signal";
import { type Filter, failingClause } from "../lib/filter/filter";
import { type FailingClause, Visits } from "../lib/filter/visits";
import { shortened } from "../lib/json/json";
import { iso } from "../lib/time";

/** What became of an event at an endpoint, in a word. */
export const OUTCOMES = [
  "delivered",
  "pending",
  "waiting",
  "retrying",
  "held",
  "failed",
  "blocked",
  "canceled",
  "deleted",
  "erased",
  "created-later",
  "not-subscribed",
  "filtered",
  "subscribed-later",
] as const;
export type ExplainedOutcome = (typeof OUTCOMES)[number];

/** All that an explanation is made of; times in ms. */
export interface Facts {
  event: {
    type: string;
    acceptedAt: number;
    erasedAt: number | null;
    /** As filters see it; `null`: its content is erased. */
    subject: object | null;
  };
  /** `null`: it is deleted, or a callback. */
  endpoint:
    | (Enablement & {
        id: string;
        url: string;
        events: readonly string[];
        filter: Filter | null;
        createdAt: number;
        /** Why its URL may not be sent to; `null`: it may, or its delivery was not blocked. */
        refusal: string | null;
      })
    | null;
  automations: readonly Automation[];
  /** The delivery that the event has for it; `null`: none. */
  delivery: {
    test: boolean;
    /** A callback's address. */
    url: string | null;
    /** `null`: its endpoint has not seen it yet. */
    record: DeliveryRecord | null;
    /** Its endpoint is deleted. */
    gone: boolean;
  } | null;
}

export interface Explanation {
  delivered: boolean;
  outcome: ExplainedOutcome;
  /** The clause of its filter, or of an automation's segment, that did not hold. */
  clause?: FailingClause;
  /** What happened, in plain words. */
  detail: string;
  /** What to do about it; `null`: nothing needs doing. */
  remedy: string | null;
}

/** Explains why an endpoint did or did not get an event. Pure. `visits`: shared by all endpoints that are explained. */
export function explain(facts: Facts, visits = new Visits()): Explanation {
  return facts.delivery === null ? explainNone(facts, visits) : explainDelivery(facts, facts.delivery);
}

const REPLAY = "Replay the event; it is matched against today's configuration.";

/** The most characters of JSON that are shown of what a clause expects, and of what is there. */
const MAX_SHOWN = 10_000;

function shown({ expected, actual, ...clause }: FailingClause): FailingClause {
  return { ...clause, expected: shortened(expected, MAX_SHOWN), actual: shortened(actual, MAX_SHOWN) };
}

function explainNone({ event, endpoint, automations }: Facts, visits: Visits): Explanation {
  const none = (outcome: ExplainedOutcome, detail: string, remedy: string | null, clause?: FailingClause) => ({
    delivered: false,
    outcome,
    ...(clause === undefined ? {} : { clause: shown(clause) }),
    detail,
    remedy,
  });
  if (endpoint === null) return none("deleted", "The endpoint is deleted.", null);
  const { type, subject } = event;
  const subscribed = endpoint.events.includes(type) || endpoint.events.includes("*");
  const named = automations.filter(({ trigger, endpoints }) => trigger === type && endpoints.includes(endpoint.id));
  const isLater = endpoint.createdAt > event.acceptedAt;
  const since = `The endpoint was created at ${iso(endpoint.createdAt)}, after the event was accepted.`;
  if (!subscribed && named.length === 0) {
    if (isLater) return none("created-later", since, subscribe(type));
    const list = endpoint.events.length === 0 ? "no event types" : endpoint.events.join(", ");
    return none("not-subscribed", `The endpoint subscribes to ${list}, and not to ${type}.`, subscribe(type));
  }
  if (subject === null) {
    const at = iso(event.erasedAt ?? 0);
    const erased = `The event's content was erased at ${at}, so filters cannot be tried any more.`;
    return isLater ? none("created-later", `${since} ${erased}`, null) : none("erased", erased, null);
  }
  const clauses = [
    ...(subscribed ? [{ whose: "The endpoint's filter", filter: endpoint.filter }] : []),
    ...named.map(({ filter }) => ({ whose: "The segment of an automation that names the endpoint", filter })),
  ].map(({ whose, filter }) => ({ whose, clause: filter === null ? null : failingClause(filter, subject, visits) }));
  const [first] = clauses;
  if (first?.clause && clauses.every(({ clause }) => clause !== null)) {
    const detail = `${first.whose} does not match: ${inWords(first.clause)}.`;
    const remedy = "Change the filter if the event should pass, then replay the event.";
    if (isLater) return none("created-later", `${since} ${detail}`, remedy, first.clause);
    return none("filtered", detail, remedy, first.clause);
  }
  if (isLater) return none("created-later", since, REPLAY);
  const changed = "The endpoint would get this event today, but its configuration was another one at the time.";
  return none("subscribed-later", changed, REPLAY);
}

function subscribe(type: string): string {
  return `Subscribe the endpoint to ${type}, then replay the event.`;
}

/** A failing clause as a sentence without its full stop. */
function inWords({ path, operator, expected, actual, reason }: FailingClause): string {
  if (reason !== undefined) return `${path} ${operator} ${short(expected)} is not evaluated, since ${reason}`;
  if (path === "") return operator === "$or" ? "none of the alternatives of $or holds" : "what $not excludes holds";
  const found = actual === undefined ? "is missing" : `is ${short(actual)}`;
  return `${path} ${found}, and ${operator} ${short(expected)} is asked for`;
}

function short(value: unknown): string {
  const start = shortened(value, 200);
  // What is too long is a text already.
  return start === value ? (JSON.stringify(value) ?? "nothing") : String(start);
}

function explainDelivery(facts: Facts, delivery: NonNullable<Facts["delivery"]>): Explanation {
  const { record } = delivery;
  const why = origin(facts, delivery);
  const told = (outcome: ExplainedOutcome, detail: string, remedy: string | null): Explanation => ({
    delivered: outcome === "delivered",
    outcome,
    detail: why === null ? detail : `${detail} ${why}`,
    // A callback has nothing that could be set otherwise.
    remedy: remedy !== null && delivery.url !== null ? CALLBACK_REMEDY : remedy,
  });
  if (record === null || (record.status === "canceled" && delivery.gone)) {
    if (delivery.gone) return told("deleted", "The endpoint was deleted before it got the event.", null);
    if (facts.event.erasedAt !== null) return told("erased", erasedBefore(facts.event.erasedAt), null);
    return told("pending", "The event is accepted and on its way; the endpoint has not been asked yet.", null);
  }
  const { attempts, lastStatusCode, nextAttemptAt, finishedAt } = record;
  const tries = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  switch (record.status) {
    case "succeeded": {
      const at = finishedAt === null ? "" : ` at ${iso(finishedAt)}`;
      return told("delivered", `Delivered${at} after ${tries}; the receiver answered ${lastStatusCode}.`, null);
    }
    case "held": {
      const { disabledAt = null, disabledReason = null, enabled = true } = facts.endpoint ?? {};
      if (enabled) {
        const detail = "The delivery was held while the endpoint was disabled; the endpoint is enabled again.";
        return told("held", detail, "Resend the delivery, or recover what the endpoint missed.");
      }
      const since = disabledAt === null ? "" : ` since ${iso(disabledAt)}`;
      const detail = `The delivery is held: the endpoint is disabled${since}, ${DISABLED[disabledReason ?? "manual"].short}.`;
      return told("held", detail, "Enable the endpoint, then recover what it missed.");
    }
    case "failed":
      if (record.lastError === "blocked") return blocked(facts, told);
      return told(
        "failed",
        `Given up after ${tries}: ${failure(record)}.`,
        ERRORS[record.lastError ?? "status"].remedy,
      );
    case "canceled":
      return told("erased", erasedBefore(facts.event.erasedAt), null);
    default: {
      if (record.lastError === "blocked") return blocked(facts, told);
      const underWay = record.waitReason === null ? "The next attempt is under way." : "It is on its way to the queue.";
      const next = nextAttemptAt === null ? underWay : `Next attempt at ${iso(nextAttemptAt)}.`;
      const last = attempts === 0 ? "" : ` The last attempt: ${failure(record)}.`;
      if (record.waitReason !== null) {
        const detail = `The delivery waits: ${WAITS[record.waitReason].what}. ${next}${last}`;
        return told("waiting", detail, WAITS[record.waitReason].remedy);
      }
      if (attempts === 0) return told("pending", `Not tried yet. ${next}`, null);
      return told("retrying", `${tries} failed. ${next}${last}`, ERRORS[record.lastError ?? "status"].remedy);
    }
  }
}

/** Why it has a delivery though it does not subscribe; `null`: it does. */
function origin({ event, endpoint, automations }: Facts, { test, url }: NonNullable<Facts["delivery"]>): string | null {
  if (url !== null) return `It goes to ${url}, which came with the event.`;
  if (test) return "It is a person's test.";
  if (endpoint === null || endpoint.events.includes(event.type) || endpoint.events.includes("*")) return null;
  const reveals = ({ reveals = [] }: Automation) => reveals.some((action) => action.endpoint === endpoint.id);
  if (event.type === CONTACT_REVEALED && automations.some(reveals)) {
    return "The endpoint does not subscribe to it: an automation revealed contacts to it.";
  }
  const automated = automations.some(
    ({ trigger, endpoints }) => trigger === event.type && endpoints.includes(endpoint.id),
  );
  return automated
    ? "The endpoint does not subscribe to it: an automation sends it there."
    : "The endpoint does not subscribe to it today: it or an automation did when the event was matched.";
}

function blocked(
  { endpoint }: Facts,
  told: (outcome: ExplainedOutcome, detail: string, remedy: string | null) => Explanation,
): Explanation {
  const why = endpoint?.refusal ?? null;
  const detail =
    why === null
      ? "The endpoint's URL was not allowed when it was tried."
      : `The endpoint's URL is not allowed: it ${why}.`;
  const remedy =
    why === null ? "Resend the delivery." : "Give the endpoint a public https URL, then resend the delivery.";
  return told("blocked", detail, remedy);
}

function erasedBefore(at: number | null): string {
  const when = at === null ? "" : ` at ${iso(at)}`;
  return `The event's content was erased${when}, before it was delivered.`;
}

/** What went wrong last, as half a sentence. */
function failure({ lastError, lastStatusCode }: DeliveryRecord): string {
  if (lastError === "status" || lastError === "gone") return `the receiver answered ${lastStatusCode}`;
  if (lastError === "redirect") return `the receiver answered ${lastStatusCode}, and redirects are not followed`;
  return lastError === null ? "it could not be sent" : ERRORS[lastError].what;
}

const CALLBACK_REMEDY = "See what the receiver answered, and replay the event once it takes it.";
