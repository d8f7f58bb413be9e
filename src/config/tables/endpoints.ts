import { sql } from "drizzle-orm";
import { index, integer, primaryKey, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { Figures, Summary } from "../../contracts/figures";
import type { LaterSecret } from "../../contracts/settings";
import type { Format, Method, Signature } from "../../contracts/wire";
import type { Filter } from "../../lib/filter/filter";
import { exactJson, tenants } from "./service";

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

/**
 * What an endpoint's object last told of how it fares, one row for each. `figures`: its hours from `figures_from` on; those
 * before are in {@link endpointFigures}.
 */
export const endpointSummaries = sqliteTable(
  "endpoint_summaries",
  {
    endpoint: text("endpoint").primaryKey(),
    tenant: text("tenant").notNull(),
    /** ms; when it was told. */
    at: integer("at").notNull(),
    state: text("state").$type<Summary["state"]>().notNull(),
    failingSince: integer("failing_since"),
    failedShare: real("failed_share"),
    waiting: integer("waiting").notNull(),
    oldestWaitingAt: integer("oldest_waiting_at"),
    held: integer("held").notNull(),
    lastSuccessAt: integer("last_success_at"),
    lastFailure: text("last_failure", { mode: "json" }).$type<Summary["lastFailure"]>(),
    /** Sums of the 24 h before `at`. */
    accepted: integer("accepted").notNull(),
    succeeded: integer("succeeded").notNull(),
    failed: integer("failed").notNull(),
    /** ms. */
    figuresFrom: integer("figures_from").notNull(),
    figures: text("figures", { mode: "json" }).$type<Figures>().notNull(),
  },
  (table) => [
    // Only what is in trouble: of a healthy endpoint each writing is one row.
    index("endpoint_summaries_troubled").on(table.tenant).where(sql`state = 'failing' OR waiting > 0 OR held > 0`),
  ],
);

/** Figures of an endpoint that are no longer in its summary: whole UTC days, from `from` on and before `until` (ms). */
export const endpointFigures = sqliteTable(
  "endpoint_figures",
  {
    tenant: text("tenant").notNull(),
    endpoint: text("endpoint").notNull(),
    from: integer("from").notNull(),
    until: integer("until").notNull(),
    hours: text("hours", { mode: "json" }).$type<Figures>().notNull(),
    /** The same by UTC days, since it is seldom asked for an old hour. */
    days: text("days", { mode: "json" }).$type<Figures>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.tenant, table.endpoint, table.from] })],
);

/** Recoveries over all of a tenant's endpoints; what they are, their objects know. */
export const recoveries = sqliteTable(
  "recoveries",
  {
    id: text("id").primaryKey(),
    tenant: text("tenant").notNull(),
    endpoint: text("endpoint").notNull(),
    at: integer("at").notNull(),
  },
  (table) => [index("recoveries_of_tenant").on(table.tenant, table.id)],
);

/** The hosts at which this deployment has been called, so that no endpoint is one of them. */
export const ownHosts = sqliteTable("own_hosts", {
  /** As in a URL, with the port unless it is the scheme's own. */
  host: text("host").primaryKey(),
  seenAt: integer("seen_at").notNull(),
});
