import { and, eq, isNull } from "drizzle-orm";
import type { RevealAction, SignalRule } from "../contracts/signal";
import { Cache } from "../lib/cache";
import { compile, type Filter } from "../lib/filter/filter";
import { SECOND } from "../lib/time";
import { database } from "./database";
import { usesSegment } from "./rules/segment-use";
import { endpoints } from "./tables/endpoints";
import { type AutomationAction, automations, segments, signals } from "./tables/rules";
import { tenants } from "./tables/service";

/** How old the configuration may be that an event is matched against, in ms. */
const MAX_AGE = 5 * SECOND;
/**
 * What an isolate remembers of tenants, in bytes. Read and compiled, configuration takes about ten bytes for a character
 * of its JSON; a tenant with nothing configured is counted as well.
 */
const MAX_BYTES = 32_000_000;
const BYTES_PER_CHARACTER = 10;
const BYTES_PER_TENANT = 1_000;

/** What matching needs of an endpoint. */
export interface Subscription {
  id: string;
  version: number;
  /** The endpoint's own timeout, in seconds; `null`: the usual one. */
  timeout: number | null;
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
const entries = new Cache<Snapshot>(MAX_BYTES);
/** Tenants that were not there, and when that was read (ms): of those alone that nobody need be told of. */
const absent = new Cache<number>(100_000);
const BYTES_PER_ABSENCE = 10;
let changes = 0;

/** The tenant's configuration, at most 5 s old; `null` when there is no such tenant. `now` in ms. */
export async function snapshotOf(d1: D1Database, tenant: string, now: number): Promise<Snapshot | null> {
  const known = entries.get(tenant);
  if (known !== undefined && now - known.loadedAt < MAX_AGE) return known;
  const before = changes;
  const loaded = await load(d1, tenant, now);
  if (loaded === null) return null;
  const { snapshot, bytes } = loaded;
  // Not remembered when something changed while it was read: it may be from before the change.
  if (before === changes) entries.set(tenant, snapshot, bytes);
  return snapshot;
}

/** Forgets what is remembered of the tenant, so that a change shows at once in this isolate. */
export function invalidateSnapshot(tenant: string): void {
  changes++;
  entries.delete(tenant);
  absent.delete(tenant);
}

/** Like {@link snapshotOf}; of a tenant that is not there it is remembered that nobody listens, see {@link listens}. */
export async function snapshotIfAny(d1: D1Database, tenant: string, now: number): Promise<Snapshot | null> {
  const before = changes;
  const snapshot = await snapshotOf(d1, tenant, now);
  if (snapshot === null && before === changes) absent.set(tenant, now, BYTES_PER_ABSENCE);
  return snapshot;
}

/**
 * Whether anybody of a tenant listens to events of a type, filters aside, as far as this isolate remembers; `null`: it
 * remembers nothing that is young enough. `now` in ms.
 */
export function listens(tenant: string, type: string, now: number): boolean | null {
  const isYoung = (loadedAt: number | undefined) =>
    loadedAt !== undefined && now >= loadedAt && now - loadedAt < MAX_AGE;
  if (isYoung(absent.get(tenant))) return false;
  const known = entries.get(tenant);
  if (known === undefined || !isYoung(known.loadedAt)) return null;
  const { subscriptions, automations } = known;
  return (
    subscriptions.some(({ events }) => events.has(type) || events.has("*")) ||
    automations.some(({ trigger }) => trigger === type)
  );
}

async function load(
  d1: D1Database,
  tenant: string,
  now: number,
): Promise<{ snapshot: Snapshot; bytes: number } | null> {
  const db = database(d1);
  const [[found], subscribed, automated, used, rules] = await db.batch([
    db
      .select({ since: tenants.createdAt })
      .from(tenants)
      .where(and(eq(tenants.id, tenant), isNull(tenants.deletedAt))),
    db
      .select({
        id: endpoints.id,
        version: endpoints.version,
        timeout: endpoints.timeout,
        events: endpoints.events,
        filter: endpoints.filter,
      })
      .from(endpoints)
      .where(and(eq(endpoints.tenant, tenant), isNull(endpoints.deletedAt)))
      .orderBy(endpoints.id),
    db
      .select({
        id: automations.id,
        trigger: automations.trigger,
        segment: automations.segment,
        actions: automations.actions,
      })
      .from(automations)
      .where(eq(automations.tenant, tenant))
      .orderBy(automations.id),
    db
      .select({ id: segments.id, filter: segments.filter })
      .from(segments)
      .innerJoin(automations, and(eq(automations.tenant, segments.tenant), usesSegment(segments.id)))
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
  const filters = new Map(used.map(({ id, filter }) => [id, filter]));
  const snapshot = {
    ...found,
    loadedAt: now,
    subscriptions: subscribed.map((row) => ({ ...row, events: new Set(row.events) })),
    automations: automated
      // A segment deleted while the automation was being saved: nothing is in it, rather than everything.
      .filter(({ segment }) => segment === null || filters.has(segment))
      .map(({ id, trigger, segment, actions }) => ({
        trigger,
        filter: segment === null ? null : (filters.get(segment) ?? null),
        endpoints: actions.flatMap((action) => (action.type === "webhook" ? [action.endpoint] : [])),
        ...revealing(id, actions, filters),
      })),
    signals: rules,
  };
  for (const { filter } of [...subscribed, ...used, ...rules]) if (filter !== null) compile(filter);
  const { length } = JSON.stringify([subscribed, automated, used, rules]);
  return { snapshot, bytes: BYTES_PER_TENANT + BYTES_PER_CHARACTER * length };
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
