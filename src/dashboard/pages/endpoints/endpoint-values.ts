/**
 * An endpoint's form: what its fields say as the API takes it, and an endpoint as its fields say it. Pure.
 * @module
 */

import { PROFILES, type Profile, profileOf } from "../../../config/endpoints/profiles";
import { schemeOf } from "../../../config/endpoints/schemes";
import { textOf } from "../../components/form";
import type { Endpoint } from "../../components/pills";
import { delaysOf as durationsOf, durationText, secondsOf } from "../../forms/durations";
import { type FilterValues, filterValuesIn, readFilter, shownFilter } from "../../forms/filter-form";
import { linesOf, recordOf } from "../deliveries/record-lines";

/** What the field of the retry delays says when there are none: empty, it leaves them to the profile. */
export const NO_RETRIES = "none";

/** The fields as they stand in the form. */
export interface EndpointValues {
  url: string;
  name: string;
  description: string;
  uid: string;
  profile: string;
  events: string[];
  moreEvents: string;
  filter: FilterValues;
  format: string;
  scheme: string;
  header: string;
  method: string;
  headers: string;
  metadata: string;
  retry: string;
  timeout: string;
  disableAfter: string;
  rateLimit: string;
  secret: string;
  /** Of a new one: whether it begins enabled. */
  enabled: boolean;
}

/** A message about a field that could not even be read. */
export interface Unread {
  path: string;
  message: string;
}

/** An endpoint's fields before anybody has typed. */
export function newValues(profile: string): EndpointValues {
  const empty = { url: "", name: "", description: "", uid: "", events: [], moreEvents: "", format: "" };
  const rest = {
    scheme: "",
    header: "",
    method: "",
    headers: "",
    metadata: "",
    retry: "",
    timeout: "",
    disableAfter: "",
  };
  return { ...empty, ...rest, filter: shownFilter(null), profile, rateLimit: "", secret: "", enabled: true };
}

/** The fields of an endpoint that is there; `known`: the event types that have a box of their own. */
export function valuesOf(endpoint: Endpoint, known: readonly string[]): EndpointValues {
  const { signature } = endpoint;
  return {
    url: endpoint.url,
    name: endpoint.name ?? "",
    description: endpoint.description ?? "",
    uid: endpoint.uid ?? "",
    profile: endpoint.profile,
    events: endpoint.events,
    moreEvents: endpoint.events.filter((event) => event !== "*" && !known.includes(event)).join(", "),
    filter: shownFilter(endpoint.filter),
    format: endpoint.format,
    scheme: signature.scheme,
    header: signature.header ?? "",
    method: endpoint.method,
    headers: linesOf(endpoint.headers),
    metadata: linesOf(endpoint.metadata),
    retry: endpoint.retry.length === 0 ? NO_RETRIES : endpoint.retry.map(durationText).join(", "),
    timeout: durationText(endpoint.timeout),
    disableAfter: durationText(endpoint.disableAfter),
    rateLimit: endpoint.rateLimit === null ? "" : String(endpoint.rateLimit),
    secret: "",
    enabled: endpoint.enabled,
  };
}

/** The fields as a form was sent. */
export function valuesIn(form: FormData): EndpointValues {
  const text = (name: string) => textOf(form, name);
  return {
    url: text("url"),
    name: text("name"),
    description: text("description"),
    uid: text("uid"),
    profile: text("profile"),
    events: form.getAll("events").map(String),
    moreEvents: text("moreEvents"),
    filter: filterValuesIn(form, "filter"),
    format: text("format"),
    scheme: text("scheme"),
    header: text("header"),
    method: text("method"),
    headers: text("headers"),
    metadata: text("metadata"),
    retry: text("retry"),
    timeout: text("timeout"),
    disableAfter: text("disableAfter"),
    rateLimit: text("rateLimit"),
    secret: text("secret"),
    enabled: form.get("enabled") !== null,
  };
}

/** What the fields say, as the API's body has it: `null` where a field is empty. */
export type EndpointBody = ReturnType<typeof bodyOf>["body"];

/** Reads the fields. What cannot be read is named. */
export function bodyOf(values: EndpointValues) {
  const unread: Unread[] = [];
  const read = <T>(path: string, text: string, how: (text: string) => T): T | null => {
    if (text === "") return null;
    try {
      return how(text);
    } catch (error) {
      unread.push({ path, message: (error as Error).message });
      return null;
    }
  };
  const { filter, errors } = readFilter(values.filter, "filter");
  unread.push(...errors);
  const body = {
    url: values.url,
    name: orNull(values.name),
    description: orNull(values.description),
    uid: orNull(values.uid),
    profile: orNull(values.profile),
    events: eventsOf(values),
    filter,
    format: orNull(values.format),
    signature: signatureOf(values),
    method: orNull(values.method),
    headers: read("headers", values.headers, recordOf),
    metadata: read("metadata", values.metadata, recordOf),
    retry: read("retry", values.retry, delaysOf),
    timeout: read("timeout", values.timeout, secondsOf),
    disableAfter: read("disableAfter", values.disableAfter, secondsOf),
    rateLimit: read("rateLimit", values.rateLimit, numberOf),
  };
  return { body, unread };
}

/** What of a body differs from the endpoint as it is: so that what its profile says stays its profile's. */
export function changeOf(body: Record<string, unknown>, endpoint: Endpoint): Record<string, unknown> {
  const now = endpoint as unknown as Record<string, unknown>;
  const said = { ...body, signature: movedSignature(body as EndpointBody, endpoint) };
  const change = Object.fromEntries(
    Object.entries(said).filter(([name, value]) => !same(value ?? null, now[name] ?? null, name)),
  );
  return "profile" in change ? { ...leftToProfile(endpoint), ...change } : change;
}

/** A change as PATCH takes it: it merges records, so that what is taken out of them is named. */
export function asPatch(change: Record<string, unknown>, endpoint: Endpoint): Record<string, unknown> {
  return {
    ...change,
    ...("headers" in change ? { headers: patchOf(change.headers, endpoint.headers) } : {}),
    ...("metadata" in change ? { metadata: patchOf(change.metadata, endpoint.metadata) } : {}),
  };
}

function patchOf(said: unknown, is: Record<string, string>): Record<string, unknown> | null {
  if (typeof said !== "object" || said === null) return null;
  const gone = Object.keys(is).filter((name) => !Object.hasOwn(said, name));
  // What stays as it was is not named: somebody else may have taken it away meanwhile.
  const moved = Object.entries(said).filter(([name, value]) => is[name] !== value);
  return Object.fromEntries([...gone.map((name) => [name, null]), ...moved]);
}

/** The endpoint with a change made, `null` where it would leave something to its profile. */
export function changed(
  endpoint: Endpoint,
  change: Record<string, unknown>,
): Pick<EndpointBody, keyof Endpoint & keyof EndpointBody> {
  return { ...endpoint, ...change };
}

/** The signature that a body says of an endpoint: the old scheme's header is not meant for a new one. */
function movedSignature({ signature, profile }: EndpointBody, endpoint: Endpoint): EndpointBody["signature"] {
  const { scheme, header } = endpoint.signature;
  if (signature === null || signature.scheme === scheme || signature.header !== header) return signature;
  // The profile's own scheme may come with a header of the profile's.
  return signature.scheme === knownProfile(profile)?.signature.scheme ? null : { ...signature, header: null };
}

/** What of an endpoint is as its profile has it, as `null`: another profile brings its own. */
function leftToProfile(endpoint: Endpoint): Record<string, null> {
  const { format, signature, method, retry, timeout } = profileOf(endpoint.profile);
  const header = signature.header ?? schemeOf(signature.scheme)?.header ?? null;
  const preset = { format, signature: { scheme: signature.scheme, header }, method, retry, timeout };
  const names = (Object.keys(preset) as (keyof typeof preset)[]).filter((name) => same(endpoint[name], preset[name]));
  return Object.fromEntries(names.map((name) => [name, null]));
}

function knownProfile(name: string | null): Profile | undefined {
  return (PROFILES as Readonly<Record<string, Profile>>)[name ?? ""];
}

function same(said: unknown, is: unknown, name = ""): boolean {
  // Records that are empty stand for none.
  const empty = name === "headers" || name === "metadata";
  const plain = (value: unknown) =>
    empty && value !== null && Object.keys(value as object).length === 0 ? null : value;
  return JSON.stringify(plain(said)) === JSON.stringify(plain(is));
}

/** The event types that the boxes and the line below them name. */
export function eventsOf({ events, moreEvents }: Pick<EndpointValues, "events" | "moreEvents">): string[] {
  if (events.includes("*")) return ["*"];
  const more = moreEvents.split(/[\s,]+/).filter((name) => name !== "");
  return [...new Set([...events, ...more])];
}

function orNull(text: string): string | null {
  return text === "" ? null : text;
}

/** A header alone is one for the profile's scheme. */
function signatureOf({ scheme, header, profile }: EndpointValues): { scheme: string; header: string | null } | null {
  if (scheme === "" && header === "") return null;
  // A profile that there is not is for the API to refuse.
  return { scheme: scheme || (knownProfile(profile)?.signature.scheme ?? ""), header: orNull(header) };
}

function delaysOf(text: string): number[] {
  return text.toLowerCase() === NO_RETRIES ? [] : durationsOf(text);
}

function numberOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${text} is not a whole number`);
  return Number(text);
}
