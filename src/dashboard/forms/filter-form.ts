/**
 * The form of a filter: rows and groups, or JSON as the second tab; what its fields say, and what its buttons do to them.
 * Pure.
 * @module
 */
import type { Filter } from "../../lib/filter/filter";
import { isContainer, readJson } from "../../lib/json/exact";
import { textOf } from "../components/form";
import type { FieldErrors } from "../errors";
import { BLANK, fromRows, type Group, isGroup, MAX_LEVELS, type Part, toRows } from "./rows";

/** A filter as it stands in its form. */
export interface FilterValues {
  tab: "rows" | "json";
  /** The text of the second tab. */
  json: string;
  group: Group;
  /** The JSON that the rows were made from, where they would write it in another way; empty: they would not. */
  was: string;
  /** Why the other tab was not opened; `null`: nobody asked for it, or it was. */
  note: string | null;
}

const EMPTY: FilterValues = { tab: "rows", json: "", group: { join: "all", parts: [] }, was: "", note: null };

/** What a form's button asked for besides sending it: `count`, or a change of a filter's rows; `null`: it was sent. */
export function askedIn(form: FormData): string | null {
  const [, asked = null] = [...form].find(([name]) => name.endsWith(".do")) ?? [];
  return asked === null ? null : String(asked);
}

/** A filter as its form begins: in rows where they say it, else as JSON, with the reason. */
export function shownFilter(filter: object | null): FilterValues {
  if (filter === null) return EMPTY;
  const rows = toRows(filter);
  if ("why" in rows) return { ...EMPTY, tab: "json", json: pretty(filter), note: rows.why };
  const text = JSON.stringify(filter);
  return { ...EMPTY, group: rows.group, was: written(rows.group) === text ? "" : text };
}

/** A filter as its form was sent, after what its button does to it. Without a tab it is JSON alone. */
export function filterValuesIn(form: FormData, name: string): FilterValues {
  const tab = form.get(`${name}.tab`) === "rows" ? "rows" : "json";
  const json = textOf(form, name);
  const values = { ...EMPTY, tab, json, group: groupIn(form, name, 1), was: textOf(form, `${name}.was`) } as const;
  const [asked = "", place = ""] = textOf(form, `${name}.do`).split(" ");
  if (asked === "json" || asked === "rows") return asked === tab ? values : turned(values, name);
  const path = place === "" ? [] : place.split(".").map(Number);
  return { ...values, group: changed(values.group, asked, path) };
}

/** What a form says; what cannot be read is named, with the place of its row. */
export function readFilter(
  { tab, json, group, was }: FilterValues,
  name: string,
): { filter: Filter | null; errors: FieldErrors } {
  if (tab === "rows") {
    const { filter, errors } = fromRows(group);
    if (errors.length > 0) {
      return { filter: null, errors: errors.map(({ at, message }) => ({ path: `${name}.#${at}`, message })) };
    }
    return { filter: wasOf(was, filter) ?? filter, errors: [] };
  }
  if (json === "") return { filter: null, errors: [] };
  try {
    const filter: unknown = readJson(json);
    if (isContainer(filter) && !Array.isArray(filter)) return { filter, errors: [] };
    return { filter: null, errors: [{ path: name, message: "must be a JSON object" }] };
  } catch (error) {
    return { filter: null, errors: [{ path: name, message: `is not JSON: ${(error as Error).message}` }] };
  }
}

/** What the rows were made from, as long as they still say the same. */
function wasOf(was: string, filter: Filter | null): Filter | null {
  if (was === "") return null;
  try {
    const before = readJson(was) as Filter;
    const rows = toRows(before);
    return "group" in rows && written(rows.group) === JSON.stringify(filter) ? before : null;
  } catch {
    return null;
  }
}

function written(group: Group): string {
  return JSON.stringify(fromRows(group).filter);
}

function pretty(filter: object | null): string {
  return filter === null ? "" : JSON.stringify(filter, null, 2);
}

/** The other tab, if it can show it. */
function turned(values: FilterValues, name: string): FilterValues {
  const { filter, errors } = readFilter(values, name);
  const [wrong] = errors;
  if (wrong !== undefined) return { ...values, note: `The other form cannot show it yet: it ${wrong.message}.` };
  if (values.tab === "rows") return { ...EMPTY, tab: "json", json: pretty(filter) };
  return shownFilter(filter);
}

function groupIn(form: FormData, at: string, level: number): Group {
  const parts: Part[] = [];
  for (let i = 0; ; i++) {
    const here = `${at}.${i}`;
    if (form.has(`${here}.join`) && level < MAX_LEVELS) parts.push(groupIn(form, here, level + 1));
    else if (form.has(`${here}.field`)) {
      const read = (name: string) => textOf(form, `${here}.${name}`);
      parts.push({ field: read("field"), operator: read("operator"), value: read("value") });
    } else break;
  }
  return { join: form.get(`${at}.join`) === "any" ? "any" : "all", parts };
}

/** A group with a row or a group more at the end of the one at a place, or without what is at that place. */
function changed(group: Group, asked: string, [first, ...rest]: readonly number[], level = 1): Group {
  const { join, parts } = group;
  if (first === undefined) {
    if (asked === "add") return { join, parts: [...parts, BLANK] };
    if (asked !== "group" || level >= MAX_LEVELS) return group;
    return { join, parts: [...parts, { join: join === "all" ? "any" : "all", parts: [BLANK] }] };
  }
  const part = parts[first];
  if (part === undefined) return group;
  if (asked === "remove" && rest.length === 0) return { join, parts: parts.toSpliced(first, 1) };
  if (!isGroup(part)) return group;
  const inner = changed(part, asked, rest, level + 1);
  return { join, parts: inner.parts.length === 0 ? parts.toSpliced(first, 1) : parts.with(first, inner) };
}
