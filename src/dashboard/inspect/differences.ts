/**
 * What is different between two attempts of a delivery, and between a body and a sample. Pure.
 * @module
 */
import type { Attempt } from "../components/pills";

/** What is different; `null`: it is not there. */
export interface Difference {
  what: string;
  before: string | null;
  now: string | null;
}

/** What is another one each time, and tells nothing: the attempt's number, clocks, and ids of requests. */
const PASSING =
  /^(?:x-webhook-attempt|.*-timestamp|date|age|expires|last-modified|etag|set-cookie|cf-ray|content-length|.*(?:request|trace|correlation)-?id|traceparent|x-amz.*id.*|x-runtime|server-timing|report-to|nel)$/i;
/** Header values, and bodies, are shown up to here. */
const SHOWN = 200;

/** What is different in an attempt from the one before: how it ended, what was asked, what was answered. */
export function differencesOf(before: Attempt, now: Attempt): Difference[] {
  const pairs: Difference[] = [
    { what: "Status", before: outcome(before), now: outcome(now) },
    ...(muchOther(before.durationMs, now.durationMs)
      ? [{ what: "Duration", before: `${before.durationMs} ms`, now: `${now.durationMs} ms` }]
      : []),
    { what: "URL", before: before.request.url, now: now.request.url },
    { what: "Method", before: before.request.method, now: now.request.method },
    ...headers("Request", before.request.headers, now.request.headers, isStamped(before) || isStamped(now)),
    ...(before.request.body === null || now.request.body === null
      ? []
      : [{ what: "Request body", before: before.request.body, now: now.request.body }]),
    ...(before.response === null || now.response === null
      ? []
      : [
          ...headers("Answer", before.response.headers, now.response.headers, false),
          { what: "Answer's body", before: before.response.body, now: now.response.body },
        ]),
  ];
  return pairs
    .filter((pair) => pair.before !== pair.now)
    .map(({ what, ...texts }) => ({ what, before: short(texts.before), now: short(texts.now) }));
}

function outcome({ statusCode, error }: Attempt): string {
  return statusCode === null ? (error ?? "") : String(statusCode);
}

/** Whether two durations (ms) differ by more than the way through a network does. */
function muchOther(a: number, b: number): boolean {
  return Math.max(a, b) > 100 && Math.max(a, b) > 2 * Math.min(a, b);
}

/** Whether an attempt's time is signed along, so that each has another signature. */
function isStamped({ request }: Attempt): boolean {
  return Object.entries(request.headers).some(
    ([name, value]) => /-timestamp$/i.test(name) || (/signature$/i.test(name) && /^t=\d+,/.test(value)),
  );
}

function headers(
  whose: string,
  before: Record<string, string>,
  now: Record<string, string>,
  stamped: boolean,
): Difference[] {
  const [a, b] = [lowered(before), lowered(now)];
  const names = [...new Set([...a.keys(), ...b.keys()])].filter(
    (name) => !PASSING.test(name) && !(stamped && name.endsWith("signature")),
  );
  return names.map((name) => ({ what: `${whose}: ${name}`, before: a.get(name) ?? null, now: b.get(name) ?? null }));
}

function lowered(of: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(of).map(([name, value]) => [name.toLowerCase(), value]));
}

function short(text: string | null): string | null {
  return text !== null && text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

/** The keys of a body that a sample lacks, and those of the sample that the body lacks, as dotted paths. */
export interface KeyDifferences {
  missing: string[];
  extra: string[];
}

/** More keys are not listed, and deeper ones not looked at. */
const KEYS_MOST = 50;
const KEYS_DEPTH = 60;

/** How the data of an event differs in its keys from its type's sample, both as JSON text; of lists all elements together count. */
export function keyDifferences(data: string, sample: string): KeyDifferences {
  const [own, theirs] = [keysOf(data), keysOf(sample)];
  // What is below a key that is missing is missing with it.
  const lacking = (all: Set<string>, others: Set<string>) =>
    [...all].filter((key) => !others.has(key) && !hasLacking(key, all, others)).slice(0, KEYS_MOST);
  return { missing: lacking(theirs, own), extra: lacking(own, theirs) };
}

function hasLacking(key: string, all: Set<string>, others: Set<string>): boolean {
  const parent = key.slice(0, Math.max(0, key.lastIndexOf(".")));
  return parent !== "" && all.has(parent) && !others.has(parent);
}

function keysOf(text: string): Set<string> {
  const keys = new Set<string>();
  const walk = (value: unknown, path: string, depth = 0): void => {
    if (typeof value !== "object" || value === null || depth > KEYS_DEPTH) return;
    if (Array.isArray(value)) {
      for (const element of value) walk(element, path, depth + 1);
      return;
    }
    for (const [name, inner] of Object.entries(value)) {
      const at = path === "" ? name : `${path}.${name}`;
      keys.add(at);
      walk(inner, at, depth + 1);
    }
  };
  walk(JSON.parse(text), "");
  return keys;
}
