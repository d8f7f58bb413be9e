import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
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

/** The hosts at which this deployment has been called, so that no endpoint is one of them. */
export const ownHosts = sqliteTable("own_hosts", {
  /** As in a URL, with the port unless it is the scheme's own. */
  host: text("host").primaryKey(),
  seenAt: integer("seen_at").notNull(),
});
