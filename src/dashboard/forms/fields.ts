/**
 * The fields that a filter may ask about, by what is known of events: schemas, samples, and what came of late. Pure.
 * @module
 */
import { pathKey } from "../../lib/filter/path";
import { isContainer, readJson } from "../../lib/json/exact";
import { isScalar, valueText } from "./values";

/** A field that rows propose: its path, and a value that it has had. */
export interface Known {
  path: string;
  example: string;
}

/** As many as a person looks through, of anything: a sample may be of any size. */
const MOST = 300;
const MOST_KEYS = 100;
const MOST_ELEMENTS = 5;
const MOST_LEVELS = 6;
const EXAMPLE = 40;

/** What is known of events: JSON texts, and `null` where there is none. */
export interface Told {
  schema?: string | null;
  data?: string | null;
}

/** The fields of events, which begin at `data`, and of the contacts that events bring, which begin at the contact. */
export function fieldsOf(told: Iterable<Told>): { events: Known[]; contacts: Known[] } {
  const events = new Map([["event", ""]]);
  const contacts = new Map<string, string>();
  for (const { schema, data } of told) {
    const value = read(data);
    const said = read(schema);
    collect(value, "data", events, 0);
    collectSaid(said, "data", events, 0);
    if (isContainer(value)) collect(value.contacts, "", contacts, 0);
    if (isContainer(said) && isContainer(said.properties)) collectSaid(said.properties.contacts, "", contacts, 0);
    if (events.size >= MOST) break;
  }
  const known = (paths: Map<string, string>) => [...paths].map(([path, example]) => ({ path, example }));
  return { events: known(events), contacts: known(contacts) };
}

function read(text: string | null | undefined): unknown {
  try {
    return text ? readJson(text) : undefined;
  } catch {
    return undefined;
  }
}

const below = (path: string, key: string) => (path === "" ? pathKey(key) : `${path}.${pathKey(key)}`);

function note(path: string, example: string, into: Map<string, string>): void {
  if (path === "" || into.size >= MOST) return;
  if (!into.get(path)) into.set(path, example);
}

function collect(value: unknown, path: string, into: Map<string, string>, level: number): void {
  if (level > MOST_LEVELS) return;
  if (Array.isArray(value)) for (const one of value.slice(0, MOST_ELEMENTS)) collect(one, path, into, level + 1);
  else if (isContainer(value)) {
    for (const key of Object.keys(value).slice(0, MOST_KEYS)) collect(value[key], below(path, key), into, level + 1);
  } else if (isScalar(value)) {
    const example = valueText(value);
    note(path, example.length > EXAMPLE ? "" : example, into);
  }
}

/** What a JSON Schema says there may be. */
function collectSaid(schema: unknown, path: string, into: Map<string, string>, level: number): void {
  if (!isContainer(schema) || level > MOST_LEVELS) return;
  const { properties, items, allOf, anyOf, oneOf } = schema;
  for (const some of [allOf, anyOf, oneOf]) {
    if (Array.isArray(some)) for (const one of some.slice(0, MOST_ELEMENTS)) collectSaid(one, path, into, level + 1);
  }
  if (isContainer(items)) collectSaid(items, path, into, level + 1);
  else if (isContainer(properties)) {
    for (const key of Object.keys(properties).slice(0, MOST_KEYS)) {
      collectSaid(properties[key], below(path, key), into, level + 1);
    }
  } else if (path !== "data" && allOf === undefined && anyOf === undefined && oneOf === undefined) {
    const [example] = Array.isArray(schema.enum) ? schema.enum : [schema.const];
    note(path, isScalar(example) ? valueText(example).slice(0, EXAMPLE) : "", into);
  }
}
