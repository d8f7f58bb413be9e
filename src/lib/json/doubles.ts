import { compareNumbers, ExactNumber, numberText } from "./exact";
import { TooCostly } from "./json-schema-cost";

/** The most numbers that no double is: ordering them takes a few hundredths of a second. */
const MAX_EXACT = 10_000;

/**
 * Doubles in place of exact numbers, for what knows nothing else: each has one of its own, in the order of the numbers, so
 * that equal, less and more stay what they are. Where there is no room for one among its neighbours, these move up with
 * it: they must all be among the `values`. Throws {@link TooCostly} when there are too many. Pure.
 */
export class Doubles {
  /** By an exact number's key, or a double that had to move. */
  readonly #places = new Map<string | number, number>();
  /** What stands for a double that is another's, as text. */
  readonly #texts = new Map<number, string>();

  constructor(values: readonly unknown[]) {
    const exact = new Map<string, ExactNumber>();
    const plain = new Set<number>();
    const rest: unknown[] = [...values];
    while (rest.length > 0) {
      const next = rest.pop();
      if (typeof next === "number") plain.add(next);
      else if (next instanceof ExactNumber) exact.set(next.key, next);
      else if (typeof next === "object" && next !== null) for (const inner of Object.values(next)) rest.push(inner);
    }
    if (exact.size === 0) return;
    if (exact.size > MAX_EXACT) throw new TooCostly("the value has too many numbers that no double is");
    this.#place([...exact.values()], plain);
  }

  #place(exact: readonly ExactNumber[], plain: ReadonlySet<number>): void {
    const near = [
      ...exact.map((value) => ({ value, at: nearest(value) })),
      ...[...plain].map((at) => ({ value: at, at })),
    ];
    near.sort((a, b) => a.at - b.at || compareNumbers(a.value, b.value));
    for (const [i, one] of near.entries()) {
      const before = near[i - 1]?.at ?? Number.NEGATIVE_INFINITY;
      if (one.at <= before) one.at = next(before, 1);
    }
    // Beyond the largest double there is none: those at the end move down.
    for (let i = near.length - 1, above = Number.POSITIVE_INFINITY; i >= 0; i--) {
      const one = near[i] as (typeof near)[number];
      if (one.at >= above) one.at = next(above, -1);
      above = one.at;
    }
    for (const { value, at } of near) {
      if (value === at) continue;
      this.#places.set(value instanceof ExactNumber ? value.key : value, at);
      this.#texts.set(at, numberText(value));
    }
  }

  /** Whether all numbers of a value keep their places in another's. */
  agrees(other: Doubles, value: unknown): boolean {
    return JSON.stringify(this.of(value)) === JSON.stringify(other.of(value));
  }

  /** A value with doubles alone; it itself where it has nothing else. */
  of(value: unknown): unknown {
    return this.#places.size === 0 ? value : this.#replaced(value);
  }

  #replaced(value: unknown): unknown {
    if (typeof value === "number") return this.#places.get(value) ?? value;
    if (value instanceof ExactNumber) return this.#places.get(value.key);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((inner) => this.#replaced(inner));
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, this.#replaced(inner)]));
  }

  /** A text that was made of such values, with the numbers that they stand for. */
  told(text: string): string {
    if (this.#texts.size === 0) return text;
    return text.replace(/-?\d[\d.]*(?:e[+-]?\d+)?/g, (token) => this.#texts.get(Number(token)) ?? token);
  }
}

/** The double nearest to a number; an integer only for one that is, as far as there are others. */
function nearest(value: ExactNumber): number {
  const double = Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, Number(value.text)));
  // Every exact integer lies beyond these.
  if (!Number.isSafeInteger(double)) return double;
  return next(double, compareNumbers(value, double));
}

const double = new Float64Array(1);
const bits = new BigInt64Array(double.buffer);

/** The double after or before another, by the sign of `direction`. */
function next(value: number, direction: number): number {
  if (value === 0) return direction > 0 ? Number.MIN_VALUE : -Number.MIN_VALUE;
  double[0] = value;
  bits[0] = (bits[0] as bigint) + (direction > 0 === value > 0 ? 1n : -1n);
  return double[0] as number;
}
