import { fieldsOf, type Known } from "../../forms/fields";
import { latestOf } from "../../forms/held";
import { type SiteContext, tenantPath } from "../../site";
import { type TypeText, typesOf } from "./types";

/** How many of the latest events tell what there is. */
const LATEST = 20;

/** The fields that a filter is proposed, by what it is about. */
export interface Fields {
  events: Known[];
  contacts: Known[];
  /** The path of the pages of the events that tell. */
  at: string;
}

/**
 * The fields of the registered types and of the latest events; `first`: types whose fields come first; `known`: the
 * registered ones, where they are read already.
 */
export async function knownFields(
  c: SiteContext,
  first: readonly string[] = [],
  known?: readonly TypeText[],
): Promise<Fields> {
  const [types, events] = await Promise.all([
    known ?? typesOf(c),
    latestOf(c.env, c.req.param("tenant") ?? "", LATEST),
  ]);
  const isFirst = ({ name }: { name: string }) => first.includes(name) || first.includes("*");
  const told = types
    .toSorted((a, b) => Number(isFirst(b)) - Number(isFirst(a)))
    .map(({ schema, sample }) => ({ schema, data: sample }));
  const own = told.slice(0, types.filter(isFirst).length);
  return { ...fieldsOf([...own, ...events, ...told.slice(own.length)]), at: tenantPath(c, "events") };
}
