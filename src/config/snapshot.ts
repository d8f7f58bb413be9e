import { and, eq, isNull } from "drizzle-orm";
import type { Filter } from "../lib/filter";
import type { RevealAction, SignalRule } from "../lib/signal";
import { SECOND } from "../lib/time";
import { usesAsPersona } from "./automations";
import { database } from "./database";
import { type AutomationAction, automations, endpoints, segments, signals, tenants } from "./schema";

/** How old the configuration may be that an event is matched against, in ms. */
const MAX_AGE = 5 * SECOND;
/** Tenants remembered per isolate; beyond it the oldest is forgotten. */
const MAX_TENANTS = 1_000;

/** What matching needs of an endpoint. */
export interface Subscription {
  id: string;
  version: number;
  events: ReadonlySet<string>;
  /** `null`: every event of these types. */
  filter: Filter | null;
}

/** What matching needs of an automation. */
export interface Automation {
  /** The event type that sets it off. */
  trigger: string;
  /** Its segment's; `null`: every event of the type. */
  filter: Filter | null;
  /** The ids it delivers to; some may be deleted by now. */
  endpoints: string[];
  /** The contacts it reveals; absent: none. */
  reveals?: RevealAction[];
}

/** A tenant's configuration as accepting events and observations sees it; each list in the order of ids. */
export interface Snapshot {
  /** When the tenant was created, in ms: it tells it from an earlier one of that name. */
  since: number;
  /** When this was read, in ms. */
  loadedAt: number;
  subscriptions: Subscription[];
  automations: Automation[];
  signals: SignalRule[];
}

// Values and never promises: a promise of a request that was cut off would never settle for the others.
const entries = new Map<string, Snapshot>();
let changes = 0;

/** The tenant's configuration, at most 5 s old; `null` when there is no such tenant. `now` in ms. */
export async function snapshotOf(d1: D1Database, tenant: string, now: number): Promise<Snapshot | null> {
  const known = entries.get(tenant);
  if (known !== undefined && now - known.loadedAt < MAX_AGE) return known;
  const before = changes;
  const snapshot = await load(d1, tenant, now);
  // Not remembered when something changed while it was read: it may be from before the change.
  if (snapshot !== null && before === changes) {
    entries.delete(tenant);
    entries.set(tenant, snapshot);
    if (entries.size > MAX_TENANTS) entries.delete(entries.keys().next().value as string);
  }
  return snapshot;
}

/** Forgets what is remembered of the tenant, so that a change shows at once in this isolate. */
export function invalidateSnapshot(tenant: string): void {
  changes++;
  entries.delete(tenant);
}

async function load(d1: D1Database, tenant: string, now: number): Promise<Snapshot | null> {
  const db = database(d1);
  const [[found], subscribed, automated, personas, rules] = await db.batch([
    db
      .select({ since: tenants.createdAt })
      .from(tenants)
      .where(and(eq(tenants.id, tenant), isNull(tenants.deletedAt))),
    db
      .select({ id: endpoints.id, version: endpoints.version, events: endpoints.events, filter: endpoints.filter })
      .from(endpoints)
      .where(and(eq(endpoints.tenant, tenant), isNull(endpoints.deletedAt)))
      .orderBy(endpoints.id),
    db
      .select({
        id: automations.id,
        trigger: automations.trigger,
        segment: automations.segment,
        actions: automations.actions,
        filter: segments.filter,
      })
      .from(automations)
      .leftJoin(segments, and(eq(segments.tenant, automations.tenant), eq(segments.id, automations.segment)))
      .where(eq(automations.tenant, tenant))
      .orderBy(automations.id),
    db
      .select({ id: segments.id, filter: segments.filter })
      .from(segments)
      .innerJoin(automations, and(eq(automations.tenant, segments.tenant), usesAsPersona(segments.id)))
      .where(eq(segments.tenant, tenant))
      .groupBy(segments.id),
    db
      .select({
        id: signals.id,
        name: signals.name,
        emit: signals.emit,
        entity: signals.entity,
        filter: signals.filter,
        when: signals.when,
        attach: signals.attach,
      })
      .from(signals)
      .where(eq(signals.tenant, tenant))
      .orderBy(signals.id),
  ]);
  if (found === undefined) return null;
  const filters = new Map(personas.map(({ id, filter }) => [id, filter]));
  return {
    ...found,
    loadedAt: now,
    subscriptions: subscribed.map((row) => ({ ...row, events: new Set(row.events) })),
    automations: automated
      // A segment deleted while the automation was being saved: nothing is in it, rather than everything.
      .filter(({ segment, filter }) => segment === null || filter !== null)
      .map(({ id, trigger, filter, actions }) => ({
        trigger,
        filter,
        endpoints: actions.flatMap((action) => (action.type === "webhook" ? [action.endpoint] : [])),
        ...revealing(id, actions, filters),
      })),
    signals: rules,
  };
}

/** The contacts that an automation reveals, its personas resolved. */
function revealing(
  automation: string,
  actions: AutomationAction[],
  personas: ReadonlyMap<string, Filter>,
): Pick<Automation, "reveals"> {
  const reveals = actions.flatMap((action): RevealAction[] => {
    if (action.type === "webhook") return [];
    const { endpoint, persona, limit } = action;
    const filter = persona === null ? null : personas.get(persona);
    // A segment deleted while the automation was being saved: nobody is in it.
    if (filter === undefined) return [];
    return [{ action: `${automation}/${endpoint}/${persona ?? ""}`, endpoint, persona: filter, limit }];
  });
  return reveals.length === 0 ? {} : { reveals };
}
