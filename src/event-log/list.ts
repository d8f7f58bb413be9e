import { type Env, retentionMs } from "../contracts/env";
import type { Event } from "../contracts/event";
import type { EventPage, EventQuery } from "../contracts/event-log";
import { eventLogStub } from "../contracts/find";
import { encodeTime, eventRef, logName, ulidTime } from "../lib/ids";
import { addDays, DAY, type Day, dayOf, MINUTE } from "../lib/time";

/** What one page looks at, at most. */
const PAGE_ROWS = 1_000;
const PAGE_DAYS = 7;
/** The same of a search, which looks at no other rows than those it finds; and the days that it looks at side by side. */
const SEARCH_DAYS = 40;
const DAYS_AT_ONCE = 8;
/** The most characters of data that are read together, and of how many logs: a week of days, or all shards of one. */
const LATEST_ROOM = 4_000_000;
const LATEST_LOGS = 40;
/** How far the clocks of isolates may be apart, in ms. */
export const SKEW = 5 * MINUTE;

/** What to list; times in ms. */
export interface ListRequest {
  event?: string | undefined;
  endpoint?: string | undefined;
  /** By what the events are found, see {@link EventQuery}. */
  search?: string | undefined;
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
  const { event, endpoint, search, since, until, limit, createdAt } = request;
  const oldest = Math.max(since ?? 0, createdAt - SKEW, now - retentionMs(env) - DAY, 0);
  const from = since === undefined ? null : firstUlidAt(since);
  const ends = [request.before, until === undefined ? null : firstUlidAt(until)].filter((end) => end !== null);
  let before = ends.toSorted()[0] ?? null;
  // Nothing is accepted after tomorrow, whatever the isolates' clocks say.
  const newest = Math.min(before === null ? Number.POSITIVE_INFINITY : lastTimeBelow(before), now + SKEW);
  if (newest < oldest) return { events: [], next: null };

  const found: EventPage["events"] = [];
  const days = search === undefined ? { most: PAGE_DAYS, atOnce: 1 } : { most: SEARCH_DAYS, atOnce: DAYS_AT_ONCE };
  let rows = PAGE_ROWS;
  let day = dayOf(newest);
  for (let looked = 0; looked < days.most; looked += days.atOnce) {
    if (day < dayOf(oldest)) return { events: found, next: null };
    // One more than asked for tells whether there is more, on whichever day.
    const query = { event, endpoint, search, before, from, limit: limit + 1 - found.length, rows };
    const asked = Array.from({ length: days.atOnce }, (_, i) => addDays(day, -i)).filter((one) => one >= dayOf(oldest));
    for (const page of await Promise.all(asked.map((one) => pageOfDay(env, tenant, one, query)))) {
      found.push(...page.events);
      rows -= page.looked;
      if (found.length > limit) return { events: found.slice(0, limit), next: found[limit - 1]?.ulid ?? null };
      if (page.next !== null) return { events: found, next: page.next };
      // From here on the days before it, which need no other bound.
      before = firstUlidAt(Date.parse(day));
      if (rows <= 0) return { events: found, next: day > dayOf(oldest) ? before : null };
      day = addDays(day, -1);
    }
  }
  return { events: found, next: day < dayOf(oldest) ? null : before };
}

/**
 * A tenant's latest events with their data, newest first: `limit` of them, or as many as a page looks at and there is
 * room for. Those whose content is erased are left out. One call of each log that has some, beside those of the list.
 */
export async function latestEvents(
  env: Env,
  tenant: string,
  request: Pick<ListRequest, "limit" | "createdAt">,
  now: number,
): Promise<Event[]> {
  const { events } = await listEvents(env, tenant, { ...request, before: null }, now);
  const refs = events.map(({ ulid }) => eventRef(ulid));
  const logs = [...Map.groupBy(refs, logName).values()].slice(0, LATEST_LOGS);
  const room = Math.floor(LATEST_ROOM / Math.max(logs.length, 1));
  const read = logs.map((some) => {
    const [ref] = some as [(typeof some)[number]];
    return eventLogStub(env, tenant, ref).read(
      some.map(({ ulid }) => ulid),
      room,
    );
  });
  const found = new Map((await Promise.all(read)).flat().map((event) => [event?.ulid, event]));
  // From the newest on without a gap: what did not fit ends it.
  const latest = refs.map(({ ulid }) => found.get(ulid) ?? null);
  const end = latest.indexOf(null);
  return latest
    .slice(0, end < 0 ? latest.length : end)
    .filter((event) => event !== null && event.erasedAt === undefined) as Event[];
}

/** A page of a day's events: of its first shard, which says whether there are others, and then of those as well. */
export async function pageOfDay(env: Env, tenant: string, day: Day, query: EventQuery): Promise<EventPage> {
  const first = await eventLogStub(env, tenant, day).list(query);
  const others = Array.from({ length: (first.shards ?? 1) - 1 }, (_, i) => eventLogStub(env, tenant, day, i + 1));
  if (others.length === 0) return first;
  return merged([first, ...(await Promise.all(others.map((log) => log.list(query))))]);
}

/** Pages of one day put together. Below the end of one that has more nothing is known yet of what comes next. Pure. */
export function merged(pages: readonly EventPage[]): EventPage {
  const ends = pages.flatMap(({ next }) => (next === null ? [] : [next]));
  const end = ends.toSorted().at(-1) ?? null;
  const events = pages
    .flatMap((page) => page.events)
    .filter(({ ulid }) => end === null || ulid >= end)
    .toSorted((a, b) => (a.ulid < b.ulid ? 1 : -1));
  return { events, looked: Math.max(...pages.map(({ looked }) => looked)), next: end };
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
