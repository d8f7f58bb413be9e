import { type Env, retentionMs } from "../contracts/env";
import type { EventPage } from "../contracts/event-log";
import { eventLogStub } from "../contracts/find";
import { encodeTime, ulidTime } from "../lib/ids";
import { addDays, DAY, dayOf, MINUTE } from "../lib/time";

/** What one page looks at, at most. */
const PAGE_ROWS = 1_000;
const PAGE_DAYS = 7;
/** How far the clocks of isolates may be apart. */
const SKEW = 5 * MINUTE;

/** What to list; times in ms. */
export interface ListRequest {
  event?: string | undefined;
  /** Accepted at or after it. */
  since?: number | undefined;
  /** Accepted before it. */
  until?: number | undefined;
  limit: number;
  /** Below this ULID. */
  before: string | null;
  /** No event is older than the tenant. */
  createdAt: number;
}

export interface ListedEvents {
  events: EventPage["events"];
  /** The ULID below which the next page begins; `null`: there is no more. */
  next: string | null;
}

/**
 * A page of a tenant's events, newest first, over the logs of its days. It looks at a bounded number of rows and days,
 * so it may be short, or empty, and still have a next page.
 */
export async function listEvents(env: Env, tenant: string, request: ListRequest, now: number): Promise<ListedEvents> {
  const { event, since, until, limit, createdAt } = request;
  const oldest = Math.max(since ?? 0, createdAt - SKEW, now - retentionMs(env) - DAY, 0);
  const from = since === undefined ? null : firstUlidAt(since);
  const ends = [request.before, until === undefined ? null : firstUlidAt(until)].filter((end) => end !== null);
  let before = ends.toSorted()[0] ?? null;
  // Nothing is accepted after tomorrow, whatever the isolates' clocks say.
  const newest = Math.min(before === null ? Number.POSITIVE_INFINITY : lastTimeBelow(before), now + SKEW);
  if (newest < oldest) return { events: [], next: null };

  const found: EventPage["events"] = [];
  let rows = PAGE_ROWS;
  let day = dayOf(newest);
  for (let days = 0; days < PAGE_DAYS; days++, day = addDays(day, -1)) {
    if (day < dayOf(oldest)) return { events: found, next: null };
    // One more than asked for tells whether there is more, on whichever day.
    const query = { event, before, from, limit: limit + 1 - found.length, rows };
    const page = await eventLogStub(env, tenant, day).list(query);
    found.push(...page.events);
    rows -= page.looked;
    if (found.length > limit) return { events: found.slice(0, limit), next: found[limit - 1]?.ulid ?? null };
    if (page.next !== null) return { events: found, next: page.next };
    // From here on the days before it, which need no other bound.
    before = firstUlidAt(Date.parse(day));
    if (rows <= 0) return { events: found, next: day > dayOf(oldest) ? before : null };
  }
  return { events: found, next: day < dayOf(oldest) ? null : before };
}

/** The least ULID of an event accepted at a time. */
function firstUlidAt(ms: number): string {
  return encodeTime(Math.min(Math.max(ms, 0), 2 ** 48 - 1)) + "0".repeat(16);
}

/** The latest time at which an event with a lesser ULID can have been accepted. */
function lastTimeBelow(ulid: string): number {
  const first = ulid.slice(10) === "0".repeat(16);
  return Math.max(ulidTime(ulid) - (first ? 1 : 0), 0);
}
