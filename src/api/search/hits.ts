import { configOf, listOverAll } from "../../config/databases";
import { findEndpoint } from "../../config/endpoints/endpoints";
import { type FoundEndpoint, searchEndpoints, searchTenants } from "../../config/search";
import type { Env } from "../../contracts/env";
import type { Event } from "../../contracts/event";
import { eventLogStub } from "../../contracts/find";
import { SKEW } from "../../event-log/list";
import { type Searched, searchLogs } from "../../event-log/search";
import { deliveryId, type EventRef, eventId, parseDeliveryId, parseEventId, ulidTime } from "../../lib/ids";
import { findAttempt } from "./attempts";

/** The most hits of each kind, and objects that are asked side by side. */
export const MOST_HITS = 20;
const AT_ONCE = 40;

export const KINDS = ["tenant", "endpoint", "event", "delivery", "attempt"] as const;

/** Something that was found; `path`: where the API has it. */
export interface Hit {
  kind: (typeof KINDS)[number];
  id: string;
  tenant: string;
  title: string;
  path: string;
}

/** `truncated`: there was more to look at, or to show. */
export interface Found {
  data: Hit[];
  truncated: boolean;
}

/** Whose things are looked through: one tenant's, or (`all`) those of all tenants, of which these are the newest. */
export interface Scope {
  tenants: readonly Searched[];
  all: boolean;
  /** There are more tenants than these. */
  more: boolean;
}

/** What a text finds: what it is the whole id of, else all that it names or is a part of. `now` in ms. */
export async function search(env: Env, scope: Scope, text: string, now: number): Promise<Found> {
  const known = (await eventHits(env, scope, text)) ?? (await attemptHits(env, scope, text));
  if (known.length > 0) return { data: known, truncated: false };
  const [tenants, endpoints, { events, whole }] = await Promise.all([
    scope.all ? tenantHits(env, text) : [],
    endpointHits(env, scope, text),
    searchLogs(env, scope.tenants, text, MOST_HITS, now),
  ]);
  const data = [tenants, endpoints].flatMap((hits) => hits.slice(0, MOST_HITS));
  data.push(...events.map((event) => eventHit(event.tenant, event.ulid, event.event)));
  const cut = tenants.length > MOST_HITS || endpoints.length > MOST_HITS;
  return { data, truncated: cut || !whole || scope.more };
}

function at(tenant: string, ...parts: string[]): string {
  return ["/v1/tenants", tenant, ...parts].join("/");
}

function eventHit(tenant: string, ulid: string, type: string): Hit {
  const id = eventId(ulid);
  return { kind: "event", id, tenant, title: type, path: at(tenant, "events", id) };
}

/** The event or delivery of that id; `null`: it is the id of none. */
async function eventHits(env: Env, scope: Scope, text: string): Promise<Hit[] | null> {
  const delivery = parseDeliveryId(text);
  const ref = delivery ?? parseEventId(text);
  const found = ref && (await findEvent(env, scope, ref));
  if (found === null) return null;
  const { tenant, event } = found;
  if (delivery === null) return [eventHit(tenant, event.ulid, event.type)];
  const match = event.matches[delivery.index];
  return match === undefined ? null : [await deliveryHit(env, tenant, event, match.endpoint, delivery.index)];
}

async function attemptHits(env: Env, { tenants, all }: Scope, id: string): Promise<Hit[]> {
  const found = await findAttempt(env, all ? null : (tenants[0]?.id ?? null), id);
  if (found === null) return [];
  const { tenant, endpoint, delivery } = found;
  const row = await findEndpoint(await configOf(env, tenant), tenant, endpoint);
  const title = row === null ? endpoint : titleOf(row);
  return [{ kind: "attempt", id, tenant, title, path: at(tenant, "endpoints", endpoint, "deliveries", delivery) }];
}

/** Which tenant's an event is does not stand in its id: each that was there by then is asked. */
async function findEvent(
  env: Env,
  { tenants }: Scope,
  ref: EventRef,
): Promise<{ tenant: string; event: Event } | null> {
  const there = tenants.filter(({ createdAt }) => createdAt - SKEW <= ulidTime(ref.ulid));
  for (let i = 0; i < there.length; i += AT_ONCE) {
    const asked = there.slice(i, i + AT_ONCE);
    const read = await Promise.all(asked.map(({ id }) => eventLogStub(env, id, ref).read([ref.ulid])));
    for (const [j, [event = null]] of read.entries()) {
      if (event !== null) return { tenant: (asked[j] as Searched).id, event };
    }
  }
  return null;
}

/** A delivery stands at its endpoint; one whose endpoint is gone, or never was one, at its event. */
async function deliveryHit(env: Env, tenant: string, event: Event, endpoint: string, index: number): Promise<Hit> {
  const { ulid, type } = event;
  const row = await findEndpoint(await configOf(env, tenant), tenant, endpoint);
  const id = deliveryId(ulid, index);
  const path = row === null ? at(tenant, "events", eventId(ulid)) : at(tenant, "endpoints", endpoint, "deliveries", id);
  return { kind: "delivery", id, tenant, title: `${type} → ${row === null ? endpoint : titleOf(row)}`, path };
}

async function endpointHits(env: Env, { tenants, all }: Scope, text: string): Promise<Hit[]> {
  const [one] = tenants;
  const rows = all
    ? await listOverAll(
        env,
        MOST_HITS + 1,
        (d1) => searchEndpoints(d1, null, text, MOST_HITS + 1),
        (a, b) => a.id > b.id,
      )
    : one === undefined
      ? []
      : await searchEndpoints(await configOf(env, one.id), one.id, text, MOST_HITS + 1);
  // What has that very name comes first.
  const isIt = ({ id, uid, name }: FoundEndpoint) => Number([id, uid, name].includes(text));
  return rows
    .toSorted((a, b) => isIt(b) - isIt(a))
    .map((row) => {
      const { id, tenant } = row;
      return { kind: "endpoint", id, tenant, title: titleOf(row), path: at(tenant, "endpoints", id) };
    });
}

function titleOf({ name, url }: Pick<FoundEndpoint, "name" | "url">): string {
  return name ?? url;
}

async function tenantHits(env: Env, text: string): Promise<Hit[]> {
  const rows = await listOverAll(
    env,
    MOST_HITS + 1,
    (d1) => searchTenants(d1, text, MOST_HITS + 1),
    (a, b) => a.createdAt > b.createdAt,
  );
  const isIt = ({ id, name }: { id: string; name: string }) => Number(id === text || name === text);
  return rows
    .toSorted((a, b) => isIt(b) - isIt(a))
    .map(({ id, name }) => ({ kind: "tenant", id, tenant: id, title: name, path: at(id) }));
}
