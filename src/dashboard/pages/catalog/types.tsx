import { elementTexts, memberTexts } from "../../../lib/json/json";
import type { EventType } from "../../components/pills";
import { type SiteContext, withQuery } from "../../site";

/** A registered event type; its sample and schema as their texts. */
export type TypeText = Omit<EventType, "sample" | "schema"> & { sample: string | null; schema: string | null };

/** A type as it is answered. */
export function typeIn(text: string): TypeText {
  const members = memberTexts(text);
  const read = (name: string) => {
    const value = members.get(name);
    return value === undefined || value === "null" ? null : value;
  };
  return { ...(JSON.parse(text) as EventType), sample: read("sample"), schema: read("schema") };
}

/** A page of the registered types. */
export async function listTypes(c: SiteContext, query: Record<string, string | number | undefined>) {
  const text = await c.get("site").text(withQuery("/v1/event-types", query));
  const members = memberTexts(text);
  return {
    data: elementTexts(members.get("data") ?? "[]").map(typeIn),
    nextCursor: JSON.parse(members.get("nextCursor") ?? "null") as string | null,
  };
}

/** As many types as a form looks through, and the most characters of what is said of them. */
const MOST_TYPES = 1_000;
const MOST_TEXT = 8_000_000;
/** As many as the API answers at once. */
const AT_ONCE = 250;

interface Types {
  types: TypeText[];
  /** There are others, which can be typed. */
  more: boolean;
}

/** What a request has read already: its form and what stands beside it ask for the same. */
const asked = new WeakMap<object, Promise<Types>>();

/** The registered event types that a form proposes. */
export function allTypes(c: SiteContext): Promise<Types> {
  const types = asked.get(c) ?? readTypes(c);
  asked.set(c, types);
  return types;
}

async function readTypes(c: SiteContext): Promise<Types> {
  const types: TypeText[] = [];
  let length = 0;
  for (let cursor: string | undefined; types.length < MOST_TYPES && length < MOST_TEXT; ) {
    const { data, nextCursor } = await listTypes(c, { limit: AT_ONCE, cursor });
    types.push(...data);
    if (nextCursor === null) return { types, more: false };
    for (const { sample, schema } of data) length += (sample?.length ?? 0) + (schema?.length ?? 0);
    cursor = nextCursor;
  }
  return { types, more: true };
}

/** The same without that. */
export async function typesOf(c: SiteContext): Promise<TypeText[]> {
  return (await allTypes(c)).types;
}

/** Says that a form does not propose all types. */
export const MoreTypes = ({ types, more }: { types: readonly unknown[]; more: boolean }) =>
  more ? <p class="hint">There are more than these {types.length} types: type the names of others.</p> : null;
