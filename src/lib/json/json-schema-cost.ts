/**
 * What a check against a JSON Schema may cost. The validator has no bound of its own: it compares each item of a list
 * with each other (`uniqueItems`), a value with all of an `enum`, and follows references as often as they are met.
 */
type Node = Record<string, unknown>;

/** The most steps of a check, a comparison each: about 0.2 s. */
export const MAX_STEPS = 10_000_000;
/** What it takes to look at a value at all, in steps. */
const VISIT = 20;

/** The longest lists that may be searched for items that are equal: of texts and numbers, and of anything. */
const MAX_UNIQUE = 2_000;
const MAX_UNIQUE_CONTAINERS = 100;
/** The longest text that a pattern is held against, and the most names. */
export const MAX_TEXT = 4_096;
const MAX_NAMES = 1_000;

/** A check would cost more than it may. */
export class TooCostly extends Error {}

/** What is left of a check's steps. */
export class Steps {
  #left = 0;

  /** Begins a check. */
  begin(): void {
    this.#left = MAX_STEPS;
  }

  take(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new TooCostly("the value is too large for what its schema asks for");
  }
}

/**
 * Makes checks against the schema that these are all parts of end with an error when they cost too much. Before a
 * validator gets it: what it asks of a value stays what it was.
 */
export function bound(nodes: readonly Node[], steps: Steps): void {
  for (const node of nodes) {
    const weight = weightOf(node);
    const limits = limitsOf(node);
    onVisit(node, () => steps.take(weight));
    if (limits.length === 0) continue;
    const tooLarge = {};
    onVisit(tooLarge, () => steps.take(Number.POSITIVE_INFINITY));
    // Held against a value before the node's own keywords that look into it.
    const guard = { if: { allOf: limits }, else: tooLarge };
    node.allOf = [...(Array.isArray(node.allOf) ? node.allOf : []), guard];
  }
}

/** The validator reads this keyword of each schema that it holds a value against; without `$recursiveRef` it means nothing. */
function onVisit(node: Node, visit: () => void): void {
  Object.defineProperty(node, "$recursiveAnchor", { enumerable: false, get: visit });
}

function weightOf({ enum: values = [], const: only = null, required = [], properties = {} }: Node): number {
  const compared = [...(values as unknown[]), only];
  const containers = compared.filter((value) => typeof value === "object" && value !== null);
  const lists = compared.length + (required as unknown[]).length + Object.keys(properties as object).length;
  return VISIT + lists + JSON.stringify(containers).length;
}

function limitsOf({ uniqueItems, pattern, format, patternProperties }: Node): Node[] {
  const plain = { maxItems: MAX_UNIQUE, items: { not: { type: ["object", "array"] } } };
  return [
    ...(uniqueItems === true ? [{ anyOf: [{ maxItems: MAX_UNIQUE_CONTAINERS }, plain] }] : []),
    ...(pattern === undefined && format === undefined ? [] : [{ maxLength: MAX_TEXT }]),
    ...(patternProperties === undefined ? [] : [{ maxProperties: MAX_NAMES, propertyNames: { maxLength: MAX_TEXT } }]),
  ];
}
