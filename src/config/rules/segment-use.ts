import { type Column, eq, or, type SQL, sql } from "drizzle-orm";
import { automations } from "../tables/rules";

/** Whether an automation uses the segment for its events or as a persona. */
export function usesSegment(segment: string | Column): SQL | undefined {
  // Ids stand nowhere in actions but where something is named.
  return or(eq(automations.segment, segment), sql`instr(${automations.actions}, ${segment}) > 0`);
}
