/**
 * A filter as rows of field, operator and value in groups of all and any, and such rows as a filter. Pure.
 * @module
 */
import { type Filter, hasOperators } from "../../lib/filter/filter";
import { isContainer } from "../../lib/json/exact";
import { fitsLine, isScalar, readValue, readValues, type Scalar, valuesText, valueText } from "./values";

/** A condition, as it stands in its fields. */
export interface Row {
  field: string;
  operator: string;
  value: string;
}

/** Conditions and groups, all or any of which must hold. */
export interface Group {
  join: "all" | "any";
  parts: Part[];
}

export type Part = Row | Group;

/** The groups within one another that a form has room for, its own among them. */
export const MAX_LEVELS = 3;

type Takes = "value" | "values" | "text" | "nothing";

/** What can be asked of a field, by the operator; the last one is the opposite of `$exists`. */
export const OPERATORS: Readonly<Record<string, readonly [words: string, takes: Takes]>> = {
  $eq: ["is", "value"],
  $ne: ["is not", "value"],
  $in: ["is one of", "values"],
  $nin: ["is none of", "values"],
  $gte: ["is at least", "value"],
  $lte: ["is at most", "value"],
  $gt: ["is over", "value"],
  $lt: ["is under", "value"],
  $contains: ["contains", "value"],
  $startsWith: ["starts with", "text"],
  $endsWith: ["ends with", "text"],
  $exists: ["exists", "nothing"],
  missing: ["does not exist", "nothing"],
};

/** An operator in words. */
export function wordsOf(operator: string, expected: unknown): string {
  return OPERATORS[operator === "$exists" && expected === false ? "missing" : operator]?.[0] ?? operator;
}

/** Whether a part is a group of others. */
export function isGroup(part: Part): part is Group {
  return "parts" in part;
}

/** A row with nothing in it. */
export const BLANK: Row = { field: "", operator: "$eq", value: "" };

/** Why no rows say it. */
class NoRows extends Error {}

/** A filter as rows; `why` there are none that say it, in a sentence. */
export function toRows(filter: unknown): { group: Group } | { why: string } {
  try {
    let group = groupOf(filter, 0);
    while (group.parts.length === 1 && isGroup(group.parts[0] as Part)) group = group.parts[0] as Group;
    if (levels(group) > MAX_LEVELS) throw new NoRows(`it has groups more than ${MAX_LEVELS} deep`);
    return { group };
  } catch (error) {
    if (error instanceof NoRows) return { why: `The conditions do not show it: ${error.message}.` };
    throw error;
  }
}

function levels(group: Group): number {
  return 1 + Math.max(0, ...group.parts.map((part) => (isGroup(part) ? levels(part) : 0)));
}

function groupOf(filter: unknown, depth: number): Group {
  if (!isContainer(filter) || Array.isArray(filter)) throw new NoRows("it is no object of conditions");
  // Far deeper than any filter may be, and not as deep as a text can make one.
  if (depth > 2 * MAX_LEVELS + 2) throw new NoRows(`it has groups more than ${MAX_LEVELS} deep`);
  return { join: "all", parts: Object.entries(filter).flatMap(([key, operand]) => partsOf(key, operand, depth)) };
}

function partsOf(key: string, operand: unknown, depth: number): Part[] {
  if (key === "$and" || key === "$or") {
    if (!Array.isArray(operand) || operand.length === 0) throw new NoRows(`${key} has no list of conditions`);
    return [{ join: key === "$and" ? "all" : "any", parts: operand.map((one) => partOf(one, depth + 1)) }];
  }
  if (key.startsWith("$")) throw new NoRows(`they have no ${key}`);
  if (!fitsLine(key)) throw new NoRows("a field's name does not fit a line");
  if (!hasOperators(operand)) return [rowOf(key, "$eq", operand)];
  return Object.entries(operand).map(([operator, value]) => rowOf(key, operator, value));
}

function partOf(filter: unknown, depth: number): Part {
  const group = groupOf(filter, depth);
  const [first] = group.parts;
  if (first === undefined) throw new NoRows("a group has nothing in it");
  return group.parts.length === 1 ? first : group;
}

function rowOf(field: string, operator: string, operand: unknown): Row {
  if (operator === "$exists" && typeof operand === "boolean") {
    return { field, operator: operand ? "$exists" : "missing", value: "" };
  }
  const takes = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator]?.[1] : undefined;
  if (takes === undefined || takes === "nothing") throw new NoRows(`they have no ${operator}`);
  if (takes === "values") {
    const isList = Array.isArray(operand) && operand.length > 0 && operand.every(isScalar);
    if (!isList) throw new NoRows(`${field} is held against something else than plain values`);
    return { field, operator, value: valuesText(operand as Scalar[]) };
  }
  if (!isScalar(operand) || (takes === "text" && typeof operand !== "string")) {
    throw new NoRows(`${field} is held against a list, an object, or what is no text`);
  }
  return { field, operator, value: valueText(operand, takes === "text") };
}

/** A filter in words; `null`: rows have none for it. */
export function inWords(filter: unknown): string | null {
  const rows = toRows(filter);
  return "why" in rows || rows.group.parts.length === 0 ? null : saidOf(rows.group, true);
}

function saidOf({ join, parts }: Group, whole: boolean): string {
  const said = parts
    .map((part) =>
      isGroup(part)
        ? saidOf(part, false)
        : `${part.field} ${OPERATORS[part.operator]?.[0]}${part.value === "" ? "" : ` ${part.value}`}`,
    )
    .join(join === "all" ? " and " : " or ");
  return whole || parts.length === 1 ? said : `(${said})`;
}

/** What is wrong with a row: the places of its groups and its own. */
export interface RowError {
  at: string;
  message: string;
}

/** Rows as a filter: `null` when they say nothing. Blank rows and groups count as not there. */
export function fromRows(group: Group): { filter: Filter | null; errors: RowError[] } {
  const errors: RowError[] = [];
  const filter = filterOf(group, "", errors);
  return { filter: errors.length > 0 ? null : filter, errors };
}

function filterOf({ join, parts }: Group, at: string, errors: RowError[]): Filter | null {
  const filters = parts
    .map((part, i) => {
      const here = at === "" ? `${i}` : `${at}.${i}`;
      return isGroup(part) ? filterOf(part, here, errors) : conditionOf(part, here, errors);
    })
    .filter((filter) => filter !== null);
  if (filters.length === 0) return null;
  return join === "any" ? { $or: filters } : (merged(filters) ?? { $and: filters });
}

function conditionOf(row: Row, at: string, errors: RowError[]): Filter | null {
  const { operator, value } = row;
  const field = row.field.trim();
  const [, takes = "value"] = OPERATORS[operator] ?? [];
  if (field === "" && value.trim() === "") return null;
  const wrong = (message: string) => {
    errors.push({ at, message });
    return null;
  };
  if (field === "") return wrong("needs a field");
  if (field.startsWith("$")) return wrong(`${field} is no field`);
  if (!Object.hasOwn(OPERATORS, operator)) return wrong(`${operator} is no operator`);
  if (takes === "nothing") return { [field]: { $exists: operator === "$exists" } };
  const values = takes === "values" ? readValues(value) : [value.trim()].filter((one) => one !== "");
  if (values.length === 0) return wrong(`${field} needs a value; "" is the empty text`);
  if (takes === "values") return { [field]: { [operator]: values } };
  const one = readValue(value, takes === "text");
  return { [field]: operator === "$eq" ? one : { [operator]: one } };
}

/** Filters that must all hold as one; `null`: two of them ask the same of a field. */
function merged(filters: readonly Filter[]): Filter | null {
  const all = new Map<string, unknown>();
  for (const [key, condition] of filters.flatMap((filter) => Object.entries(filter))) {
    if (!all.has(key)) all.set(key, condition);
    else if (key.startsWith("$")) return null;
    else {
      const [known, more] = [operatorsOf(all.get(key)), operatorsOf(condition)];
      if (Object.keys(more).some((operator) => Object.hasOwn(known, operator))) return null;
      all.set(key, { ...known, ...more });
    }
  }
  return Object.fromEntries(all);
}

function operatorsOf(condition: unknown): Record<string, unknown> {
  return hasOperators(condition) ? condition : { $eq: condition };
}
