import { and, asc, eq, gt, sql } from "drizzle-orm";
import { Cache } from "../../lib/cache";
import { SECOND } from "../../lib/time";
import { type AuditEntry, audited, auditOfLast, logChange } from "../access/audit";
import { database } from "../database";
import { typesLimit } from "../limits";
import { eventTypes } from "../tables/service";
import { laterThan, written } from "../version";
import { type CatalogType, findInCatalogs } from "./catalogs";

/** How old what is known of the event types may be, in ms. */
const MAX_AGE = 5 * SECOND;

export type EventTypeRow = typeof eventTypes.$inferSelect;

/** What the operator may say of an event type; `sample` as JSON text. */
export type EventTypeFields = Omit<EventTypeRow, "name" | "createdAt" | "updatedAt">;

/** Later than the row's own time, so that every change can be told from the one before it, and from the creation. */
const later = (now: number) => sql<number>`max(${now}, ${eventTypes.updatedAt} + 1)`;

/** The event type of that name, or `null`. */
export async function findEventType(d1: D1Database, name: string): Promise<EventTypeRow | null> {
  return (await database(d1).select().from(eventTypes).where(eq(eventTypes.name, name)).get()) ?? null;
}

/** Event types by name, after the name `after`; at most `limit`, and of one group when that is named. */
export async function listEventTypes(
  d1: D1Database,
  limit: number,
  after: string | null,
  group: string | null,
): Promise<EventTypeRow[]> {
  const beyond = after === null ? undefined : gt(eventTypes.name, after);
  const within = group === null ? undefined : eq(eventTypes.group, group);
  return database(d1)
    .select()
    .from(eventTypes)
    .where(and(beyond, within))
    .orderBy(asc(eventTypes.name))
    .limit(limit)
    .all();
}

/** Creates the event type or replaces all that is said of it; `created` tells which. Throws `OverLimit`. */
export async function putEventType(
  d1: D1Database,
  name: string,
  fields: EventTypeFields,
  now: number,
  entry: AuditEntry,
): Promise<{ type: EventTypeRow; created: boolean }> {
  const put = database(d1)
    .insert(eventTypes)
    .values({ ...fields, name, createdAt: now, updatedAt: now })
    .onConflictDoUpdate({ target: eventTypes.name, set: { ...fields, updatedAt: later(now) } })
    .returning();
  const [type] = (await changing(audited(d1, put, entry, now, typesLimit(name)))) as [EventTypeRow];
  return { type, created: type.createdAt === type.updatedAt };
}

/** Changes an event type that still is as it was read. Throws `ChangedMeanwhile`. */
export async function changeEventType(
  d1: D1Database,
  read: EventTypeRow,
  change: Partial<EventTypeFields>,
  now: number,
  entry: AuditEntry,
): Promise<EventTypeRow> {
  const update = database(d1)
    .update(eventTypes)
    .set({ ...change, updatedAt: laterThan(read, now) })
    .where(and(eq(eventTypes.name, read.name), eq(eventTypes.updatedAt, read.updatedAt)))
    .returning();
  return written(await changing(audited(d1, update, entry, now)));
}

/** Deletes an event type that still is as it was read. Throws `ChangedMeanwhile`. */
export async function removeEventType(
  d1: D1Database,
  { name, updatedAt }: EventTypeRow,
  now: number,
  entry: AuditEntry,
): Promise<void> {
  const remove = database(d1)
    .delete(eventTypes)
    .where(and(eq(eventTypes.name, name), eq(eventTypes.updatedAt, updatedAt)))
    .returning({ name: eventTypes.name });
  written(await changing(audited(d1, remove, entry, now)));
}

/**
 * Writes a catalog's event types, all or none. Of those that exist, what the catalog says is brought up to date;
 * `enforce`, `deprecated` and `searchable` it does not say, so they stay as the operator set them.
 */
export async function installEventTypes(
  d1: D1Database,
  types: readonly CatalogType[],
  now: number,
  entry: AuditEntry,
): Promise<EventTypeRow[]> {
  const db = database(d1);
  const [first, ...rest] = types.map((type) => {
    const { name, ...said } = fromCatalog(type);
    return db
      .insert(eventTypes)
      .values({ ...said, name, enforce: false, deprecated: false, createdAt: now, updatedAt: now })
      .onConflictDoUpdate({ target: eventTypes.name, set: { ...said, updatedAt: later(now) } })
      .returning();
  });
  if (first === undefined) return [];
  const [installed, ...others] = await changing(db.batch([first, ...rest, auditOfLast(d1, entry, now)]));
  logChange(entry);
  return [installed, ...others.slice(0, -1)].flat() as EventTypeRow[];
}

/** What a catalog says of an event type, as its row has it. */
export function fromCatalog(
  type: CatalogType,
): Omit<EventTypeRow, "enforce" | "deprecated" | "searchable" | "createdAt" | "updatedAt"> {
  const { name, title, description, group, highVolume = false, schema } = type;
  return { name, title, description, group, highVolume, schema, sample: JSON.stringify(type.sample) };
}

/** What accepting and subscribing need to know of a registered event type. */
export interface KnownType {
  highVolume: boolean;
  deprecated: boolean;
  searchable: readonly string[];
  /** Tells the schema that its data must satisfy from earlier ones of that name; `null`: none is enforced. */
  enforced: string | null;
}

export type KnownTypes = ReadonlyMap<string, KnownType>;

// A value and never a promise: a promise of a request that was cut off would never settle for the others.
let known: { loadedAt: number; types: KnownTypes } | null = null;
let changes = 0;

/** The registered event types, at most 5 s old; a change made in this isolate shows at once. `now` in ms. */
export async function knownTypes(d1: D1Database, now: number): Promise<KnownTypes> {
  if (known !== null && now - known.loadedAt < MAX_AGE) return known.types;
  const before = changes;
  const rows = await database(d1)
    .select({
      name: eventTypes.name,
      highVolume: eventTypes.highVolume,
      deprecated: eventTypes.deprecated,
      searchable: eventTypes.searchable,
      enforced: sql<
        string | null
      >`CASE WHEN ${eventTypes.enforce} THEN ${eventTypes.createdAt} || '/' || ${eventTypes.updatedAt} END`,
    })
    .from(eventTypes)
    .orderBy(asc(eventTypes.name))
    .all();
  const types = new Map(rows.map(({ name, ...type }) => [name, type]));
  // Not remembered when something changed while it was read: it may be from before the change.
  if (before === changes) known = { loadedAt: now, types };
  return types;
}

/** The paths whose values events of a type are found by; of most types none. `now` in ms. */
export async function searchablePaths(d1: D1Database, name: string, now: number): Promise<readonly string[]> {
  return (await knownTypes(d1, now)).get(name)?.searchable ?? [];
}

/** The schemas that an isolate remembers, in bytes of their text; by the type's name and what tells it from earlier ones. */
const schemas = new Cache<string>(4_000_000);

/**
 * The JSON text of the schema that the type's data must satisfy; `null`: none is enforced. Read when an isolate first
 * needs it, and again after a change. `now` in ms.
 */
export async function enforcedSchema(d1: D1Database, name: string, now: number): Promise<string | null> {
  const version = (await knownTypes(d1, now)).get(name)?.enforced ?? null;
  if (version === null) return null;
  const key = `${name} ${version}`;
  const remembered = schemas.get(key);
  if (remembered !== undefined) return remembered;
  const type = await findEventType(d1, name);
  if (type === null || !type.enforce || type.schema === null) return null;
  const schema = JSON.stringify(type.schema);
  // Should it have changed meanwhile, the types are read anew before long, and name what it is then.
  schemas.set(key, schema, 2 * schema.length);
  return schema;
}

/** Awaits a write, and forgets what was known however it ended: a write that failed may have been made. */
async function changing<T>(write: Promise<T>): Promise<T> {
  try {
    return await write;
  } finally {
    changes++;
    known = null;
  }
}

/**
 * What somebody who subscribes to these events should hear, a sentence each: high volume and deprecation. Of a type
 * that is not registered the vendors' catalogs are asked; `*` is held against the registered ones.
 */
export async function warningsFor(d1: D1Database, events: string[], now: number): Promise<string[]> {
  const types = await knownTypes(d1, now);
  return events.flatMap((event) => {
    if (event === "*") return warnOfAll(types);
    const type = types.get(event);
    const highVolume = type?.highVolume ?? findInCatalogs("", event)?.highVolume ?? false;
    return [
      ...(highVolume
        ? [`${event} is a high-volume event type: subscribe only if the endpoint can take the load.`]
        : []),
      ...(type?.deprecated ? [`${event} is deprecated: it may stop being sent.`] : []),
    ];
  });
}

function warnOfAll(types: KnownTypes): string[] {
  const names = [...types].filter(([, { highVolume }]) => highVolume).map(([name]) => name);
  if (names.length === 0) return [];
  return [
    `* includes high-volume event types (${names.join(", ")}): subscribe only if the endpoint can take the load.`,
  ];
}

/**
 * The JSON text of a sample `data` for an event: the registered type's, else that of the profile's catalog, else of
 * any catalog; `null` when there is none.
 */
export async function sampleOf(d1: D1Database, profile: string, event: string): Promise<string | null> {
  const registered = (await findEventType(d1, event))?.sample ?? null;
  if (registered !== null) return registered;
  const type = findInCatalogs(profile, event);
  return type === null ? null : JSON.stringify(type.sample);
}
