/**
 * A filter that need not be saved, held against a tenant's latest events, or against the contacts that they bring.
 * @module
 */
import { filterSubject } from "../../accept/match";
import { configOf } from "../../config/databases";
import { findTenant } from "../../config/tenants";
import type { Env } from "../../contracts/env";
import type { Event } from "../../contracts/event";
import { latestEvents } from "../../event-log/list";
import { type Filter, failingClause } from "../../lib/filter/filter";
import { clauseErrors, EVENT_FIELDS } from "../../lib/filter/filter-errors";
import { type FailingClause, Visits } from "../../lib/filter/visits";
import { eventId } from "../../lib/ids";
import { isContainer, readJson } from "../../lib/json/exact";
import { iso } from "../../lib/time";
import type { FieldErrors } from "../errors";
import { type FilterValues, readFilter } from "./filter-form";

/** How many events are looked at. */
export const LATEST = 200;

/** Something that a filter was held against. */
export interface Judged {
  /** The event's id, type and time of acceptance. */
  id: string;
  event: string;
  at: string;
  /** The contact of the event; absent: it was the event itself. */
  contact?: string;
  matches: boolean;
  /** What of the filter did not hold; `null`: nothing did not. */
  clause: FailingClause | null;
  /** Why it did not come to the filter; absent: it did. */
  why?: string;
}

/** What a filter makes of the latest events; of none where something is wrong with it. */
export interface Held {
  what: "events" | "contacts";
  judged: Judged[];
  errors: FieldErrors;
}

/** The tenant's latest events with their data, newest first. */
export async function latestOf(env: Env, tenant: string, limit = LATEST): Promise<Event[]> {
  const createdAt = (await findTenant(await configOf(env, tenant), tenant))?.createdAt ?? 0;
  return latestEvents(env, tenant, { limit, createdAt }, Date.now());
}

/**
 * Holds a filter against events, newest first. `wants`: whether a type counts at all. Pure. All of them share what a
 * request's filters may visit.
 */
export function heldAgainst(
  events: readonly Event[],
  tenant: string,
  filter: Filter | null,
  { what = "events", wants = () => true }: { what?: Held["what"]; wants?: (type: string) => boolean } = {},
): Held {
  const errors = filter === null ? [] : clauseErrors(filter, what === "events" ? EVENT_FIELDS : null);
  if (errors.length > 0) return { what, judged: [], errors };
  const visits = new Visits();
  const judged = events.flatMap((event): Judged[] => {
    const { ulid, type, timestamp, data } = event;
    const read: unknown = readJson(data);
    const one = { id: eventId(ulid), event: type, at: iso(timestamp) };
    const verdict = (subject: unknown) => {
      const clause = filter === null ? null : failingClause(filter, subject, visits);
      return { matches: clause === null, clause };
    };
    if (what === "contacts") {
      return contactsIn(read).map((contact) => ({ ...one, contact: nameOf(contact), ...verdict(contact) }));
    }
    if (!wants(type)) return [{ ...one, matches: false, clause: null, why: "another type" }];
    return [{ ...one, ...verdict(filterSubject({ tenant, type, timestamp, data: () => read })) }];
  });
  return { what, judged, errors };
}

/** What a form says, held against the tenant's latest events; `how`: as for {@link heldAgainst}. */
export async function countedFor(
  env: Env,
  tenant: string,
  values: FilterValues,
  how?: Parameters<typeof heldAgainst>[3],
): Promise<Held> {
  const { filter, errors } = readFilter(values, "filter");
  if (errors.length > 0) return { what: how?.what ?? "events", judged: [], errors };
  return heldAgainst(await latestOf(env, tenant), tenant, filter, how);
}

function contactsIn(data: unknown): Record<string, unknown>[] {
  const contacts = isContainer(data) ? data.contacts : null;
  return Array.isArray(contacts) ? contacts.filter((one) => isContainer(one) && !Array.isArray(one)) : [];
}

function nameOf({ name, email, id }: Record<string, unknown>): string {
  return String(name ?? email ?? id ?? "a contact").slice(0, 100);
}

/** Whether a filter is one over contacts: none of its fields is an event's. */
export function isOverContacts(filter: object | null): boolean {
  return filter !== null && clauseErrors(filter).some(({ message }) => message.includes("paths start with"));
}
