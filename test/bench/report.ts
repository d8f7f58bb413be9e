import { PRICES } from "./prices.ts";
import type { Figure } from "./stats.ts";

type Results = Record<string, object>;
type Plain = number | { [name: string]: Plain };

/** The order of the parts in the output. */
const ORDER = ["cost", "accept", "deliver", "growth", "neighbour", "signing"];

/** Figures that are shown to a person beside the others and are not of the object. */
const ASIDE = ["calmP99", "stormP99"];

function isFigure(value: unknown): value is Figure {
  return typeof value === "object" && value !== null && "median" in value;
}

/** The results as one object of numbers: of a figure its median. What was not measured is left out. Pure. */
export function plainResults(results: Results): Record<string, Plain> {
  const ordered = ORDER.filter((name) => name in results).map((name) => [name, results[name]]);
  return plain(Object.fromEntries(ordered)) as Record<string, Plain>;
}

function plain(value: object): Plain {
  if (isFigure(value)) return rounded(value.median);
  const entries = Object.entries(value).flatMap(([name, member]): [string, Plain][] => {
    if (ASIDE.includes(name)) return [];
    if (typeof member === "object" && member !== null) return [[name, plain(member)]];
    return typeof member === "number" && Number.isFinite(member) ? [[name, rounded(member)]] : [];
  });
  return Object.fromEntries(entries.filter(([, member]) => typeof member !== "number" || Number.isFinite(member)));
}

/** To four significant digits, and no finer than hundredths from 1 on. Pure. */
export function rounded(value: number): number {
  return Math.abs(value) >= 1 ? Math.round(value * 100) / 100 : Number(value.toPrecision(3));
}

/** A line for each figure of several runs: its median, and between which values the runs lay. Pure. */
export function spreadOf(part: string, result: object): string[] {
  return Object.entries(result).flatMap(([name, value]) =>
    isFigure(value)
      ? [`  ${part}.${name}: ${rounded(value.median)} (${rounded(value.min)} to ${rounded(value.max)})`]
      : [],
  );
}

/** The results for a person. Pure. */
export function table(results: Results): string {
  const lines: string[] = [];
  for (const name of ORDER) {
    const part = results[name];
    if (part === undefined) continue;
    lines.push("", name);
    for (const [field, value] of Object.entries(part)) {
      if (isFigure(value))
        lines.push(`  ${field.padEnd(20)} ${rounded(value.median)}  (${rounded(value.min)} to ${rounded(value.max)})`);
      else if (typeof value === "number") lines.push(`  ${field.padEnd(20)} ${rounded(value)}`);
      else
        lines.push(
          `  ${field}`,
          ...Object.entries(value as object).map(
            ([unit, amount]) => `    ${unit.padEnd(18)} ${rounded(amount as number)}`,
          ),
        );
    }
  }
  lines.push("", "prices");
  for (const { usd, unit, source, read } of Object.values(PRICES)) {
    lines.push(`  $${usd} per million ${unit}, ${source}, read ${read}`);
  }
  return lines.join("\n");
}
