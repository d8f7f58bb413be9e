import { hostsSeenHere } from "../config/own-hosts";
import { openHeaders, openSecrets } from "../config/secrets";
import type { Admission } from "../lib/delivery";
import { allowsInsecure, type Env, resolverOf, secretsKeys } from "../lib/env";
import type { EventText } from "../lib/event";
import { eventId, parseDeliveryId } from "../lib/ids";
import type { EndpointSettings } from "../lib/settings";
import { SECOND } from "../lib/time";
import type { Format } from "../lib/wire";
import { secretsOfHeader } from "./mask";
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
  const keys = secretsKeys(env);
  const [secrets, own] = await Promise.all([openSecrets(keys, settings, now), openHeaders(keys, settings)]);
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
      secrets: [...known, ...Object.values(own).flatMap(secretsOfHeader)],
    },
    shownHeaders,
    format,
  };
}
