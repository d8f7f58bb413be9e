import { hex, sha256 } from "../lib/crypto";
import { type Env, entityRoom } from "../lib/env";
import type { StoredEvent } from "../lib/event";
import { isContainer, matches } from "../lib/filter";
import { eventId } from "../lib/ids";
import { elementTexts, memberTexts } from "../lib/json";
import { log, logError } from "../lib/log";
import type { Reveal } from "../lib/rooms";
import type { RevealAction } from "../lib/signal";

/** A contact that came with an event. */
export interface Contact {
  /** What tells it from the company's other contacts. */
  identity: string;
  /** Its JSON text, as posted. */
  text: string;
}

/**
 * Has the company's Entity object reveal the contacts that came with an event. It remembers what it has revealed, so
 * that a repeat changes nothing. Answers whether that is done; `false`: the log tries again.
 */
export async function revealContacts(
  env: Env,
  tenant: string,
  event: StoredEvent,
  { since, actions }: Reveal,
): Promise<boolean> {
  try {
    const company = event.erasedAt === undefined ? companyOf(event.data) : null;
    if (company === null) {
      log("contacts.unknown", { tenant, event: eventId(event.ulid) });
      return true;
    }
    const room = await entityRoom(env, tenant, since, company);
    for (const { action, endpoint, persona, limit } of actions) {
      const found = contactsOf(event.data, persona);
      const contacts = await Promise.all(
        found.map(async ({ identity, text }) => ({ identity: hex(await sha256(identity)), text })),
      );
      if (contacts.length > 0) await room.reveal({ trigger: event.ulid, action, endpoint, limit, contacts });
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
  event: StoredEvent,
  { since }: Pick<Reveal, "since">,
): Promise<void> {
  const company = event.erasedAt === undefined ? companyOf(event.data) : null;
  if (company !== null) await (await entityRoom(env, tenant, since, company)).eraseRevealed(event.ulid);
}

/** The domain of the company that an event is about; `null`: it names none. */
export function companyOf(data: string): string | null {
  const { company }: { company?: unknown } = JSON.parse(data) ?? {};
  const domain = isContainer(company) ? company.domain : null;
  return typeof domain === "string" && domain !== "" ? domain : null;
}

/** The contacts among an event's data (`contacts`, a list) that a persona takes, in their order. Pure. */
export function contactsOf(data: string, persona: RevealAction["persona"]): Contact[] {
  const list = memberTexts(data).get("contacts");
  if (list === undefined || !list.startsWith("[")) return [];
  return elementTexts(list).flatMap((text): Contact[] => {
    const contact: unknown = JSON.parse(text);
    if (!isContainer(contact) || Array.isArray(contact)) return [];
    if (persona !== null && !matches(persona, contact)) return [];
    return [{ identity: identityOf(contact, text), text }];
  });
}

/** The fields that tell one contact from another, the first that is there: vendors name the same thing differently. */
const IDENTITIES = ["email", "linkedin_url", "linkedinUrl", "linkedin", "id"];

/** A contact without any of these is its whole text. */
function identityOf(contact: Record<string, unknown>, text: string): string {
  for (const field of IDENTITIES) {
    const value = Object.hasOwn(contact, field) ? contact[field] : null;
    if (typeof value === "number") return `${field}:${value}`;
    // Addresses and pages are the same in upper and lower case.
    if (typeof value === "string" && value.trim() !== "") return `${field}:${value.trim().toLowerCase()}`;
  }
  return text;
}
