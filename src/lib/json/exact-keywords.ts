import type { Doubles } from "./doubles";
import { ExactNumber, isMultiple, isReckonable, isWhole, type Numeric } from "./exact";
import type { JsonObject } from "./json-schema";
import { TooCostly } from "./json-schema-cost";
import { nodesOf } from "./json-schema-places";

/** The most numbers times schemas that are reckoned with: a few hundredths of a second. */
const MOST = 100_000;

/** Whether a schema reckons with numbers, and does not only compare them. */
export function reckons(schema: unknown): boolean {
  return nodesOf(schema).some((node) => node.multipleOf !== undefined || wantsWhole(node));
}

/**
 * A schema in doubles, for one value, in which `integer` and `multipleOf` are decided by the decimals: doubles that stand in
 * for others keep their order and not what they are. Throws {@link TooCostly} where the numbers are too many or too long.
 */
export function withExactKeywords(schema: unknown, value: unknown, doubles: Doubles): unknown {
  const placed = doubles.of(schema);
  const numbers = numbersOf(value);
  const nodes = nodesOf(schema);
  if (numbers.length * nodes.length > MOST) throw new TooCostly("the value has too many numbers");
  if (!numbers.every(isReckonable)) throw new TooCostly("the value has a number that is too long");
  for (const [i, copy] of nodesOf(placed).entries()) {
    const node = nodes[i] as JsonObject;
    const { multipleOf } = node;
    const isWrong = (number: Numeric) =>
      (wantsWhole(node) && !isWhole(number)) ||
      (multipleOf !== undefined && !isMultiple(number, multipleOf as Numeric));
    const wrong = numbers.filter(isWrong).map((number) => doubles.of(number));
    delete copy.multipleOf;
    if (wrong.length > 0) copy.allOf = [...(Array.isArray(copy.allOf) ? copy.allOf : []), { not: { enum: wrong } }];
  }
  return placed;
}

function wantsWhole({ type }: JsonObject): boolean {
  const types = Array.isArray(type) ? type : [type];
  return types.includes("integer") && !types.includes("number");
}

/** Each number of a value once. */
function numbersOf(value: unknown): Numeric[] {
  const found = new Map<string | number, Numeric>();
  const rest = [value];
  while (rest.length > 0) {
    const next = rest.pop();
    if (typeof next === "number") found.set(next, next);
    else if (next instanceof ExactNumber) found.set(next.key, next);
    else if (typeof next === "object" && next !== null) for (const inner of Object.values(next)) rest.push(inner);
  }
  return [...found.values()];
}
