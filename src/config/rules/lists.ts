import { and, asc, count, eq, sql } from "drizzle-orm";
import { rootCause } from "../../lib/log";
import { type AuditEntry, auditOfLast, logChange } from "../access/audit";
import { database } from "../database";
import { checkOf, countLimit, limited, stillSo } from "../limits";
import { ownedRows } from "../owned-rows";
import { listItems, lists } from "../tables/rules";
import { laterThan, written } from "../version";

/** The most items of a list. */
export const MAX_ITEMS = 10_000;

export type ListRow = typeof lists.$inferSelect;

/** A list with how much is on it. */
export type CountedList = ListRow & { size: number };

/** The tenants' lists, by their names. */
export const listRows = ownedRows(lists, lists.name);

/** What is on a list, in alphabetical order. */
export async function itemsOf(d1: D1Database, list: string): Promise<string[]> {
  const rows = await database(d1)
    .select({ item: listItems.item })
    .from(listItems)
    .where(eq(listItems.list, list))
    .orderBy(asc(listItems.item))
    .all();
  return rows.map(({ item }) => item);
}

/** Lists of the tenant, newest first, after the id `before`; at most `limit`. */
export async function listLists(
  d1: D1Database,
  tenant: string,
  limit: number,
  before: string | null,
): Promise<CountedList[]> {
  const rows = await listRows.list(d1, tenant, limit, before);
  const sizes = await database(d1)
    .select({ list: listItems.list, n: count() })
    .from(listItems)
    .where(sql`${listItems.list} IN (SELECT value FROM json_each(${JSON.stringify(rows.map(({ id }) => id))}))`)
    .groupBy(listItems.list)
    .all();
  const byList = new Map(sizes.map(({ list, n }) => [list, n]));
  return rows.map((row) => ({ ...row, size: byList.get(row.id) ?? 0 }));
}

/** Writes a new list with its items, in one statement however many they are; `null`: the name is taken. Throws `OverLimit`. */
export async function insertList(
  d1: D1Database,
  tenant: string,
  id: string,
  { name, items }: { name: string; items: readonly string[] },
  now: number,
  entry: AuditEntry,
): Promise<ListRow | null> {
  const db = database(d1);
  const insert = db
    .insert(lists)
    .values({ id, tenant, name, createdAt: now, updatedAt: now })
    .onConflictDoNothing()
    .returning();
  const check = checkOf(d1, countLimit("lists", tenant));
  const [[row]] = await limited(db.batch([insert, auditOfLast(d1, entry, now), fill(d1, id, items), check]));
  return row ?? null;
}

/**
 * Changes a list that still is as it was read: its name, and what is on it, all at once. `taken`: the name is. Throws
 * `ChangedMeanwhile`.
 */
export async function updateList(
  d1: D1Database,
  read: ListRow,
  { name = read.name, items }: { name?: string | undefined; items?: readonly string[] | undefined },
  now: number,
  entry: AuditEntry,
): Promise<ListRow | "taken"> {
  const db = database(d1);
  const update = db
    .update(lists)
    .set({ name, updatedAt: laterThan(read, now) })
    .where(eq(lists.id, read.id))
    .returning();
  // Before all else: what follows goes by the list's id alone.
  const same = sql`EXISTS (SELECT 1 FROM ${lists} WHERE id = ${read.id} AND updated_at = ${read.updatedAt})`;
  const check = checkOf(d1, stillSo(same));
  const refill = [db.delete(listItems).where(eq(listItems.list, read.id)), fill(d1, read.id, items ?? [])] as const;
  const batch = db.batch([check, update, auditOfLast(d1, entry, now), ...(items === undefined ? [] : refill)]);
  try {
    const [, rows] = await limited(batch);
    return written(rows as ListRow[]);
  } catch (error) {
    // The only unique index besides the id is the one over names.
    if (/UNIQUE constraint failed/.test(String(rootCause(error)))) return "taken";
    throw error;
  }
}

/**
 * Deletes a list with its items; answers whether there was one. `read`: only as it was read; throws `ChangedMeanwhile` where
 * it is not that any more.
 */
export async function deleteList(
  d1: D1Database,
  tenant: string,
  name: string,
  now: number,
  entry: AuditEntry,
  read: ListRow | null = null,
): Promise<boolean> {
  const db = database(d1);
  const list = read ?? (await listRows.find(d1, tenant, name));
  if (list === null) return false;
  const asRead = read && eq(lists.updatedAt, read.updatedAt);
  const remove = db
    .delete(lists)
    .where(and(eq(lists.id, list.id), asRead ?? undefined))
    .returning({ id: lists.id });
  const orphaned = sql`NOT EXISTS (SELECT 1 FROM ${lists} WHERE id = ${list.id})`;
  const items = db.delete(listItems).where(and(eq(listItems.list, list.id), orphaned));
  const [removed] = await db.batch([remove, auditOfLast(d1, entry, now), items]);
  if (read !== null) written(removed);
  return removed.length > 0;
}

/** A statement for a batch: moves a list's version if the statement right before it changed what is on the list. */
function moveOfLast(d1: D1Database, list: string, now: number) {
  return database(d1)
    .update(lists)
    .set({ updatedAt: sql`max(${lists.updatedAt} + 1, ${now})` })
    .where(and(eq(lists.id, list), sql`changes() > 0`));
}

/** Puts an item on a list. `there`: it was on it; `full`: it is not put on it; `gone`: there is no such list. */
export async function putItem(
  d1: D1Database,
  list: ListRow,
  item: string,
  now: number,
  entry: AuditEntry,
): Promise<"put" | "there" | "full" | "gone"> {
  const db = database(d1);
  const on = and(eq(listItems.list, list.id), eq(listItems.item, item));
  if ((await db.select().from(listItems).where(on).get()) !== undefined) return "there";
  const put = db
    .insert(listItems)
    .select(
      sql`SELECT ${lists.id}, ${item} FROM ${lists} WHERE ${lists.id} = ${list.id}
          AND (SELECT count(*) FROM ${listItems} WHERE ${listItems.list} = ${list.id}) < ${MAX_ITEMS}`,
    )
    .onConflictDoNothing()
    .returning();
  const [added] = await db.batch([put, moveOfLast(d1, list.id, now), auditOfLast(d1, entry, now)]);
  if (added.length > 0) {
    logChange(entry);
    return "put";
  }
  const [there, found] = await db.batch([
    db.select().from(listItems).where(on),
    db.select().from(lists).where(eq(lists.id, list.id)),
  ]);
  if (there.length > 0) return "there";
  return found.length > 0 ? "full" : "gone";
}

/** Takes an item off a list; answers whether it was on it. */
export async function removeItem(
  d1: D1Database,
  list: ListRow,
  item: string,
  now: number,
  entry: AuditEntry,
): Promise<boolean> {
  const db = database(d1);
  const remove = db
    .delete(listItems)
    .where(and(eq(listItems.list, list.id), eq(listItems.item, item)))
    .returning();
  const [removed] = await db.batch([remove, moveOfLast(d1, list.id, now), auditOfLast(d1, entry, now)]);
  if (removed.length > 0) logChange(entry);
  return removed.length > 0;
}

/**
 * Which of these keys are on which of the tenant's lists of these names, as `name` and keys; lists that are not there
 * are empty. One query that reads a row per list and key, so nothing of a long list is kept in memory.
 */
export async function lookUp(
  d1: D1Database,
  tenant: string,
  names: readonly string[],
  keys: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, Set<string>>();
  if (names.length === 0 || keys.length === 0) return found;
  const rows = await database(d1)
    .select({ name: lists.name, item: listItems.item })
    .from(lists)
    .innerJoin(
      listItems,
      and(
        eq(listItems.list, lists.id),
        sql`${listItems.item} IN (SELECT value FROM json_each(${JSON.stringify(keys)}))`,
      ),
    )
    .where(and(eq(lists.tenant, tenant), sql`${lists.name} IN (SELECT value FROM json_each(${JSON.stringify(names)}))`))
    .all();
  for (const { name, item } of rows) {
    const items = found.get(name) ?? new Set();
    found.set(name, items.add(item));
  }
  return found;
}

/** A statement for a batch: fills a list that is there. */
function fill(d1: D1Database, list: string, items: readonly string[]) {
  return database(d1)
    .insert(listItems)
    .select(
      sql`SELECT DISTINCT ${lists.id}, value FROM ${lists}, json_each(${JSON.stringify(items)}) WHERE ${lists.id} = ${list}`,
    )
    .onConflictDoNothing();
}
