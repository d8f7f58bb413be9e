import type { Snapshot } from "../config/snapshot";
import type { Env } from "../contracts/env";
import type { Event } from "../contracts/event";
import { eventLogStub } from "../contracts/find";
import { deliveryId, eventId, eventRef } from "../lib/ids";
import { readJson } from "../lib/json/exact";
import { log } from "../lib/log";
import { match } from "./match";

/**
 * Adds deliveries to an event for the endpoints that match it today and did not get it, and answers them; `null`: its
 * content has been erased meanwhile. A person's test stays between it and its endpoint. Once this answers, the log owns
 * the new deliveries, so a queue that fails delays them and loses nothing.
 */
export async function addToMatches(
  env: Env,
  tenant: string,
  snapshot: Snapshot,
  event: Event,
): Promise<{ id: string; endpoint: string }[] | null> {
  if (event.matches.some(({ test }) => test)) return [];
  const { ulid, timestamp, data } = event;
  const matched = match(snapshot, { tenant, type: event.type, data: () => readJson(data), timestamp });
  const known = new Set(event.matches.map(({ endpoint }) => endpoint));
  const missing = matched.filter(({ id }) => !known.has(id));
  if (missing.length === 0) return [];
  const versions = new Map(missing.map(({ id, version }) => [id, version]));
  const ids = missing.map(({ id }) => id);
  const result = await eventLogStub(env, tenant, eventRef(ulid)).addMatches(ulid, ids, versions);
  if (result === null || result.event.erasedAt !== undefined) return null;
  log("event.replayed", { tenant, event: eventId(ulid), deliveries: result.added.length });
  return result.added.map((index) => ({
    id: deliveryId(ulid, index),
    endpoint: result.event.matches[index]?.endpoint ?? "",
  }));
}
