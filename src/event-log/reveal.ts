import type { RevealRequest } from "../contracts/entity";
import type { Env } from "../contracts/env";
import type { Event } from "../contracts/event";
import type { Reveal } from "../contracts/event-log";
import { entityStub } from "../contracts/find";
import { hex, sha256 } from "../lib/crypto";

import { matches } from "../lib/filter/filter";
import { Visits } from "../lib/filter/visits";
import { eventId } from "../lib/ids";
import { isContainer, isNumeric, numberText, readJson } from "../lib/json/exact";
import { elementTexts, memberTexts } from "../lib/json/json";
import { log, logError } from "../lib/log";

/** A contact that came with an event. */
export interface Contact {
  /** What tells it from the company's other contacts. */
  identity: string;
  /** Its JSON text, as posted. */
  text: string;
  /** What that text says. */
  value: Record<string, unknown>;
}

/**
 * Has the company's Entity object reveal the contacts that came with an event. It remembers what it has revealed, so
 * that a repeat changes nothing. Answers whether that is done; `false`: the log tries again.
 */
export async function revealContacts(
  env: Env,
  tenant: string,
  event: Event,
  { since, actions }: Reveal,
): Promise<boolean> {
  try {
    const data = event.erasedAt === undefined ? readJson(event.data) : null;
    const company = companyOf(data);
    if (company === null) {
      log("contacts.unknown", { tenant, event: eventId(event.ulid) });
      return true;
    }
    const room = await entityStub(env, tenant, since, company);
    const contacts = contactsOf(event.data, data);
    const hashes = new Map<Contact, string>();
    const visits = new Visits();
    for (const { action, endpoint, persona, limit } of actions) {
      const chosen: RevealRequest["contacts"] = [];
      for (const contact of contacts) {
        if (persona !== null && !matches(persona, contact.value, visits)) continue;
        const identity = hashes.get(contact) ?? hex(await sha256(contact.identity));
        hashes.set(contact, identity);
        chosen.push({ identity, text: contact.text });
      }
      if (chosen.length > 0) await room.reveal({ trigger: event.ulid, action, endpoint, limit, contacts: chosen });
    }
    return true;
  } catch (error) {
    logError("contacts.reveal.failed", error, { tenant, event: eventId(event.ulid) });
    return false;
  }
}

/**
 * An event's content is about to be erased: has the company's Entity object forget what it has not emitted of it, and
 * erase what nobody knows that it has. Throws when an object is out of reach.
 */
export async function eraseRevealed(
  env: Env,
  tenant: string,
  event: Event,
  { since }: Pick<Reveal, "since">,
): Promise<void> {
  const company = event.erasedAt === undefined ? companyOf(readJson(event.data)) : null;
  if (company !== null) await (await entityStub(env, tenant, since, company)).eraseRevealed(event.ulid);
}

/** The domain of the company that an event's data is about; `null`: it names none. */
export function companyOf(data: unknown): string | null {
  const company = isContainer(data) ? data.company : null;
  const domain = isContainer(company) ? company.domain : null;
  // As signals know it: a number is the same company as its text.
  if (isNumeric(domain)) return numberText(domain);
  return typeof domain === "string" && domain !== "" ? domain : null;
}

/** The contacts (`contacts`, a list) among an event's data, given as its text and as what that says, in their order. Pure. */
export function contactsOf(text: string, data: unknown): Contact[] {
  const list = isContainer(data) ? data.contacts : null;
  if (!Array.isArray(list)) return [];
  const texts = elementTexts(memberTexts(text).get("contacts") as string);
  return list.flatMap((value: unknown, i): Contact[] => {
    const own = texts[i] as string;
    if (!isContainer(value) || Array.isArray(value)) return [];
    return [{ identity: identityOf(value, own), text: own, value }];
  });
}

/** The fields that tell one contact from another, the first that is there: vendors name the same thing differently. */
const IDENTITIES = ["email", "linkedin_url", "linkedinUrl", "linkedin", "id"];

/** A contact without any of these is its whole text. */
function identityOf(contact: Record<string, unknown>, text: string): string {
  for (const field of IDENTITIES) {
    const value = Object.hasOwn(contact, field) ? contact[field] : null;
    if (isNumeric(value)) return `${field}:${numberText(value)}`;
    // Addresses and pages are the same in upper and lower case.
    if (typeof value === "string" && value.trim() !== "") return `${field}:${value.trim().toLowerCase()}`;
  }
  return text;
}
