/**
 * An endpoint's form: what its fields say as the API takes it, and an endpoint as its fields say it. Pure.
 * @module
 */
import { textOf } from "../components/form";
import type { Endpoint } from "../components/state";

/** The fields as they stand in the form. */
export interface EndpointValues {
  url: string;
  name: string;
  description: string;
  uid: string;
  profile: string;
  events: string[];
  moreEvents: string;
  filter: string;
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
  const empty = { url: "", name: "", description: "", uid: "", events: [], moreEvents: "", filter: "", format: "" };
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
  return { ...empty, ...rest, profile, rateLimit: "", secret: "", enabled: true };
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
    filter: endpoint.filter === null ? "" : JSON.stringify(endpoint.filter, null, 2),
    format: endpoint.format,
    scheme: signature.scheme,
    header: signature.header ?? "",
    method: endpoint.method,
    headers: linesOf(endpoint.headers),
    metadata: linesOf(endpoint.metadata),
    retry: endpoint.retry.join(", "),
    timeout: String(endpoint.timeout),
    disableAfter: String(endpoint.disableAfter),
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
    filter: text("filter"),
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

/** What the fields say, as the API's body has it: `null` where a field is empty. What cannot be read is named. */
export function bodyOf(values: EndpointValues): { body: Record<string, unknown>; unread: Unread[] } {
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
  const body = {
    url: values.url,
    name: orNull(values.name),
    description: orNull(values.description),
    uid: orNull(values.uid),
    profile: orNull(values.profile),
    events: eventsOf(values),
    filter: read("filter", values.filter, objectOf),
    format: orNull(values.format),
    signature: values.scheme === "" ? null : { scheme: values.scheme, header: orNull(values.header) },
    method: orNull(values.method),
    headers: read("headers", values.headers, recordOf),
    metadata: read("metadata", values.metadata, recordOf),
    retry: read("retry", values.retry, (text) =>
      text
        .split(/[\s,]+/)
        .filter(Boolean)
        .map(numberOf),
    ),
    timeout: read("timeout", values.timeout, numberOf),
    disableAfter: read("disableAfter", values.disableAfter, numberOf),
    rateLimit: read("rateLimit", values.rateLimit, numberOf),
  };
  return { body, unread };
}

/** What of a body differs from the endpoint as it is: so that what its profile says stays its profile's. */
export function changeOf(body: Record<string, unknown>, endpoint: Endpoint): Record<string, unknown> {
  const now = endpoint as unknown as Record<string, unknown>;
  const signature = body.signature as Endpoint["signature"] | null;
  const { scheme, header } = endpoint.signature;
  // The old scheme's header is not meant for the new one.
  const moved = signature !== null && signature.scheme !== scheme && signature.header === header;
  const said = moved ? { ...body, signature: { ...signature, header: null } } : body;
  return Object.fromEntries(
    Object.entries(said).filter(([name, value]) => !same(value ?? null, now[name] ?? null, name)),
  );
}

function same(said: unknown, is: unknown, name: string): boolean {
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

function objectOf(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("must be a JSON object");
  return value;
}

function numberOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${text} is not a whole number of seconds`);
  return Number(text);
}

/** Lines `Name: value`. */
function recordOf(text: string): Record<string, string> {
  const entries = text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== "")
    .map((line): [string, string] => {
      const [, name, value] = /^\s*([^:]+?)\s*:\s*(.*?)\s*$/.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error(`write each as "Name: value", not "${line}"`);
      return [name, value];
    });
  return Object.fromEntries(entries);
}

function linesOf(record: Record<string, string>): string {
  return Object.entries(record)
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
}
