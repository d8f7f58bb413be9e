/**
 * Signals: rules that turn observations into events. What they are made of, as D1, the Entity object and the API see it.
 */

import type { Filter } from "../lib/filter/filter";
import type { Numeric } from "../lib/json/exact";

/** When a rule fires; each form is a field of its own. Paths begin in the observation: `company.leadScore`. */
export type When =
  /** At each observation. */
  | { every: true }
  /** At the first observation of the entity. */
  | { once: true }
  /** When the value comes to the threshold or over it. */
  | { crosses: { path: string; threshold: Numeric } }
  /** When the value has moved by so much since the rule last fired or, before that, since it was first seen. */
  | { changesBy: { path: string; atLeast: Numeric } }
  /** When the entity was seen before, and not for so long. */
  | { returnsAfter: { seconds: number } }
  /** When the entity's key is on that list of the tenant. */
  | { inList: string };

/** What the emitted event gets besides the observation: the value compared, or what it was compared with. */
export type Attached = "previous" | "current";

/** A rule as observations are held against it. */
export interface SignalRule {
  /** `sig_` and a ULID. */
  id: string;
  name: string;
  /** The type of the events that it emits. */
  emit: string;
  /** The path of the entity's key in the observation. */
  entity: string;
  /** Which observations it looks at; `null`: all. */
  filter: Filter | null;
  when: When;
  /** By the field's name in the emitted data; `null`: nothing. */
  attach: Record<string, Attached> | null;
}

/** What an automation does with the contacts that come with an event, its segments resolved. */
export interface RevealAction {
  /** Names the automation's action: what it has revealed of a company is remembered under this. */
  action: string;
  /** Where the event goes that lists them. */
  endpoint: string;
  /** Which contacts; its paths start at the contact. `null`: all. */
  persona: Filter | null;
  /** The most contacts of one company, over time; `null`: no limit. */
  limit: number | null;
}

/** The type of the events that automations derive. */
export const CONTACT_REVEALED = "contact_revealed";
