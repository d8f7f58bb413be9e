import { acceptAll, acceptDerived, type Posted } from "../accept/accept";
import { eraseEvent } from "../accept/erase-event";
import { schemaErrors } from "../accept/schemas";
import { configOf, serviceOf } from "../config/databases";
import { invalidateSnapshot, type Snapshot, snapshotOf } from "../config/snapshot";
import type { Emitted } from "../contracts/entity";
import type { Env } from "../contracts/env";
import type { Event } from "../contracts/event";
import type { Origin } from "../contracts/event-log";
import { eventLogStub } from "../contracts/find";
import { hex, sha256 } from "../lib/crypto";
import { once } from "../lib/filter/once";
import { eventId, eventRef } from "../lib/ids";
import { readJson } from "../lib/json/exact";
import { log, logError } from "../lib/log";
import { emittedData } from "./data";
import type { Emission, Judged, Pending } from "./remembered";

/** The most events that a log line names. */
const NAMED = 20;

/** Characters of data that one call of the log takes; a single event has fewer. */
const CALL_CHARACTERS = 4_000_000;

/** Whose events they are: a tenant, since it was created (ms), and the hash of an entity's key. */
export interface Emitter {
  tenant: string;
  since: number;
  entity: string;
}

/**
 * Whether it is the first time that it is to be emitted; when it comes up again, it may have been. `erased`: its source
 * is being erased, so that it is not emitted any more.
 */
export type Turn = "first" | "again" | "erased";

/**
 * Has what observations fired accepted like any posted event, each under a key made of rule, entity and observation,
 * so that repeating this after a crash emits nothing twice. Answers what came of each. `null`: the tenant is gone, and
 * with it all that was to be emitted. Throws when the log or D1 is out of reach.
 */
export async function emit(
  env: Env,
  emitter: Emitter,
  fired: readonly Pending[],
  turn: Turn,
  now: number,
): Promise<Judged[] | null> {
  const { tenant } = emitter;
  const snapshot = await snapshotSince(env, emitter, now);
  if (snapshot === null) return null;
  const outcomes = fired.map((): Judged => ({ events: [], refused: [] }));
  // As much at a time as one call of the log takes: all that an entity holds may be more than fits into memory.
  let part: Post[] = [];
  let characters = 0;
  const accept = async () => {
    if (part.length > 0) await acceptPart(env, emitter, snapshot, part, now);
    part = [];
    characters = 0;
  };
  for (const [i, pending] of fired.entries()) {
    const outcome = outcomes[i] as Judged;
    const whole = once(() => readJson(pending.data));
    for (const emission of pending.emissions) {
      const { rule, event, endpoint } = emission;
      const data = emittedData(pending.data, emission.attached);
      const idempotencyKey = await keyOf(emitter, pending, emission);
      // Rules that attach nothing emit the same data: it is read once for all of them.
      const read = data === pending.data ? whole : once(() => readJson(data));
      const { timestamp } = pending;
      const posted = { type: event, data, read, timestamp, idempotencyKey, origin: originOf(emitter, pending) };
      if (endpoint !== undefined) {
        const derived = await derive({ env, tenant, snapshot, endpoint, posted, source: pending.source, turn, now });
        if (derived !== null) outcome.events.push(emittedAs(rule, event, derived));
        continue;
      }
      const wrong = await schemaErrors(serviceOf(env), event, read, now);
      outcome.refused.push(...wrong.map(({ path, message }) => ({ rule, path, message })));
      if (wrong.length > 0) continue;
      if (characters + data.length > CALL_CHARACTERS) await accept();
      part.push({ outcome, rule, posted });
      characters += data.length;
    }
  }
  await accept();
  const ids = outcomes.flatMap(({ events }) => events.map(({ id }) => id));
  const { entity } = emitter;
  if (ids.length > 0) log("signal.emitted", { tenant, entity, events: ids.length, ids: ids.slice(0, NAMED) });
  return outcomes;
}

interface Post {
  outcome: Judged;
  rule: string;
  posted: Posted;
}

async function acceptPart(env: Env, emitter: Emitter, snapshot: Snapshot, part: readonly Post[], now: number) {
  const events = part.map(({ posted }) => posted);
  const result = await acceptAll(env, emitter.tenant, snapshot, events, undefined, now);
  if (result.kind !== "accepted") {
    // Only a caller who took our key could bring this about; trying again would not change it.
    logError("signal.conflict", `the log answered ${result.kind}`, { ...emitter });
    return;
  }
  for (const [i, { event }] of result.events.entries()) {
    const { outcome, rule, posted } = part[i] as Post;
    outcome.events.push(emittedAs(rule, posted.type, event));
  }
}

/**
 * Has an event accepted that is derived from another, and the other's log note it, so that it is erased with it; at once
 * when the other is by then. `null`: it was not emitted before, and is not now, since the other is erased.
 */
async function derive(by: {
  env: Env;
  tenant: string;
  snapshot: Snapshot;
  endpoint: string;
  posted: Posted;
  source: string | undefined;
  turn: Turn;
  now: number;
}): Promise<Event | null> {
  const { env, tenant, snapshot, endpoint, posted, source, turn, now } = by;
  if (source === undefined) return acceptDerived(env, tenant, snapshot, endpoint, posted, now);
  const log = eventLogStub(env, tenant, eventRef(source));
  const refused = turn === "erased" || (turn === "again" && (await log.noteDerived(source)));
  const event = await acceptDerived(env, tenant, snapshot, endpoint, { ...posted, refused }, now);
  if (event === null) return null;
  const isErased = await log.noteDerived(source, event.ulid);
  if (refused || isErased) await eraseEvent(env, tenant, event.ulid);
  return event;
}

/** The tenant's configuration, unless the tenant is another by now. */
async function snapshotSince(env: Env, { tenant, since }: Emitter, now: number): Promise<Snapshot | null> {
  const config = await configOf(env, tenant);
  const known = await snapshotOf(config, tenant, now);
  if (known?.since === since) return known;
  // What this isolate remembers may be of a tenant of that name that was deleted since.
  invalidateSnapshot(tenant);
  const read = await snapshotOf(config, tenant, now);
  return read?.since === since ? read : null;
}

function emittedAs(rule: string, event: string, { ulid }: Event): Emitted {
  return { rule, id: eventId(ulid), event };
}

function originOf({ since, entity }: Emitter, { id }: Pending): Origin {
  return { room: `${since.toString(36)}/${entity}`, observation: id };
}

async function keyOf({ since, entity }: Emitter, { id }: Pending, { rule, endpoint }: Emission): Promise<string> {
  return `signal:${hex(await sha256(JSON.stringify([since, entity, id, rule, endpoint ?? null])))}`;
}
