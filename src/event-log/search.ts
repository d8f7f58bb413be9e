import { type Env, retentionMs } from "../contracts/env";
import { addDays, DAY, type Day, dayOf, dayStart } from "../lib/time";
import { pageOfDay, SKEW } from "./list";

/** Logs that are asked, at most, and how many of them side by side. */
const MOST_LOGS = 600;
const AT_ONCE = 40;
/** Rows of a log that are looked at. */
const ROWS = 100;

/** A tenant whose events are looked through; created at `createdAt` (ms). */
export interface Searched {
  id: string;
  createdAt: number;
}

export interface FoundEvent {
  tenant: string;
  ulid: string;
  event: string;
}

/**
 * The newest events of these tenants that are found by a text, at most `limit`: of all of them first today's, then
 * yesterday's, and so on while there are logs left to ask. `whole`: none was left out.
 */
export async function searchLogs(
  env: Env,
  tenants: readonly Searched[],
  search: string,
  limit: number,
  now: number,
): Promise<{ events: FoundEvent[]; whole: boolean }> {
  const logs = logsOf(tenants, now - retentionMs(env) - DAY, now + SKEW);
  const events: FoundEvent[] = [];
  for (let i = 0; i < Math.min(logs.length, MOST_LOGS); i += AT_ONCE) {
    const asked = logs.slice(i, Math.min(i + AT_ONCE, MOST_LOGS));
    const pages = await Promise.all(
      asked.map(({ tenant, day }) =>
        pageOfDay(env, tenant, day, { search, before: null, from: null, limit: limit + 1, rows: ROWS }),
      ),
    );
    for (const [j, page] of pages.entries()) {
      const { tenant } = asked[j] as { tenant: string };
      events.push(...page.events.map(({ ulid, event }) => ({ tenant, ulid, event })));
    }
    if (events.length > limit) return { events: events.slice(0, limit), whole: false };
  }
  return { events, whole: logs.length <= MOST_LOGS };
}

/** The logs of these tenants, the newest day first. */
function logsOf(tenants: readonly Searched[], oldest: number, newest: number): { tenant: string; day: Day }[] {
  const logs: { tenant: string; day: Day }[] = [];
  for (let day = dayOf(newest); day >= dayOf(Math.max(oldest, 0)) && logs.length <= MOST_LOGS; day = addDays(day, -1)) {
    const there = tenants.filter(({ createdAt }) => createdAt - SKEW < dayStart(day) + DAY);
    if (there.length === 0) break;
    logs.push(...there.map(({ id }) => ({ tenant: id, day })));
  }
  return logs;
}
