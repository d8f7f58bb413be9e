import { utf8 } from "../crypto";
import { isContainer, isNumeric } from "../json/exact";
import { type Filter, hasOperators, isLogical, isOfValue, TIME } from "./filter";
import { NEVER, senseOf } from "./filter-sense";
import { MAX_DEPTH } from "./filter-values";
import { instantOf } from "./instant";
import { splitPath } from "./path";

/** What is wrong with a filter, and where: `$or.0.data.score.$gt`. */
export interface FilterError {
  path: string;
  message: string;
}

/** Where the paths of a filter over events start. */
export const EVENT_FIELDS: readonly string[] = ["event", "data", "tenant", "timestamp"];

/** The most bytes (UTF-8) of a filter's JSON: every isolate that accepts events keeps it. */
export const MAX_FILTER_BYTES = 16_384;
const MAX_CONDITIONS = 100;
const MAX_LIST = 1_000;
const TOO_DEEP = `is nested deeper than ${MAX_DEPTH} levels`;

/** Says what is wrong with an operand that stands `depth` levels deep; `null`: nothing. */
type Check = (operand: unknown, depth: number) => string | null;

/** The operators of a field and what they take. */
const OPERANDS: Readonly<Record<string, Check>> = {
  $eq: valueError,
  $ne: valueError,
  $gt: orderedError,
  $gte: orderedError,
  $lt: orderedError,
  $lte: orderedError,
  $in: listError,
  $nin: listError,
  $exists: (operand) => (typeof operand === "boolean" ? null : "must be true or false"),
  $startsWith: textError,
  $endsWith: textError,
  $contains: valueError,
};

/** A condition of a filter, and what is wrong with it. */
interface Checked {
  path: string[];
  message: string | null;
}

/**
 * What is wrong with a filter; nothing when it may be saved. `roots`: what its paths may start with, since any other
 * can never match; `null`: anything, for a filter over something else than events.
 */
export function filterErrors(filter: unknown, roots: readonly string[] | null = EVENT_FIELDS): FilterError[] {
  const errors = clauseErrors(filter, roots);
  // Only then: what is wrong may be nested too deep to be written down.
  const bytes = errors.length === 0 ? utf8(JSON.stringify(filter)).byteLength : 0;
  if (bytes <= MAX_FILTER_BYTES) return errors;
  return [{ path: "", message: `has ${bytes} bytes of JSON; a filter may have at most ${MAX_FILTER_BYTES}` }];
}

/** What is wrong with a filter's clauses, whatever its size: one that is stored may be from before that had a limit. */
export function clauseErrors(filter: unknown, roots: readonly string[] | null = EVENT_FIELDS): FilterError[] {
  const errors: FilterError[] = [];
  let conditions = 0;
  // Lazily, so that nothing is looked at beyond the first condition too many.
  for (const { path, message } of conditionsOf(filter, [], 0, roots)) {
    if (++conditions > MAX_CONDITIONS)
      return [...errors, { path: "", message: `has more than ${MAX_CONDITIONS} conditions` }];
    if (message !== null) errors.push({ path: path.join("."), message });
  }
  if (errors.length > 0) return errors;
  const { never, notes } = senseOf(filter as Filter, scalarsOf(roots));
  return never ? notes.filter(({ message }) => message.startsWith(NEVER)) : [];
}

/**
 * What the owner of a filter that may be saved should know of it: parts that can never match, and what is rarely what was
 * meant. `roots` as for {@link filterErrors}.
 */
export function filterWarnings(filter: Filter, roots: readonly string[] | null = EVENT_FIELDS): FilterError[] {
  return senseOf(filter, scalarsOf(roots)).notes;
}

/** The fields of an event, or of an observation, that are texts. */
function scalarsOf(roots: readonly string[] | null): readonly string[] {
  return roots?.filter((root) => root !== "data" && EVENT_FIELDS.includes(root)) ?? [];
}

function* conditionsOf(
  filter: unknown,
  path: string[],
  depth: number,
  roots: readonly string[] | null,
  isWhole = true,
): Generator<Checked> {
  if (depth > MAX_DEPTH) return yield { path, message: TOO_DEEP };
  if (!isContainer(filter) || Array.isArray(filter)) return yield { path, message: "must be an object of conditions" };
  // An empty filter has no condition, and yet a list of them is work.
  if (Object.keys(filter).length === 0) yield { path, message: null };
  for (const [key, operand] of Object.entries(filter)) {
    const at = [...path, key];
    if (key === "$not") {
      yield* conditionsOf(operand, at, depth + 1, roots, isWhole);
    } else if (isLogical(key)) {
      if (!Array.isArray(operand) || operand.length === 0) yield { path: at, message: "must be a list of filters" };
      else
        for (const [i, part] of operand.entries())
          yield* conditionsOf(part, [...at, String(i)], depth + 1, roots, isWhole);
    } else if (key.startsWith("$")) {
      yield {
        path: at,
        message:
          Object.hasOwn(OPERANDS, key) || key === "$elemMatch"
            ? "belongs inside a field's condition"
            : unknownOperator(key),
      };
    } else if (roots !== null && !roots.includes(splitPath(key)[0] as string)) {
      yield { path: at, message: `can never match: paths start with ${roots.join(", ")}` };
    } else {
      yield* fieldConditionsOf(
        operand,
        at,
        depth,
        key === TIME && isWhole ? (roots === null ? "perhaps" : "yes") : "no",
      );
    }
  }
}

/** Whether a field is the time of an event: `perhaps` in a filter that may be over something else. */
type IsTime = "yes" | "perhaps" | "no";

function* fieldConditionsOf(condition: unknown, path: string[], depth: number, isTime: IsTime): Generator<Checked> {
  if (depth > MAX_DEPTH) return yield { path, message: TOO_DEEP };
  if (!hasOperators(condition)) {
    return yield { path, message: valueError(condition, depth) ?? timeError(condition, isTime) };
  }
  for (const [operator, operand] of Object.entries(condition)) {
    const at = [...path, operator];
    if (operator === "$not" && hasOperators(operand)) yield* fieldConditionsOf(operand, at, depth + 1, isTime);
    else if (operator === "$elemMatch") yield* elementConditionsOf(operand, at, depth + 1);
    else {
      const message = operandError(operator, operand, depth);
      const isText = operator !== "$exists";
      yield { path: at, message: message ?? (isText ? timeError(operand, isTime) : null) };
    }
  }
}

function* elementConditionsOf(condition: unknown, path: string[], depth: number): Generator<Checked> {
  if (depth > MAX_DEPTH) return yield { path, message: TOO_DEEP };
  if (!isContainer(condition) || Array.isArray(condition)) {
    return yield { path, message: "must be an object of operators, or of conditions on an element's fields" };
  }
  if (isOfValue(condition)) yield* fieldConditionsOf(condition, path, depth, "no");
  else yield* conditionsOf(condition, path, depth, null, false);
}

/** What is wrong with what the time of an event is compared with. */
function timeError(operand: unknown, isTime: IsTime): string | null {
  if (isTime === "no") return null;
  const operands = Array.isArray(operand) ? operand : [operand];
  const isFine = (one: unknown) => (typeof one === "string" ? instantOf(one) !== null : isTime === "perhaps");
  return operands.every(isFine) ? null : "must be a time such as 2026-11-21T09:30:00Z: timestamp is one";
}

function operandError(operator: string, operand: unknown, depth: number): string | null {
  if (operator === "$not") return "must be an object of operators";
  if (isLogical(operator)) return "stands beside fields, not inside one";
  if (!operator.startsWith("$")) return "is a field among operators: give it a dotted path of its own";
  const check = OPERANDS[operator];
  return check === undefined ? unknownOperator(operator) : check(operand, depth);
}

function unknownOperator(operator: string): string {
  const known = [...Object.keys(OPERANDS), "$elemMatch", "$not", "$and", "$or"];
  return `${operator} is not a known operator; these are: ${known.join(" ")}`;
}

function textError(operand: unknown): string | null {
  return typeof operand === "string" ? null : "must be a string";
}

function orderedError(operand: unknown): string | null {
  return typeof operand === "string" || isNumeric(operand) ? null : "must be a number or a string";
}

function listError(operand: unknown, depth: number): string | null {
  if (!Array.isArray(operand)) return "must be a list of values";
  if (operand.length > MAX_LIST) return `may have at most ${MAX_LIST} values`;
  return firstError(operand, depth);
}

/** A value to be equal to. Operators inside it would be compared and not applied, which nobody means. */
function valueError(value: unknown, depth: number): string | null {
  if (value === null || typeof value === "string" || typeof value === "boolean" || isNumeric(value)) return null;
  if (!isContainer(value)) return "must be a JSON value";
  if (depth >= MAX_DEPTH) return TOO_DEEP;
  if (hasOperators(value)) return "has an operator inside a value: give it a dotted path of its own";
  return firstError(Object.values(value), depth + 1);
}

function firstError(values: unknown[], depth: number): string | null {
  for (const value of values) {
    const message = valueError(value, depth);
    if (message !== null) return message;
  }
  return null;
}
