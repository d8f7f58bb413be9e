import { sql } from "drizzle-orm";
import { database } from "./database";
import { deadLetters } from "./tables/service";

/** Counts a message that nobody could read. */
export async function countDeadLetter(d1: D1Database, queue: string, now: number): Promise<void> {
  await database(d1)
    .insert(deadLetters)
    .values({ queue, count: 1, lastAt: now })
    .onConflictDoUpdate({ target: deadLetters.queue, set: { count: sql`${deadLetters.count} + 1`, lastAt: now } })
    .run();
}

/** How many messages nobody could read, and when the last one came (ms). */
export async function deadLetterCount(d1: D1Database): Promise<{ count: number; lastAt: number | null }> {
  const rows = await database(d1).select().from(deadLetters).all();
  return {
    count: rows.reduce((sum, { count }) => sum + count, 0),
    lastAt: rows.length === 0 ? null : Math.max(...rows.map(({ lastAt }) => lastAt)),
  };
}
