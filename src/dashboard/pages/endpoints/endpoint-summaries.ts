import { type Env, retentionMs } from "../../../contracts/env";
import { DAY, iso } from "../../../lib/time";
import type { Endpoint } from "../../components/pills";
import type { Site } from "../../site";

/** Deliveries that an endpoint is held. `more`: there are more than were counted. */
export interface Held {
  count: number;
  more: boolean;
}

const NONE: Held = { count: 0, more: false };

/** Since when anything is kept: whole days are dropped, so up to one more than events are kept for. `now` in ms. */
export function keptSince(env: Env, now: number): string {
  return iso(now - retentionMs(env) - DAY);
}

/**
 * All that is held for an endpoint, however old: its health counts the last 24 h only. An enabled one is asked nothing.
 * Who may not recover gets as many as a list answers at once.
 */
export async function heldOf(site: Site, tenant: string, { id, enabled }: Endpoint, since: string): Promise<Held> {
  if (enabled) return NONE;
  if (site.may.endpoints.recover) {
    const asked = { since, status: "held" } as const;
    return { ...(await site.api.endpoints.recover(tenant, id, asked, { query: { dryRun: true } })), more: false };
  }
  const { data, nextCursor } = await site.api.deliveries.list(tenant, id, { query: { status: "held", limit: 250 } });
  return { count: data.length, more: nextCursor !== null };
}

/** What is held, in words. */
export function sayHeld({ count, more }: Held): string {
  return `${count}${more ? " or more" : ""} ${count === 1 && !more ? "event" : "events"} held`;
}
