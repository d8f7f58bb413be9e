/**
 * Filters: MongoDB-style conditions on JSON, as endpoints and segments carry them. Pure.
 *
 * The evaluator is our own: of the kept libraries without `eval`, sift 17 follows a path through inherited properties
 * (`data.name.length` and `data.constructor.name` match), takes `{a: null}` for `{b: 1}` when it compares objects, and
 * cannot tell which clause failed; none of this is open to its operations table.
 *
 * A path finds values (see {@link valuesAt}), and a positive operator holds when one of them passes, or one element of
 * one that is a list. So a missing key passes no positive operator, and every negative one: those are the opposites.
 *
 * @module
 */
import { isContainer } from "../json/exact";
import { iso } from "../time";
import { oneOf, ordered, type Passes } from "./filter-values";
import { instantOf } from "./instant";
import { splitPath } from "./path";
import { containsText } from "./substring";
import { type FailingClause, Visits } from "./visits";

/** A MongoDB-style filter as it is saved: JSON whose paths start at `{event, data, tenant, timestamp}`. */
export type Filter = Record<string, unknown>;

/** A filter, or a part of it, made ready: what of it does not hold for a subject. */
type Clause = (subject: unknown, visits: Visits) => FailingClause | null;
/** Whether an operator holds for the values that its path leads to. */
type Holds = (found: readonly unknown[], visits: Visits) => boolean;
/** The operators that compare one value with their operand. */
const POSITIVE: ReadonlyMap<string, (operand: unknown) => Passes> = new Map<string, (operand: unknown) => Passes>([
  ["$eq", (operand) => oneOf([operand])],
  ["$in", (operand) => oneOf(operand as unknown[])],
  ["$gt", ordered((order) => order > 0)],
  ["$gte", ordered((order) => order >= 0)],
  ["$lt", ordered((order) => order < 0)],
  ["$lte", ordered((order) => order <= 0)],
  ["$startsWith", (start) => (value) => typeof value === "string" && value.startsWith(start as string)],
  ["$endsWith", (end) => (value) => typeof value === "string" && value.endsWith(end as string)],
]);

/** The opposites of others. */
const NEGATIVE: ReadonlyMap<string, string> = new Map([
  ["$ne", "$eq"],
  ["$nin", "$in"],
]);

const compiled = new WeakMap<Filter, Clause>();

/**
 * Makes a filter ready to be held against subjects: once, as long as the object is there, which nobody may change. What
 * is not made ready before is when it is first used.
 */
export function compile(filter: Filter): Clause {
  const known = compiled.get(filter);
  if (known !== undefined) return known;
  const clause = build(filter, true);
  compiled.set(filter, clause);
  return clause;
}

/** `isWhole`: it looks at a whole subject, and not at an element of a list. */
function build(filter: Filter, isWhole: boolean): Clause {
  const clauses = Object.entries(filter).map(([key, operand]) =>
    isLogical(key) ? group(key, operand, isWhole) : field(key, operand, isWhole),
  );
  return firstOf(clauses);
}

/** Whether the subject, any value, matches a filter that `filterErrors` found nothing wrong with. */
export function matches(filter: Filter, subject: unknown, visits?: Visits): boolean {
  return failingClause(filter, subject, visits) === null;
}

/** The first clause of the filter that does not hold for the subject; `null`: all hold, it matches. */
export function failingClause(filter: Filter, subject: unknown, visits = new Visits()): FailingClause | null {
  const clause = compile(filter);
  return visits.take(() => clause(subject, visits));
}

function firstOf(clauses: readonly Clause[]): Clause {
  return (subject, visits) => {
    for (const clause of clauses) {
      const failing = clause(subject, visits);
      if (failing !== null) return failing;
    }
    return null;
  };
}

function group(operator: string, operand: unknown, isWhole: boolean): Clause {
  const parts = (operator === "$not" ? [operand as Filter] : (operand as Filter[])).map((part) => build(part, isWhole));
  if (operator === "$and") return firstOf(parts);
  const failing = { path: "", operator, expected: operand, actual: undefined };
  return (subject, visits) => {
    const some = parts.some((part) => part(subject, visits) === null);
    return some === (operator === "$or") ? null : failing;
  };
}

function field(path: string, condition: unknown, isWhole: boolean): Clause {
  const keys = splitPath(path).map((key) => ({ key, isIndex: /^(?:0|[1-9]\d*)$/.test(key) }));
  const operators = operatorsOf(path, condition).map((one) => (isWhole && path === TIME ? atTime(one) : one));
  const [first] = operators;
  return (subject, visits) => {
    // Of an element's conditions nobody is told: the one that has them stands in the filter.
    if (first !== undefined && isWhole) visits.at = first.asked;
    const found = valuesAt(subject, keys, visits);
    for (const { asked, holds, shown } of operators) {
      if (isWhole) visits.at = asked;
      if (holds(found, visits)) continue;
      const values = shown === undefined ? found : found.map(shown);
      return { ...asked, actual: values.length > 1 ? values : values[0] };
    }
    return null;
  };
}

/** An operator with its operand. */
interface Operator {
  asked: Visits["at"];
  holds: Holds;
  /** How a value that it was held against is told; absent: as it is. */
  shown?: (value: unknown) => unknown;
}

function operatorsOf(path: string, condition: unknown): Operator[] {
  const operators = hasOperators(condition) ? Object.entries(condition) : [["$eq", condition] as const];
  return operators.map(([operator, expected]) => ({
    asked: { path, operator, expected },
    holds: holdsOf(operator, expected),
  }));
}

/** The operators that look into a text. */
const OF_TEXTS: ReadonlySet<string> = new Set(["$startsWith", "$endsWith", "$contains"]);

/** The field of an event that is a time. */
export const TIME = "timestamp";

/**
 * An operator on a time: instants are compared, however they are written. One whose operands name none compares texts, as
 * all did when it was saved.
 */
function atTime({ asked, holds }: Operator): Operator {
  const { path, operator, expected } = asked;
  if (OF_TEXTS.has(operator)) return { asked, holds };
  const instants = mapTexts(expected, (text) => instantOf(text) ?? text);
  if (JSON.stringify(instants) === JSON.stringify(expected)) return { asked, holds };
  const compares = holdsOf(operator, instants);
  const read = (value: unknown) => (typeof value === "string" ? (instantOf(value) ?? value) : value);
  const shown = (value: unknown) => (typeof value === "string" ? instantText(value) : value);
  return {
    asked: { path, operator, expected: mapTexts(expected, instantText) },
    holds: (found, visits) => compares(found.map(read), visits),
    shown,
  };
}

/** An instant as it is answered everywhere; with parts of a ms as it is written. */
function instantText(text: string): string {
  const instant = instantOf(text);
  return Number.isInteger(instant) ? iso(instant as number) : text;
}

/** The value with each text in it, of lists and conditions too, replaced. */
function mapTexts(value: unknown, replace: (text: string) => unknown): unknown {
  if (typeof value === "string") return replace(value);
  if (!isContainer(value)) return value;
  if (Array.isArray(value)) return value.map((inner) => mapTexts(inner, replace));
  const mapped = Object.entries(value).map(([key, inner]) => [
    key,
    OF_TEXTS.has(key) ? inner : mapTexts(inner, replace),
  ]);
  return Object.fromEntries(mapped);
}

function holdsOf(operator: string, operand: unknown): Holds {
  if (operator === "$exists") return (found) => found.length > 0 === operand;
  if (operator === "$not") {
    const inner = operatorsOf("", operand);
    return (found, visits) => !inner.every(({ holds }) => holds(found, visits));
  }
  const opposite = NEGATIVE.get(operator);
  if (opposite !== undefined) {
    const holds = holdsOf(opposite, operand);
    return (found, visits) => !holds(found, visits);
  }
  if (operator === "$elemMatch") return hasElement(elementOf(operand as Record<string, unknown>));
  if (operator === "$contains") return contains(operand);
  const passes = POSITIVE.get(operator)?.(operand);
  if (passes === undefined) return () => false;
  return (found, visits) => {
    const one = (value: unknown) => {
      visits.spend(1);
      return passes(value, visits);
    };
    return found.some((value) => one(value) || (Array.isArray(value) && value.some(one)));
  };
}

/** Whether one of the values is a list with an element that passes. */
function hasElement(passes: Passes): Holds {
  return (found, visits) =>
    found.some(
      (value) =>
        Array.isArray(value) &&
        value.some((element) => {
          visits.spend(1);
          return passes(element, visits);
        }),
    );
}

/** What `$elemMatch` asks of one element: operators of a value, or a filter of its own over an object. */
function elementOf(condition: Record<string, unknown>): Passes {
  if (isOfValue(condition)) {
    const operators = operatorsOf("", condition);
    return (element, visits) => operators.every(({ holds }) => holds([element], visits));
  }
  const clause = build(condition, false);
  return (element, visits) => {
    return isContainer(element) && clause(element, visits) === null;
  };
}

/** Whether a condition of `$elemMatch` is made of a value's operators, rather than of fields. */
export function isOfValue(condition: Record<string, unknown>): boolean {
  return Object.entries(condition).some(([key, operand]) =>
    key === "$not" ? isContainer(operand) && isOfValue(operand) : key.startsWith("$") && !isLogical(key),
  );
}

/** A part of a text, or an element of a list. */
function contains(operand: unknown): Holds {
  const hasPart = typeof operand === "string" ? containsText(operand) : () => false;
  const hasOne = hasElement(oneOf([operand]));
  return (found, visits) =>
    found.some((value) => {
      if (typeof value !== "string") return hasOne([value], visits);
      // A search takes as long as so many visits.
      visits.spend(1 + (value.length >> 2));
      return hasPart(value);
    });
}

/**
 * The values that a dotted path leads to; none when a key is missing. A number is an index into a list; any other key
 * is looked up in the list's elements, though not in lists among them. Only own properties count.
 */
function valuesAt(
  subject: unknown,
  keys: readonly { key: string; isIndex: boolean }[],
  visits: Visits,
): readonly unknown[] {
  let found = [subject];
  for (const { key, isIndex } of keys) {
    const next: unknown[] = [];
    const follow = (value: unknown) => {
      visits.spend(1);
      if (isContainer(value) && Object.hasOwn(value, key)) next.push(value[key]);
    };
    for (const value of found) {
      if (!Array.isArray(value) || isIndex) follow(value);
      else for (const element of value) if (!Array.isArray(element)) follow(element);
    }
    found = next;
  }
  return found;
}

/** Whether the value, given for a field, is an object of operators rather than something to be equal to. */
export function hasOperators(value: unknown): value is Record<string, unknown> {
  return isContainer(value) && !Array.isArray(value) && Object.keys(value).some((key) => key.startsWith("$"));
}

/** Whether the key of a filter joins whole filters. */
export function isLogical(key: string): boolean {
  return key === "$and" || key === "$or" || key === "$not";
}
