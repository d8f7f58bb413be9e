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

/** A MongoDB-style filter as it is saved: JSON whose paths start at `{event, data, tenant, timestamp}`. */
export type Filter = Record<string, unknown>;

/** A clause that does not hold. */
export interface FailingClause {
  /** The field; empty for `$or` and `$not` over whole filters. */
  path: string;
  operator: string;
  expected: unknown;
  /** The value at the path; a list of them where the path leads to several; `undefined`: there is none. */
  actual: unknown;
}

type Test = (value: unknown, operand: unknown) => boolean;

/** The operators that compare one value with their operand. */
const POSITIVE: Readonly<Record<string, Test>> = {
  $eq: equal,
  $gt: ordered((a, b) => a > b),
  $gte: ordered((a, b) => a >= b),
  $lt: ordered((a, b) => a < b),
  $lte: ordered((a, b) => a <= b),
  $in: (value, list) => (list as unknown[]).some((item) => equal(value, item)),
  $startsWith: (value, start) => typeof value === "string" && value.startsWith(start as string),
  $endsWith: (value, end) => typeof value === "string" && value.endsWith(end as string),
};

/** The opposites of others. */
const NEGATIVE: Readonly<Record<string, string>> = { $ne: "$eq", $nin: "$in" };

/** Whether the subject, any value, matches a filter that `filterErrors` found nothing wrong with. */
export function matches(filter: Filter, subject: unknown): boolean {
  return failingClause(filter, subject) === null;
}

/** The first clause of the filter that does not hold for the subject; `null`: all hold, it matches. */
export function failingClause(filter: Filter, subject: unknown): FailingClause | null {
  for (const [key, operand] of Object.entries(filter)) {
    const failing = isLogical(key)
      ? failingGroup(key, operand, subject)
      : failingCondition(key, operand, valuesAt(subject, key));
    if (failing !== null) return failing;
  }
  return null;
}

function failingGroup(operator: string, operand: unknown, subject: unknown): FailingClause | null {
  if (operator === "$and") {
    for (const part of operand as Filter[]) {
      const failing = failingClause(part, subject);
      if (failing !== null) return failing;
    }
    return null;
  }
  const holds =
    operator === "$or"
      ? (operand as Filter[]).some((part) => matches(part, subject))
      : !matches(operand as Filter, subject);
  return holds ? null : { path: "", operator, expected: operand, actual: undefined };
}

function failingCondition(path: string, condition: unknown, found: unknown[]): FailingClause | null {
  const operators = hasOperators(condition) ? Object.entries(condition) : [["$eq", condition] as const];
  for (const [operator, expected] of operators) {
    if (!holds(operator, expected, found, path)) {
      return { path, operator, expected, actual: found.length > 1 ? found : found[0] };
    }
  }
  return null;
}

function holds(operator: string, operand: unknown, found: unknown[], path: string): boolean {
  if (operator === "$exists") return found.length > 0 === operand;
  if (operator === "$not") return failingCondition(path, operand, found) !== null;
  const opposite = NEGATIVE[operator];
  if (opposite !== undefined) return !holds(opposite, operand, found, path);
  const test = POSITIVE[operator];
  if (test === undefined) return false;
  const passes = (value: unknown) => test(value, operand);
  return found.some((value) => passes(value) || (Array.isArray(value) && value.some(passes)));
}

/**
 * The values that a dotted path leads to; none when a key is missing. A number is an index into a list; any other key
 * is looked up in the list's elements, though not in lists among them. Only own properties count.
 */
function valuesAt(subject: unknown, path: string): unknown[] {
  let found = [subject];
  for (const key of path.split(".")) {
    const index = /^(?:0|[1-9]\d*)$/.test(key);
    found = found.flatMap((value) =>
      Array.isArray(value) && !index
        ? value.flatMap((element) => (Array.isArray(element) ? [] : own(element, key)))
        : own(value, key),
    );
  }
  return found;
}

function own(value: unknown, key: string): unknown[] {
  return isContainer(value) && Object.hasOwn(value, key) ? [value[key]] : [];
}

/** Deep equality of JSON values, whatever the order of keys. Goes only as deep as `operand`. */
function equal(value: unknown, operand: unknown): boolean {
  if (value === operand) return true;
  if (!isContainer(value) || !isContainer(operand) || Array.isArray(value) !== Array.isArray(operand)) return false;
  const keys = Object.keys(operand);
  return (
    keys.length === Object.keys(value).length &&
    keys.every((key) => Object.hasOwn(value, key) && equal(value[key], operand[key]))
  );
}

/** A comparison of numbers with numbers and strings with strings. */
function ordered(test: (a: string | number, b: string | number) => boolean): Test {
  return (value, operand) => typeof value === typeof operand && test(value as string, operand as string);
}

/** Whether the value is an object or a list. */
export function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Whether the value, given for a field, is an object of operators rather than something to be equal to. */
export function hasOperators(value: unknown): value is Record<string, unknown> {
  return isContainer(value) && !Array.isArray(value) && Object.keys(value).some((key) => key.startsWith("$"));
}

/** Whether the key of a filter joins whole filters. */
export function isLogical(key: string): boolean {
  return key === "$and" || key === "$or" || key === "$not";
}
