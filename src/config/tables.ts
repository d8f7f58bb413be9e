import { sql } from "drizzle-orm";
import { customType, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { LaterSecret } from "../contracts/settings";
import type { Attached, When } from "../contracts/signal";
import type { Format, Method, Signature } from "../contracts/wire";
import type { Filter } from "../lib/filter/filter";
import { readJson } from "../lib/json/exact";

/**
 * The tables of D1: what is configured. Times are ms since the epoch; JSON columns say what they hold. Indexes over
 * expressions stand in indexed.ts, since drizzle-kit cannot write them.
 */

/** JSON whose numbers stay as they are written. */
function exactJson<T>() {
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

export const ROLES = ["admin", "producer", "viewer"] as const;
/** What a tenant's key may do is said with each route: api/route.ts. */
export type Role = (typeof ROLES)[number];

/** A tenant's API key. The key itself is not kept. */
export const apiKeys = sqliteTable(
  "api_keys",
  {
    id: text("id").primaryKey(),
    tenant: text("tenant")
      .notNull()
      .references(() => tenants.id),
    name: text("name").notNull(),
    role: text("role").$type<Role>().notNull(),
    /** SHA-256 of the key, hex. */
    hash: text("hash").notNull(),
    createdAt: integer("created_at").notNull(),
    lastUsedAt: integer("last_used_at"),
  },
  (table) => [uniqueIndex("api_keys_hash").on(table.hash), index("api_keys_of_tenant").on(table.tenant, table.id)],
);

/** Sessions of keys that were ended before their time, by signing out. A portal's session ends with its link. */
export const endedSessions = sqliteTable(
  "ended_sessions",
  {
    id: text("id").primaryKey(),
    /** ms: from then on it would not count anyway. */
    expiresAt: integer("expires_at").notNull(),
  },
  (table) => [index("ended_sessions_by_end").on(table.expiresAt)],
);

/** Links that open the portal of a tenant, each once. The link itself is not kept. */
export const portalLinks = sqliteTable(
  "portal_links",
  {
    id: text("id").primaryKey(),
    tenant: text("tenant")
      .notNull()
      .references(() => tenants.id),
    /** SHA-256 of its token, hex. */
    hash: text("hash").notNull(),
    createdAt: integer("created_at").notNull(),
    /** The link and the session it was exchanged for end then. */
    expiresAt: integer("expires_at").notNull(),
    /** NULL: not opened yet. */
    openedAt: integer("opened_at"),
    /** Who made it, and whose end is its end: a key's id, or the operator's key as `operator/` and a print; NULL: not known. */
    madeBy: text("made_by"),
    /** What it opens may be read and not changed. */
    readOnly: integer("read_only", { mode: "boolean" }).notNull().default(false),
    /** The page that it opens, below the tenant's; NULL: the first one. */
    path: text("path"),
    /** When its session was ended before its time; NULL: it was not. */
    endedAt: integer("ended_at"),
  },
  (table) => [
    uniqueIndex("portal_links_hash").on(table.hash),
    index("portal_links_of_tenant").on(table.tenant, table.expiresAt),
  ],
);

/** Endpoints that are deleted, whose objects still hold their log: they go with their tenant, or once that is over. */
export const formerEndpoints = sqliteTable(
  "former_endpoints",
  {
    tenant: text("tenant").notNull(),
    id: text("id").notNull(),
    /** ms; NULL: before this was written down. */
    removedAt: integer("removed_at"),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.id] }), index("former_endpoints_by_age").on(table.removedAt)],
);

/** All that is written down of who did what. */
export const AUDIT_ACTIONS = [
  "tenant.created",
  "tenant.updated",
  "tenant.deleted",
  "key.created",
  "key.deleted",
  "portallink.created",
  "portallink.revoked",
  "endpoint.created",
  "endpoint.updated",
  "endpoint.disabled",
  "endpoint.deleted",
  "secret.read",
  "secret.rotated",
  "secret.promoted",
  "secrets.resealed",
  "eventtype.put",
  "eventtype.updated",
  "eventtype.deleted",
  "eventtype.installed",
  "segment.created",
  "segment.updated",
  "segment.deleted",
  "automation.created",
  "automation.updated",
  "automation.deleted",
  "signal.created",
  "signal.updated",
  "signal.deleted",
  "signals.installed",
  "list.created",
  "list.updated",
  "list.deleted",
  "list.item.put",
  "list.item.deleted",
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** Who changed what and when. Never what it was or became, since that may be a secret. It outlives its tenant. */
export const audit = sqliteTable(
  "audit",
  {
    /** Sorts by time. */
    id: text("id").primaryKey(),
    at: integer("at").notNull(),
    /** A key's id, `operator`, or `posthorn` for what it did by itself. */
    actor: text("actor").notNull(),
    /** What was done, such as `endpoint.updated`. */
    action: text("action").$type<AuditAction>().notNull(),
    /** The id of what it was done to. */
    target: text("target").notNull(),
    /** NULL: it concerns all tenants. */
    tenant: text("tenant"),
    /** Of an update, the names of the fields that it named. */
    fields: text("fields", { mode: "json" }).$type<string[]>(),
  },
  (table) => [index("audit_of_tenant").on(table.tenant, table.id)],
);

/** A URL with a secret, subscriptions and a profile. */
export const endpoints = sqliteTable(
  "endpoints",
  {
    id: text("id").primaryKey(),
    tenant: text("tenant")
      .notNull()
      .references(() => tenants.id),
    /** The caller's own id, unique in the tenant. */
    uid: text("uid"),
    name: text("name"),
    url: text("url").notNull(),
    description: text("description"),
    /** The event types it subscribes to; `["*"]` for all. */
    events: text("events", { mode: "json" }).$type<string[]>().notNull(),
    profile: text("profile").notNull(),
    metadata: text("metadata", { mode: "json" }).$type<Record<string, string>>().notNull(),
    /** Its own retry delays in seconds; NULL: the profile's. */
    retry: text("retry", { mode: "json" }).$type<number[]>(),
    /** Its own timeout in seconds; NULL: the profile's. */
    timeout: integer("timeout"),
    disableAfter: integer("disable_after").notNull(),
    /** The most requests per second; NULL: no limit. */
    rateLimit: integer("rate_limit"),
    /** Its own format, signature and method; NULL: the profile's. */
    format: text("format").$type<Format>(),
    signature: text("signature", { mode: "json" }).$type<Signature>(),
    method: text("method").$type<Method>(),
    /** Its own headers; each value is sealed, since it may be a secret. */
    headers: text("headers", { mode: "json" }).$type<Record<string, string>>(),
    /** Which events it gets, beyond their type; NULL: all. */
    filter: exactJson<Filter>()("filter"),
    /** The secret, sealed under SECRETS_KEY for `tenant/id`; empty: there is none. */
    secret: text("secret").notNull(),
    /** The secret that takes over at `next_from`, sealed as well. */
    nextSecret: text("next_secret"),
    nextFrom: integer("next_from"),
    /** Those that take over after it, in their order, each sealed as well; NULL: none. */
    laterSecrets: text("later_secrets", { mode: "json" }).$type<LaterSecret[]>(),
    /** Counts changes, so that the endpoint's object knows when its copy is old. */
    version: integer("version").notNull(),
    /** A copy of what the endpoint's object decides. */
    enabled: integer("enabled", { mode: "boolean" }).notNull(),
    disabledReason: text("disabled_reason").$type<"manual" | "failing" | "gone">(),
    disabledAt: integer("disabled_at"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
    /** Set while a deletion is on its way to the endpoint's object. */
    deletedAt: integer("deleted_at"),
  },
  (table) => [
    index("endpoints_of_tenant").on(table.tenant, table.id),
    uniqueIndex("endpoints_uid")
      .on(table.tenant, table.uid)
      .where(sql`${table.uid} IS NOT NULL AND deleted_at IS NULL`),
  ],
);

/** A named filter of a tenant. */
export const segments = sqliteTable(
  "segments",
  {
    id: text("id").primaryKey(),
    tenant: text("tenant")
      .notNull()
      .references(() => tenants.id),
    name: text("name").notNull(),
    filter: exactJson<Filter>()("filter").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [index("segments_of_tenant").on(table.tenant, table.id)],
);

/** A trigger event and a segment, and what is done when both match. */
export const automations = sqliteTable(
  "automations",
  {
    id: text("id").primaryKey(),
    tenant: text("tenant")
      .notNull()
      .references(() => tenants.id),
    name: text("name").notNull(),
    /** The event type that sets it off. */
    trigger: text("trigger").notNull(),
    /** A segment's id; NULL: every event of the type. */
    segment: text("segment"),
    actions: text("actions", { mode: "json" }).$type<AutomationAction[]>().notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [index("automations_of_tenant").on(table.tenant, table.id)],
);

/** What an automation does; `endpoint` is an endpoint's id. */
export type AutomationAction =
  /** Delivers to it whatever it subscribes to. */
  | { type: "webhook"; endpoint: string }
  /** Sends it the contacts that come with the event: those of a segment (`null`: all), so many per company at most. */
  | { type: "reveal_contacts"; endpoint: string; persona: string | null; limit: number | null };

/** A rule that turns observations into events. */
export const signals = sqliteTable(
  "signals",
  {
    id: text("id").primaryKey(),
    tenant: text("tenant")
      .notNull()
      .references(() => tenants.id),
    name: text("name").notNull(),
    /** The type of the events that it emits. */
    emit: text("emit").notNull(),
    /** The path of the entity's key. */
    entity: text("entity").notNull(),
    /** Which observations it looks at; NULL: all. */
    filter: exactJson<Filter>()("filter"),
    when: exactJson<When>()("condition").notNull(),
    attach: text("attach", { mode: "json" }).$type<Record<string, Attached>>(),
    /** The vendor's catalog that it came with, as `clearview/lead.hot`; NULL: none. */
    catalog: text("catalog"),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [
    index("signals_of_tenant").on(table.tenant, table.id),
    uniqueIndex("signals_catalog").on(table.tenant, table.catalog).where(sql`${table.catalog} IS NOT NULL`),
  ],
);

/** A named list of entities' keys. */
export const lists = sqliteTable(
  "lists",
  {
    id: text("id").primaryKey(),
    tenant: text("tenant")
      .notNull()
      .references(() => tenants.id),
    name: text("name").notNull(),
    createdAt: integer("created_at").notNull(),
    updatedAt: integer("updated_at").notNull(),
  },
  (table) => [
    uniqueIndex("lists_name").on(table.tenant, table.name),
    index("lists_of_tenant").on(table.tenant, table.id),
  ],
);

/** What is on a list; a look-up is one row. */
export const listItems = sqliteTable(
  "list_items",
  { list: text("list").notNull(), item: text("item").notNull() },
  (table) => [primaryKey({ columns: [table.list, table.item] })],
);

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
  createdAt: integer("created_at").notNull(),
  updatedAt: integer("updated_at").notNull(),
});

/** The hosts at which this deployment has been called, so that no endpoint is one of them. */
export const ownHosts = sqliteTable("own_hosts", {
  /** As in a URL, with the port unless it is the scheme's own. */
  host: text("host").primaryKey(),
  seenAt: integer("seen_at").notNull(),
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
