import { or, type SQL, type SQLWrapper, sql } from "drizzle-orm";

/**
 * SQL: whether one of these texts has another in it, upper and lower case of Latin letters alike. By `instr`: D1 takes no
 * pattern of over 50 bytes, and in a pattern some characters mean others.
 */
export function hasIn(text: string, ...columns: readonly SQLWrapper[]): SQL | undefined {
  return or(...columns.map((column) => sql`instr(lower(coalesce(${column}, '')), lower(${text})) > 0`));
}
