import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type { Attached, When } from "../../contracts/signal";
import type { Filter } from "../../lib/filter/filter";
import { exactJson, tenants } from "./service";

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
