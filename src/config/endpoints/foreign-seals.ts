import { count, type SQL, sql } from "drizzle-orm";
import { type Env, secretsKeys } from "../../contracts/env";
import { keyIdOf } from "../../lib/crypto";
import { database } from "../database";
import { databasesOf } from "../databases";
import { SEALED, SEVERAL, type Sealed } from "../indexed";

/** The most rows that are looked at for one key in one place: beyond it a count says "at least". */
export const MOST_COUNTED = 1_000;

/** How many sealed values there are under keys other than today's: those that still open, and those that do not. */
export interface ForeignSeals {
  underOldKeys: number;
  unreadable: number;
}

/**
 * Counts the values that are sealed under other keys than the first, in at most {@link MOST_COUNTED} rows for each key and
 * place: exact where there are few. Reads these rows and no others. `secretsKeys`: today's, then the older ones.
 */
export async function countForeignSeals(d1: D1Database, secretsKeys: readonly string[]): Promise<ForeignSeals> {
  const ids = await idsOf(secretsKeys);
  const [today, ...old] = ids;
  const among = (list: readonly (string | undefined)[]) =>
    sql`substr(value, 4, 8) IN (SELECT value FROM json_each(${JSON.stringify(list)}))`;
  const db = database(d1);
  const counts = SEALED.flatMap((sealed) =>
    rangesWithout(today as string, [...old, ...pointsOf(sealed)], sealed).map((range) =>
      db
        .select({
          old: sql<number | null>`sum(${among(old)})`.as("old"),
          known: sql<number | null>`sum(${among(ids)})`.as("known"),
          all: count().as("all_of_them"),
        })
        .from(
          sql`(SELECT ${sql.raw(sealed.values)} AS sealed FROM ${sql.raw(sealed.table)}
               WHERE ${sql.raw(sealed.where)} AND ${range} LIMIT ${MOST_COUNTED}), json_each(sealed)`,
        ),
    ),
  );
  const sum = { underOldKeys: 0, unreadable: 0 };
  for (const [row] of await db.batch(counts as [(typeof counts)[number]])) {
    sum.underOldKeys += row?.old ?? 0;
    sum.unreadable += (row?.all ?? 0) - (row?.known ?? 0);
  }
  return sum;
}

/** Likewise in all databases, under the keys that are set. */
export async function foreignSealsOf(env: Env): Promise<ForeignSeals> {
  const counts = await Promise.all(databasesOf(env).map((d1) => countForeignSeals(d1, secretsKeys(env))));
  return {
    underOldKeys: counts.reduce((sum, { underOldKeys }) => sum + underOldKeys, 0),
    unreadable: counts.reduce((sum, { unreadable }) => sum + unreadable, 0),
  };
}

/** The ids of keys that rows are found by. */
export async function idsOf(secretsKeys: readonly string[]): Promise<string[]> {
  return [...new Set(await Promise.all(secretsKeys.map(keyIdOf)))];
}

/** What stands in the place of a key's id and is none. */
export function pointsOf({ mixed }: Sealed): string[] {
  return mixed ? [SEVERAL] : [];
}

/** SQL: every id but today's, cut into what can be found in an index: each of the others, and what lies between them. */
function rangesWithout(today: string, others: readonly string[], { keyId }: Sealed): SQL[] {
  const id = sql.raw(keyId);
  const points = [today, ...others].toSorted();
  const between = [null, ...points].map((after, i) => {
    const [above, below] = [after === null ? sql`1` : sql`${id} > ${after}`, points[i]];
    return below === undefined ? above : sql`${above} AND ${id} < ${below}`;
  });
  return [...others.map((other) => sql`${id} = ${other}`), ...between];
}
