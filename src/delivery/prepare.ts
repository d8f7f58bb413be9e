import { hostsSeenHere } from "../config/own-hosts";
import { openHeaders, openSecrets, secretsAt } from "../config/secrets";
import type { Admission } from "../lib/delivery";
import { allowsInsecure, type Env, resolverOf, secretsKeys } from "../lib/env";
import type { EventText } from "../lib/event";
import { eventId, parseDeliveryId } from "../lib/ids";
import type { EndpointSettings, Secrets } from "../lib/settings";
import { SECOND } from "../lib/time";
import type { Format } from "../lib/wire";
import { type Masking, maskingOf, secretsOfHeader } from "./mask";
import { render } from "./render";
import type { Request } from "./send";
import { sign } from "./sign";

const MASK = "***";

/** A request ready to go, and how its attempt may remember it. */
export interface Prepared {
  request: Request;
  /** The headers with secrets masked. */
  shownHeaders: Record<string, string>;
  /** `null`: the method has no body. */
  format: Format | null;
}

/** What is sealed of an endpoint, in the clear, and the masking that hides it. */
interface Opened {
  secrets: Secrets;
  own: Record<string, string>;
  masked: Masking;
}

/** By the copy of the settings that a parcel has, so that it is opened once for all of it. */
const opened = new WeakMap<EndpointSettings, { until: number; opening: Promise<Opened> }>();

function openedOf(env: Env, settings: EndpointSettings, now: number): Promise<Opened> {
  const known = opened.get(settings);
  if (known !== undefined && now < known.until) return known.opening;
  const opening = open(secretsKeys(env), settings, now);
  // Until the next secret takes over.
  opened.set(settings, { until: secretsAt(settings, now).nextFrom ?? Number.POSITIVE_INFINITY, opening });
  return opening;
}

async function open(keys: readonly string[], settings: EndpointSettings, now: number): Promise<Opened> {
  const [secrets, own] = await Promise.all([openSecrets(keys, settings, now), openHeaders(keys, settings)]);
  const known = [secrets.current, secrets.next].filter((secret) => secret !== null);
  return { secrets, own, masked: maskingOf([...known, ...Object.values(own).flatMap(secretsOfHeader)]) };
}

/**
 * Makes the request of an attempt: renders the body once, and signs the very bytes that are sent. Throws when a secret
 * cannot be opened, and then nothing is sent.
 */
export async function prepare(
  env: Env,
  settings: EndpointSettings,
  grant: Extract<Admission, { do: "send" }>,
  event: EventText,
  now: number,
): Promise<Prepared> {
  const { secrets, own, masked } = await openedOf(env, settings, now);
  const { method, url, timeout } = settings;
  const hasBody = method !== "GET";
  const format = hasBody ? (grant.format ?? settings.format) : null;
  const { body, contentType } =
    format === null
      ? { body: new Uint8Array(), contentType: null }
      : render(format, { ...event, tenant: settings.tenant });
  const id = eventId(parseDeliveryId(grant.id)?.ulid ?? "");
  const signature = await sign(settings.signature, secrets, { id, timestamp: Math.floor(now / SECOND), body });
  const ours = {
    ...(contentType === null ? {} : { "Content-Type": contentType }),
    "X-Webhook-Event": event.event,
    "X-Webhook-Id": grant.id,
    "X-Webhook-Attempt": String(grant.number),
    ...signature,
  };
  // Header names know no case: given in another spelling, both would go out, joined by a comma.
  const named = [own, signature].flatMap(Object.keys).some((name) => name.toLowerCase() === "user-agent");
  const agent = named ? {} : { "User-Agent": `Posthorn/1 (+${env.CONTACT_URL || "webhooks"})` };
  // Refused when it is saved, and not sent either should a row have it: it would stand beside ours, or in its place.
  const taken = new Set(Object.keys(ours).map((name) => name.toLowerCase()));
  const theirs = Object.fromEntries(Object.entries(own).filter(([name]) => !taken.has(name.toLowerCase())));
  const headers: Record<string, string> = { ...agent, ...theirs, ...ours };
  const known = [secrets.current, secrets.next].filter((secret) => secret !== null);
  const shownHeaders = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, name in theirs || known.includes(value) ? MASK : value]),
  );
  return {
    request: {
      method,
      url,
      headers,
      body: hasBody ? body : null,
      timeout,
      rules: {
        allowInsecure: allowsInsecure(env),
        ownHosts: [...(settings.ownHosts ?? []), ...hostsSeenHere()],
        resolver: resolverOf(env),
      },
      masked,
    },
    shownHeaders,
    format,
  };
}
