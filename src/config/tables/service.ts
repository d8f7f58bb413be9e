import { customType, index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { readJson } from "../../lib/json/exact";

/**
 * The tables of D1: what is configured. Times are ms since the epoch; JSON columns say what they hold. Indexes over
 * expressions stand in indexed.ts, since drizzle-kit cannot write them.
 */

/** JSON whose numbers stay as they are written. */
export function exactJson<T>() {
  return customType<{ data: T; driverData: string }>({
    dataType: () => "text",
    toDriver: (value) => JSON.stringify(value),
    fromDriver: readJson,
  });
}

/** A customer of the SaaS. The tenant `operator` is the SaaS team itself; a migration creates it. */
export const tenants = sqliteTable(
  "tenants",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    /** Signs per-request callbacks; sealed for the tenant. NULL: they are not signed. */
    callbackSecret: text("callback_secret"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    /** Set while a deletion is on its way: the tenant is not there any more, its objects may still be. */
    deletedAt: integer("deleted_at"),
    /** How far the deletion came: the earliest day whose event log is erased, later days first. */
    erasedDay: text("erased_day"),
  },
  (table) => [index("tenants_by_creation").on(table.createdAt, table.id)],
);

/** Where tenants are whose database was chosen among several; of all others it is the first. Only the first has this. */
export const tenantDatabases = sqliteTable("tenant_databases", {
  /** It stays when the tenant is deleted: a name keeps its database, so that what is known of it is never out of date. */
  tenant: text("tenant").primaryKey(),
  /** The number in the binding's name; 0: DB itself. */
  database: integer("database").notNull(),
});

/** What is known of an event type; the operator's, for all tenants. */
export const eventTypes = sqliteTable("event_types", {
  name: text("name").primaryKey(),
  title: text("title"),
  description: text("description"),
  /** JSON Schema of `data`; enforced at accept only with `enforce`. */
  schema: exactJson<Record<string, unknown>>()("schema"),
  enforce: integer("enforce", { mode: "boolean" }).notNull(),
  /** JSON text of a sample `data`. */
  sample: text("sample"),
  /** How catalogs and pages group it. */
  group: text("group_name"),
  highVolume: integer("high_volume", { mode: "boolean" }).notNull(),
  deprecated: integer("deprecated", { mode: "boolean" }).notNull(),
  /** JSON array of the paths in `data` whose values its events are found by. */
  searchable: text("searchable", { mode: "json" }).$type<string[]>().notNull().default([]),
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/** What requests with an `Idempotency-Key` were answered, so that a repeat is answered the same. */
export const keptAnswers = sqliteTable(
  "kept_answers",
  {
    /** A hash of whose key it is and of the key: api/idempotency.ts. */
    id: text("id").primaryKey(),
    /** A hash of the request: another one under the same key is refused. */
    fingerprint: text("fingerprint").notNull(),
    /** Of the request that has claimed the key, so that one which took too long does not write over its successor's. */
    claim: text("claim").notNull(),
    /** Status, headers and body, sealed, since it may show a secret; NULL: the first request is under way. */
    answer: text("answer"),
    expiresAt: integer("expires_at").notNull(),
  },
  (table) => [index("kept_answers_by_expiry").on(table.expiresAt)],
);

/** Messages that no room could make sense of, counted by queue. */
export const deadLetters = sqliteTable("dead_letters", {
  queue: text("queue").primaryKey(),
  count: integer("count").notNull(),
  lastAt: integer("last_at").notNull(),
});
