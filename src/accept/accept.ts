import { searchablePaths } from "../config/catalogs/event-types";
import { serviceOf } from "../config/databases";
import type { Snapshot } from "../config/snapshot";
import type { Env } from "../contracts/env";
import type { Event, Match } from "../contracts/event";
import type { AppendAllRequest, AppendRequest, EventLogContract, Origin, Versions } from "../contracts/event-log";
import { hex, sha256 } from "../lib/crypto";
import { once } from "../lib/filter/once";
import { Visits } from "../lib/filter/visits";
import { foundBy } from "../lib/found-by";
import { eventId } from "../lib/ids";
import { readJson, toPortable } from "../lib/json/exact";
import { log, logError } from "../lib/log";
import { mayGoDirectly } from "./direct";
import { match, revealsOf } from "./match";
import { inLog } from "./shards";

/** How many of the events of one request its line names; a request may bring thousands. */
const NAMED = 20;

/** An event as posted. */
export interface Posted {
  type: string;
  /** ms since the epoch; absent: now. */
  timestamp?: number;
  /** The caller's own id: the payload's `id`, and an idempotency key like the other. */
  id?: string;
  /** The JSON text of `data`. */
  data: string;
  /** What that text says, for a caller who has read it already; absent: it is read when something looks at it. */
  read?: () => unknown;
  idempotencyKey?: string;
  /** An address that gets this one event besides. */
  callback?: string;
  /** The observation that it is emitted for. */
  origin?: Origin;
  /** A schema refuses its data: then it is accepted only as the repeat of an earlier event. */
  refused?: boolean;
}

export type Accepted =
  | { kind: "accepted" | "duplicate"; event: Event; direct?: true }
  /** The idempotency key, or the caller's own id, was used with another body. */
  | { kind: "conflict"; by: "key" | "id" }
  /** A schema refuses its data, and it is no repeat. */
  | { kind: "refused" };

export type AcceptedAll =
  | { kind: "accepted"; events: { event: Event; duplicate: boolean }[] }
  /** The key of the event at `index` was used with another body; `null`: the key of the whole request. */
  | { kind: "conflict"; index: number | null; by: "key" | "id" }
  | { kind: "refused" };

/**
 * Accepts an event: matches it against the tenant's configuration and appends it to the log of its day, which then puts
 * one message per endpoint onto the queue and has its contacts revealed. Once this answers `accepted` the event is owned
 * by the log, so a queue that fails afterwards delays it and loses nothing. Throws when the log cannot be reached, is
 * full ({@link LOG_FULL}) or cannot write; then nothing is accepted.
 *
 * `deliver`: delivers it in this invocation; called where its messages would go alone, and then there are none.
 */
export async function accept(
  env: Env,
  tenant: string,
  snapshot: Snapshot,
  posted: Posted,
  now: number,
  deliver?: (event: Event, versions: Versions) => void,
): Promise<Accepted> {
  const { request, versions, mayGoDirectly } = await toAppend(env, tenant, snapshot, posted, now, new Visits());
  const direct = deliver !== undefined && mayGoDirectly;
  const accepted = await write(env, tenant, request, now, versions, direct);
  if (accepted.kind === "accepted") logAccepted(tenant, [accepted.event], now);
  if ("direct" in accepted) deliver?.(accepted.event, versions);
  return accepted;
}

/**
 * Accepts events together or none of them, like {@link accept}: one call of the log, and one message per endpoint with
 * all its deliveries, as far as they go into one. A `key` covers them all. The caller logs what it was for.
 */
export async function acceptAll(
  env: Env,
  tenant: string,
  snapshot: Snapshot,
  posted: readonly Posted[],
  key: string | undefined,
  now: number,
): Promise<AcceptedAll> {
  const appends: Append[] = [];
  const visits = new Visits();
  const versions = new Map<string, number>();
  for (const event of posted) {
    const append = await toAppend(env, tenant, snapshot, event, now, visits);
    appends.push(append);
    for (const [endpoint, version] of append.versions) versions.set(endpoint, version);
  }
  const batch: AppendAllRequest = { events: appends.map(({ request }) => request) };
  if (key !== undefined) {
    const said = JSON.stringify(["batch", ...posted.map(saidBy)]);
    batch.idempotency = { key, fingerprint: hex(await sha256(said)) };
  }
  const result = await inLog(env, tenant, batch, now, (log, shards) => log.appendAll(batch, versions, shards));
  if (result.kind !== "appended") return result;
  return { kind: "accepted", events: result.events };
}

/** What the log is asked to write down, and the versions of the endpoints that matched. */
interface Append {
  request: AppendRequest;
  versions: Map<string, number>;
  mayGoDirectly: boolean;
}

async function toAppend(
  env: Env,
  tenant: string,
  snapshot: Snapshot,
  posted: Posted,
  now: number,
  visits: Visits,
): Promise<Append> {
  const { type, timestamp = now } = posted;
  const read = posted.read ?? once(() => readJson(posted.data));
  const subject = { tenant, type, data: read, timestamp };
  const matched = match(snapshot, subject, visits);
  const matches: Match[] = matched.map(({ id }) => ({ endpoint: id }));
  // The log names the callback's endpoint, after the delivery that it is for.
  if (posted.callback !== undefined) matches.push({ endpoint: "", url: posted.callback });
  const versions = new Map(matched.map(({ id, version }) => [id, version]));
  const request = { ...(await requestOf(posted, matches)), ...(await foundByOf(env, type, read, now)) };
  request.tenantSince = snapshot.since;
  const actions = revealsOf(snapshot, subject, visits);
  if (actions.length > 0) request.reveal = toPortable({ since: snapshot.since, actions });
  return { request, versions, mayGoDirectly: mayGoDirectly(matched, matches.length - matched.length) };
}

/** What the event is found by; of a type that names nothing its data is not even read. */
async function foundByOf(
  env: Env,
  type: string,
  data: () => unknown,
  now: number,
): Promise<Pick<AppendRequest, "foundBy">> {
  const paths = await searchablePaths(serviceOf(env), type, now);
  const values = paths.length === 0 ? [] : foundBy(data(), paths);
  return values.length === 0 ? {} : { foundBy: values };
}

/** The one line of events that were accepted together; `since`: when they came, in ms. */
export function logAccepted(tenant: string, events: readonly Event[], since: number): void {
  const deliveries = events.reduce((sum, { matches }) => sum + matches.length, 0);
  const took = { deliveries, durationMs: Date.now() - since };
  const [first, ...more] = events;
  if (first === undefined) return;
  const { ulid, type } = first;
  if (more.length === 0) log("event.accepted", { tenant, event: eventId(ulid), type, ...took });
  else log("event.accepted", { tenant, events: events.length, ids: idsOf(events), ...took });
}

function idsOf(events: readonly Event[]): string[] {
  return events.slice(0, NAMED).map(({ ulid }) => eventId(ulid));
}

/**
 * Accepts a person's test for one endpoint, whatever it subscribes to. No message is sent: the caller delivers it at
 * once, and if it cannot, reconciliation does.
 */
export async function acceptTest(
  env: Env,
  tenant: string,
  endpoint: string,
  posted: Pick<Posted, "type" | "data">,
  now: number,
): Promise<Event> {
  const accepted = await write(env, tenant, await requestOf(posted, [{ endpoint, test: true }]), now);
  if (!("event" in accepted)) throw new Error("an event without a key and a schema cannot be refused");
  return accepted.event;
}

/**
 * Accepts an event that was derived from others, for one endpoint whatever it subscribes to. A repeat under its key
 * answers the first event, and is all that is asked for with `refused`; `null`: there is none. Throws when the log cannot be
 * reached.
 */
export async function acceptDerived(
  env: Env,
  tenant: string,
  snapshot: Snapshot,
  endpoint: string,
  posted: Posted,
  now: number,
): Promise<Event | null> {
  const version = snapshot.subscriptions.find(({ id }) => id === endpoint)?.version ?? 0;
  const versions = new Map([[endpoint, version]]);
  const read = posted.read ?? once(() => readJson(posted.data));
  const found = await foundByOf(env, posted.type, read, now);
  const request = { ...(await requestOf(posted, [{ endpoint }])), ...found, tenantSince: snapshot.since };
  const accepted = await write(env, tenant, request, now, versions);
  if (!("event" in accepted)) {
    // Only a caller who took our key could bring a conflict about; trying again would not change it.
    if (accepted.kind === "conflict") logError("derived.conflict", "the log answered conflict", { tenant, endpoint });
    return null;
  }
  return accepted.event;
}

async function requestOf(posted: Posted, matches: Match[]): Promise<AppendRequest> {
  return {
    type: posted.type,
    data: posted.data,
    matches,
    ...(posted.timestamp === undefined ? {} : { timestamp: posted.timestamp }),
    ...(posted.id === undefined ? {} : { payloadId: posted.id }),
    ...(posted.origin === undefined ? {} : { origin: posted.origin }),
    ...(posted.refused === true ? { refused: true } : {}),
    ...(await idempotency(posted)),
  };
}

/** Appends an event to the log of its day, which then tells the endpoints, unless there are no `versions` of them. */
async function write(
  env: Env,
  tenant: string,
  request: AppendRequest,
  now: number,
  versions?: Versions,
  direct = false,
): Promise<Accepted> {
  const write = (log: EventLogContract, shards: number) => log.append(request, versions, shards, direct);
  const result = await inLog(env, tenant, { events: [request] }, now, write);
  if (!("event" in result)) return result;
  const { kind, ...rest } = result;
  return { ...rest, kind: kind === "duplicate" ? kind : "accepted" };
}

async function idempotency(posted: Posted): Promise<Pick<AppendRequest, "idempotency">> {
  const { idempotencyKey, id } = posted;
  const key = idempotencyKey ?? id;
  if (key === undefined) return {};
  return { idempotency: { key, fingerprint: hex(await sha256(JSON.stringify(saidBy(posted)))) } };
}

/** What a repeat must say again. */
function saidBy({ type, timestamp, id, data, callback }: Posted): unknown[] {
  return [type, timestamp ?? null, id ?? null, data, callback ?? null];
}
