import type { Snapshot, Subscription } from "../config/snapshot";
import type { RevealAction } from "../contracts/signal";
import { type Filter, matches } from "../lib/filter/filter";
import { once } from "../lib/filter/once";
import { Visits } from "../lib/filter/visits";
import { iso } from "../lib/time";

/** An event as matching looks at it. */
export interface Subject {
  tenant: string;
  type: string;
  /** Reads `data`: when a filter looks at it. */
  data: () => unknown;
  /** ms since the epoch. */
  timestamp: number;
}

/**
 * The endpoints that an event is for, each once: those subscribed to its type (or to all) whose filter it passes, then
 * those that only automations add, whatever these subscribe to. Pure. Whether an endpoint is enabled does not matter
 * here: what a disabled one misses is held for it. `visits`: shared by all that a request matches.
 */
export function match(
  snapshot: Pick<Snapshot, "subscriptions" | "automations">,
  subject: Subject,
  visits = new Visits(),
): Subscription[] {
  const { type } = subject;
  let filtered: object | null = null;
  const passes = (filter: Filter | null) => {
    if (filter === null) return true;
    filtered ??= filterSubject(subject);
    return matches(filter, filtered, visits);
  };
  const subscribed = snapshot.subscriptions.filter(
    ({ events, filter }) => (events.has(type) || events.has("*")) && passes(filter),
  );
  const named = snapshot.automations
    .filter(({ trigger, filter }) => trigger === type && passes(filter))
    .flatMap(({ endpoints }) => endpoints);
  if (named.length === 0) return subscribed;
  const byId = new Map(snapshot.subscriptions.map((subscription) => [subscription.id, subscription]));
  const automated = named.flatMap((id) => byId.get(id) ?? []);
  return [...new Set([...subscribed, ...automated])];
}

/**
 * What automations reveal of the contacts that an event brings, to endpoints that exist. Pure. Events that automations
 * derive are not asked: they trigger none.
 */
export function revealsOf(
  { subscriptions, automations }: Pick<Snapshot, "subscriptions" | "automations">,
  subject: Subject,
  visits = new Visits(),
): RevealAction[] {
  const set = automations.filter(({ trigger, reveals }) => trigger === subject.type && reveals !== undefined);
  if (set.length === 0) return [];
  const filtered = filterSubject(subject);
  const ids = new Set(subscriptions.map(({ id }) => id));
  return set
    .filter(({ filter }) => filter === null || matches(filter, filtered, visits))
    .flatMap(({ reveals = [] }) => reveals)
    .filter(({ endpoint }) => ids.has(endpoint));
}

/** The event as filters see it. */
export function filterSubject({ tenant, type, data, timestamp }: Subject): object {
  const read = once(data);
  return {
    event: type,
    tenant,
    timestamp: iso(timestamp),
    get data() {
      return read();
    },
  };
}
