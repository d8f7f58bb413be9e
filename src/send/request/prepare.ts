import { hostsSeenHere } from "../../config/endpoints/own-hosts";
import { openHeaders, openSecrets, secretsAt } from "../../config/endpoints/secrets";
import type { Grant } from "../../contracts/delivery";
import { allowsInsecure, type Env, resolverOf, secretsKeys } from "../../contracts/env";
import type { EventText } from "../../contracts/event";
import type { EndpointSettings, Secrets } from "../../contracts/settings";
import type { Format } from "../../contracts/wire";
import { Cache } from "../../lib/cache";
import { eventIdOf } from "../../lib/ids";
import type { DestinationRules } from "../../lib/net/destination";
import { isHeaderName, sendableValue } from "../../lib/net/header-policy";
import { SECOND } from "../../lib/time";
import type { Outgoing } from "../send";
import { type Masking, maskingOf, secretsOfHeader } from "./mask";
import { render } from "./render";
import { sign } from "./sign";

const MASK = "***";

/** A request ready to go, and how its attempt may remember it. */
export interface Prepared {
  request: Outgoing;
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

/** What all attempts under one copy of an endpoint's settings have in common. */
interface Common {
  opening: Promise<Opened>;
  /** Until another secret takes over, in ms. */
  until: number;
  rules: DestinationRules;
  /** As it goes over the wire: in its normal form, and without a fragment. */
  url: string;
}

/** By the copy of the settings that a share has: made once for all of it. */
const commons = new WeakMap<EndpointSettings, Common>();

function commonOf(env: Env, settings: EndpointSettings, now: number): Common {
  const known = commons.get(settings);
  if (known !== undefined && now < known.until) return known;
  const common = {
    opening: open(secretsKeys(env), settings, now),
    until: secretsAt(settings, now)[1]?.from ?? Number.POSITIVE_INFINITY,
    rules: {
      allowInsecure: allowsInsecure(env),
      ownHosts: [...(settings.ownHosts ?? []), ...hostsSeenHere()],
      resolver: resolverOf(env),
    },
    url: requestedUrl(settings.url),
  };
  commons.set(settings, common);
  return common;
}

/** A URL as it is requested; what is none is refused when it is to be sent. */
function requestedUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null) return text;
  url.hash = "";
  return url.href;
}

/**
 * What was opened is remembered per isolate: opening takes longer than signing. With all spellings of it that are masked
 * it takes up to a hundred and twenty bytes for each character of what was sealed.
 */
const BYTES_PER_CHARACTER = 120;
const opened = new Cache<Opened>(32_000_000);

async function open(keys: readonly string[], settings: EndpointSettings, now: number): Promise<Opened> {
  const live = secretsAt(settings, now).map(({ secret }) => secret);
  const sealed = JSON.stringify([keys, settings.owner, live, settings.sealedHeaders]);
  const remembered = opened.get(sealed);
  if (remembered !== undefined) return remembered;
  const [secrets, saved] = await Promise.all([openSecrets(keys, settings, now), openHeaders(keys, settings)]);
  const own = sendable(saved);
  const masked = maskingOf([...secrets, ...Object.values(own).flatMap(secretsOfHeader)]);
  const what = { secrets, own, masked };
  opened.set(sealed, what, BYTES_PER_CHARACTER * sealed.length);
  return what;
}

/**
 * Makes the request of an attempt: renders the body once, and signs the very bytes that are sent. Throws when a secret
 * cannot be opened, and then nothing is sent.
 */
export async function prepare(
  env: Env,
  settings: EndpointSettings,
  grant: Grant,
  event: EventText,
  now: number,
): Promise<Prepared> {
  const { opening, ...common } = commonOf(env, settings, now);
  const { secrets, own, masked } = await opening;
  const { method } = settings;
  const hasBody = method !== "GET";
  const format = hasBody ? (grant.format ?? settings.format) : null;
  const { body, contentType } =
    format === null
      ? { body: new Uint8Array(), contentType: null }
      : render(format, { ...event, tenant: settings.tenant });
  const id = eventIdOf(grant.id);
  const signature = await sign(settings.signature, secrets, { id, timestamp: Math.floor(now / SECOND), body });
  const ours = {
    ...(contentType === null ? {} : { "Content-Type": contentType }),
    "X-Webhook-Event": event.type,
    "X-Webhook-Id": grant.id,
    "X-Webhook-Attempt": String(grant.number),
    ...signature,
  };
  const theirs = without(own, ours);
  // Theirs stand in place of these. Header names know no case: in another spelling both would go out, joined by a comma.
  const usual = {
    Accept: "*/*",
    "User-Agent": sendableValue(`Posthorn/1 (+${env.CONTACT_URL || "webhooks"})`),
  };
  const headers: Record<string, string> = { ...without(usual, { ...theirs, ...ours }), ...theirs, ...ours };
  return {
    request: {
      method,
      url: common.url,
      headers,
      body: hasBody ? body : null,
      timeout: settings.timeout * SECOND,
      rules: common.rules,
      masked,
    },
    shownHeaders: shownOf(headers, theirs, secrets),
    format,
  };
}

/** The headers as a log may show them: without what is the endpoint's own, and without its secret where that is sent. */
function shownOf(
  headers: Record<string, string>,
  theirs: Record<string, string>,
  secrets: Secrets,
): Record<string, string> {
  const entries = Object.entries(headers);
  const isHidden = ([name, value]: [string, string]) => name in theirs || secrets.includes(value);
  if (!entries.some(isHidden)) return headers;
  return Object.fromEntries(entries.map((entry) => [entry[0], isHidden(entry) ? MASK : entry[1]]));
}

/** Headers as they can be sent: what is refused when it is saved ends no send, should a row have it. */
function sendable(headers: Record<string, string>): Record<string, string> {
  const named = Object.entries(headers).filter(([name]) => isHeaderName(name));
  return Object.fromEntries(named.map(([name, value]) => [name, sendableValue(value)]));
}

/** Headers without those of these names, so that none goes out twice. */
function without(own: Record<string, string>, ours: Record<string, string>): Record<string, string> {
  const entries = Object.entries(own);
  if (entries.length === 0) return own;
  const taken = new Set(Object.keys(ours).map((name) => name.toLowerCase()));
  return Object.fromEntries(entries.filter(([name]) => !taken.has(name.toLowerCase())));
}
