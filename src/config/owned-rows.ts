/**
 * Rows that tenants own: one way to find, list, write, change and delete them. Every query takes the tenant, so that nobody
 * reaches another's row by its id; whatever is changed is written down with the change (access/audit.ts).
 * @module
 */
import { and, desc, eq, getTableColumns, lt, type SQL } from "drizzle-orm";
import type { SQLiteColumn, SQLiteInsertValue, SQLiteTable, SQLiteUpdateSetSource } from "drizzle-orm/sqlite-core";
import { type AuditEntry, audited } from "./access/audit";
import { database } from "./database";
import type { Limit } from "./limits";
import { laterThan, written } from "./version";

/** A table of such rows. Its ids sort by time. */
type Owned = SQLiteTable & { id: SQLiteColumn; tenant: SQLiteColumn };

/** One whose rows can be changed, each time later: that is their version. */
type Versioned = Owned & { updatedAt: SQLiteColumn };

type Columns = Record<string, SQLiteColumn>;

/**
 * Finds, lists, writes and deletes the rows of a table. `key`: the column that names a row within its tenant; `shown`: the
 * columns that are read.
 */
export function ownedRows<T extends Owned, Row = T["$inferSelect"]>(
  table: T,
  key: SQLiteColumn = table.id,
  shown: Columns = getTableColumns(table) as Columns,
) {
  // Of a type that is not known yet drizzle's types tell nothing.
  const source: Owned = table;

  /** SQL: that a row is the tenant's one of that name. */
  function named(tenant: string, name: string): SQL | undefined {
    return and(eq(table.tenant, tenant), eq(key, name));
  }

  /** The tenant's row of that name, or `null`; `more`: what else must hold of it. */
  async function find(d1: D1Database, tenant: string, name: string, ...more: (SQL | undefined)[]): Promise<Row | null> {
    const found = database(d1)
      .select(shown)
      .from(source)
      .where(and(named(tenant, name), ...more))
      .get();
    return ((await found) ?? null) as Row | null;
  }

  /** Rows of the tenant, newest first, after the id `before`; at most `limit`. `more`: what else must hold of them. */
  async function list(
    d1: D1Database,
    tenant: string,
    limit: number,
    before: string | null,
    ...more: (SQL | undefined)[]
  ): Promise<Row[]> {
    const beyond = before === null ? undefined : lt(table.id, before);
    const rows = database(d1)
      .select(shown)
      .from(source)
      .where(and(eq(table.tenant, tenant), beyond, ...more))
      .orderBy(desc(table.id))
      .limit(limit)
      .all();
    return (await rows) as Row[];
  }

  /** Writes a new row. Throws what the limits throw. */
  async function insert(
    d1: D1Database,
    row: T["$inferInsert"],
    now: number,
    entry: AuditEntry,
    ...limits: Limit[]
  ): Promise<Row> {
    const insert = database(d1)
      .insert(source)
      .values(row as SQLiteInsertValue<Owned>)
      .returning(shown);
    const [made] = await audited(d1, insert, entry, now, ...limits);
    return made as Row;
  }

  /** Deletes a row if that holds of it; answers whether it did. */
  async function remove(
    d1: D1Database,
    tenant: string,
    name: string,
    now: number,
    entry: AuditEntry,
    ...more: (SQL | undefined)[]
  ): Promise<boolean> {
    const remove = database(d1)
      .delete(source)
      .where(and(named(tenant, name), ...more))
      .returning({ id: table.id });
    return (await audited(d1, remove, entry, now)).length > 0;
  }

  return { named, find, list, insert, remove };
}

/** The same, where rows can be changed. */
export function versionedRows<T extends Versioned>(table: T) {
  type Row = T["$inferSelect"] & { tenant: string; id: string; updatedAt: number };
  const source: Versioned = table;
  const rows = ownedRows<T, Row>(table);

  /** SQL: that a row is as it was read. */
  function asRead(read: Row): SQL {
    return eq(table.updatedAt, read.updatedAt);
  }

  /** Changes a row that still is as it was read. Throws `ChangedMeanwhile`, and what the limits throw. */
  async function change(
    d1: D1Database,
    read: Row,
    change: Partial<T["$inferInsert"]>,
    now: number,
    entry: AuditEntry,
    ...limits: Limit[]
  ): Promise<Row> {
    const update = database(d1)
      .update(source)
      .set({ ...change, updatedAt: laterThan(read, now) } as SQLiteUpdateSetSource<Versioned>)
      .where(and(rows.named(read.tenant, read.id), asRead(read)))
      .returning();
    return written((await audited(d1, update, entry, now, ...limits)) as Row[]);
  }

  /** Deletes a row that still is as it was read. Throws `ChangedMeanwhile`. */
  async function removeAsRead(d1: D1Database, read: Row, now: number, entry: AuditEntry): Promise<void> {
    written((await rows.remove(d1, read.tenant, read.id, now, entry, asRead(read))) ? [read] : []);
  }

  return { ...rows, asRead, change, removeAsRead };
}
