import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { tenants } from "./service";

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
  "endpoint.enabled",
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
  (table) => [
    index("audit_of_tenant").on(table.tenant, table.id),
    index("audit_of_target").on(table.tenant, table.target, table.id),
  ],
);
