import type { Env } from "../../contracts/env";
import type { Event } from "../../contracts/event";
import { latestEvents } from "../../event-log/list";
import { eventId } from "../../lib/ids";
import { OPERATOR_TENANT } from "../../lib/operator";
import { iso } from "../../lib/time";

/** Operator events that are looked at, at most. */
const LOOKED = 100;
/** How many of an endpoint's are told. */
const TOLD = 5;

/** What was told of an endpoint of late, the newest first. */
export interface ToldOf {
  tenant: string;
  endpoint: string;
  title: string;
  count: number;
  events: { id: string; event: string; timestamp: string }[];
}

/** The operator events of the last days, of each endpoint together: that of the newest one comes first. */
export async function operatorEventsOf(env: Env, limit: number, now: number): Promise<ToldOf[]> {
  const events = await latestEvents(env, OPERATOR_TENANT, { limit: LOOKED, createdAt: 0 }, now);
  return groupedByEndpoint(events).slice(0, limit);
}

/** Events of the operator's tenant by the endpoint that they are about; others, which somebody posted there, are left out. Pure. */
export function groupedByEndpoint(events: readonly Pick<Event, "ulid" | "type" | "timestamp" | "data">[]): ToldOf[] {
  const groups = new Map<string, ToldOf>();
  for (const { ulid, type, timestamp, data } of events) {
    const about = aboutOf(data);
    if (about === null) continue;
    const key = `${about.tenant}/${about.endpoint}`;
    const group = groups.get(key) ?? { ...about, count: 0, events: [] };
    group.count++;
    if (group.events.length < TOLD) group.events.push({ id: eventId(ulid), event: type, timestamp: iso(timestamp) });
    groups.set(key, group);
  }
  return [...groups.values()];
}

function aboutOf(text: string): Pick<ToldOf, "tenant" | "endpoint" | "title"> | null {
  const data = JSON.parse(text) as { tenant?: unknown; endpoint?: Record<string, unknown> | null } | null;
  const { id, name, url } = data?.endpoint ?? {};
  if (typeof data?.tenant !== "string" || typeof id !== "string") return null;
  return { tenant: data.tenant, endpoint: id, title: String(name ?? url ?? id) };
}
