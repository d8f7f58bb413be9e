/**
 * What a filter can and cannot match, as far as it tells by itself. Pure.
 * @module
 */
import { compareNumbers, isContainer, isNumeric, type Numeric } from "../json/exact";
import { type Filter, hasOperators, isOfValue, matches, TIME } from "./filter";

import type { FilterError } from "./filter-errors";
import { instantOf } from "./instant";
import { pathKey, splitPath } from "./path";

/** How it is said that nothing can match. */
export const NEVER = "can never match";

/** What is known of a filter, or of a part of it. */
interface Sense {
  /** Nothing can match it. */
  never: boolean;
  /** Everything matches it. */
  always: boolean;
  /** What its owner should know; where it can never match, why. */
  notes: FilterError[];
}

/** An operator on a field, and where it stands. */
interface Asked {
  operator: string;
  operand: unknown;
  at: string[];
}

/**
 * What its owner should know of a filter that is well formed. `scalars`: the fields that are always there, and are texts;
 * other values may be lists, of which each element counts.
 */
export function senseOf(filter: Filter, scalars: readonly string[]): Sense {
  return senseAt(filter, [], scalars);
}

function senseAt(filter: Filter, at: string[], scalars: readonly string[]): Sense {
  const fields = new Map<string, Asked[]>();
  const parts: Sense[] = [];
  gather(filter, at, scalars, fields, parts);
  for (const [path, asked] of fields) parts.push(fieldSense(path, asked, scalars));
  return {
    never: parts.some(({ never }) => never),
    always: parts.every(({ always }) => always),
    notes: parts.flatMap(({ notes }) => notes),
  };
}

/** Sorts what must hold together: conditions by their field, and groups, each with what is known of it. */
function gather(
  filter: Filter,
  at: string[],
  scalars: readonly string[],
  fields: Map<string, Asked[]>,
  parts: Sense[],
): void {
  for (const [key, operand] of Object.entries(filter)) {
    const here = [...at, key];
    if (key === "$and") {
      for (const [i, part] of (operand as Filter[]).entries()) gather(part, [...here, `${i}`], scalars, fields, parts);
    } else if (key === "$or") {
      const some = (operand as Filter[]).map((part, i) => senseAt(part, [...here, `${i}`], scalars));
      parts.push({
        never: some.every(({ never }) => never),
        always: some.some(({ always }) => always),
        notes: some.flatMap(({ notes }) => notes),
      });
    } else if (key === "$not") {
      parts.push(opposite(senseAt(operand as Filter, here, scalars), here));
    } else {
      const operators = hasOperators(operand) ? Object.entries(operand) : [["", operand] as const];
      const asked = operators.map(([operator, one]) => ({
        operator: operator === "" ? "$eq" : operator,
        operand: one,
        at: operator === "" ? here : [...here, operator],
      }));
      fields.set(key, [...(fields.get(key) ?? []), ...asked]);
      parts.push({ never: false, always: true, notes: objectNotes(key, operand, here) });
    }
  }
}

function opposite({ never, always, notes }: Sense, at: string[]): Sense {
  if (never) return { never: false, always: true, notes: [note(at, "excludes nothing, since that can never match")] };
  if (always) return { never: true, always: false, notes: [note(at, `${NEVER}: it excludes everything`)] };
  return { never: false, always: false, notes };
}

function note(at: readonly string[], message: string): FilterError {
  return { path: at.join("."), message };
}

/** An object to be equal to, where a part of it is mostly what was meant. */
function objectNotes(path: string, condition: unknown, at: string[]): FilterError[] {
  if (!isContainer(condition) || Array.isArray(condition) || hasOperators(condition)) return [];
  const [key] = Object.keys(condition);
  return key === undefined ? [] : [note(at, `is exact equality; for a part write ${path}.${pathKey(key)}`)];
}

/** The operators that a missing value passes, as far as their operand does not matter. */
const PASS_NOTHING = new Set(["$ne", "$nin", "$not"]);
const BOUNDS = new Set(["$gt", "$gte", "$lt", "$lte"]);
const OF_TEXTS = new Set(["$startsWith", "$endsWith"]);

/** What is known of all that is asked of a field together. */
function fieldSense(path: string, asked: readonly Asked[], scalars: readonly string[]): Sense {
  const inner = asked.filter(({ operator }) => operator === "$elemMatch").map((one) => elementSense(one));
  const notes = inner.flatMap((one) => one.notes);
  const [root = "", ...below] = splitPath(path);
  const isScalar = scalars.includes(root);
  const never = (why: string): Sense => {
    const [last] = asked.slice(-1) as [Asked];
    return { never: true, always: false, notes: [...notes, note(last.at, `${NEVER}: ${why}`)] };
  };
  if (inner.some((one) => one.never)) return { never: true, always: false, notes };
  const wants = asked.filter(
    ({ operator, operand }) => !PASS_NOTHING.has(operator) && !(operator === "$exists" && operand === false),
  );
  const isMissing = asked.some(({ operator, operand }) => operator === "$exists" && operand === false);
  if (isMissing && wants.length > 0) return never("what is missing has no value");
  if (isMissing && isScalar && below.length === 0) return never(`${root} is always there`);
  if (isScalar && below.length > 0 && wants.length > 0) return never(`${root} is a text, and has no fields`);
  if (asked.some(({ operator, operand }) => operator === "$in" && (operand as unknown[]).length === 0)) {
    return never("no value is one of none");
  }
  if (excludesAll(asked)) return never("what it asks for is excluded");
  if (!fitsOne(path, asked, isScalar)) {
    if (isScalar) return never(`no ${root} is all of this`);
    const message = "no single value is all of this, only a list may: for one element of it use $elemMatch";
    return { never: false, always: false, notes: [...notes, note((asked.at(-1) as Asked).at, message)] };
  }
  return { never: false, always: false, notes };
}

function elementSense({ operand, at }: Asked): Sense {
  const condition = operand as Record<string, unknown>;
  if (!isOfValue(condition)) return senseAt(condition, at, []);
  const asked = Object.entries(condition).map(([operator, one]) => ({ operator, operand: one, at: [...at, operator] }));
  return fieldSense("", asked, []);
}

/** Whether all values that it may be equal to are excluded. */
function excludesAll(asked: readonly Asked[]): boolean {
  const excluded = asked.filter(({ operator }) => operator === "$ne" || operator === "$nin");
  return candidatesOf(asked).some((values) =>
    excluded.some(({ operator, operand }) => {
      const isOut: Filter = { v: operator === "$ne" ? { $eq: operand } : { $in: operand } };
      return values.every((v) => matches(isOut, { v }));
    }),
  );
}

/** What each `$eq` and `$in` allows. */
function candidatesOf(asked: readonly Asked[]): unknown[][] {
  return asked.flatMap(({ operator, operand }) =>
    operator === "$eq" ? [[operand]] : operator === "$in" ? [operand as unknown[]] : [],
  );
}

/** Whether some single value, no list, may be all that is asked; `isText`: it is a text. */
function fitsOne(path: string, asked: readonly Asked[], isText: boolean): boolean {
  const isTime = isText && path === TIME;
  const name = isTime ? TIME : "v";
  const all: Filter = { $and: asked.map(({ operator, operand }) => ({ [name]: { [operator]: operand } })) };
  const [values] = candidatesOf(asked);
  if (values !== undefined) {
    return values.some((value) =>
      isContainer(value) ? !isText : fits(value, isText) && matches(all, { [name]: value }),
    );
  }
  const bounds = asked.filter(({ operator }) => BOUNDS.has(operator));
  if (isText && bounds.some(({ operand }) => typeof operand !== "string")) return false;
  const texts = asked.filter(({ operator }) => OF_TEXTS.has(operator));
  if (texts.length > 0 && bounds.some(({ operand }) => typeof operand !== "string")) return false;
  const starts = asked.flatMap(({ operator, operand }) => (operator === "$startsWith" ? [operand as string] : []));
  if (starts.some((a) => starts.some((b) => !a.startsWith(b) && !b.startsWith(a)))) return false;
  const lower = bounds.filter(({ operator }) => operator.startsWith("$gt"));
  const upper = bounds.filter(({ operator }) => operator.startsWith("$lt"));
  return lower.every((low) =>
    upper.every((high) => {
      const order = orderOf(low.operand, high.operand, isTime);
      return order < 0 || (order === 0 && low.operator === "$gte" && high.operator === "$lte");
    }),
  );
}

function fits(value: unknown, isText: boolean): boolean {
  return !isText || typeof value === "string";
}

/** The order of two bounds; `NaN`: of different kinds, so that nothing lies between them. */
function orderOf(low: unknown, high: unknown, isTime: boolean): number {
  const [a, b] = isTime ? [low, high].map((bound) => instantOf(bound as string) ?? bound) : [low, high];
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(a as Numeric, b as Numeric);
  if (typeof a !== "string" || typeof b !== "string") return Number.NaN;
  return a < b ? -1 : a > b ? 1 : 0;
}
