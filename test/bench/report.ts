import { PRICES } from "./prices.ts";
import type { Figure } from "./stats.ts";

type Results = Record<string, object>;
type Plain = number | boolean | { [name: string]: Plain };

/** The order of the parts in the output. */
const ORDER = [
  "cost",
  "accept",
  "deliver",
  "pipeline",
  "latency",
  "growth",
  "shards",
  "backlog",
  "neighbour",
  "signing",
];

function isFigure(value: unknown): value is Figure {
  return typeof value === "object" && value !== null && "median" in value;
}

/** The results as one object of numbers and answers: of a figure its median. What was not measured is left out. Pure. */
export function plainResults(results: Results): Record<string, Plain> {
  const ordered = ORDER.filter((name) => name in results).map((name) => [name, results[name]]);
  return plain(Object.fromEntries(ordered)) as Record<string, Plain>;
}

function plain(value: object): Plain {
  if (isFigure(value)) return rounded(value.median);
  const entries = Object.entries(value).flatMap(([name, member]): [string, Plain][] => {
    if (typeof member === "object" && member !== null) return [[name, plain(member)]];
    if (typeof member === "boolean") return [[name, member]];
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
      if (typeof value !== "object" || isFigure(value)) lines.push(`  ${field.padEnd(20)} ${shown(value)}`);
      else
        lines.push(
          `  ${field}`,
          ...Object.entries(value).map(([unit, amount]) => `    ${unit.padEnd(18)} ${shown(amount)}`),
        );
    }
  }
  lines.push("", "prices");
  for (const { usd, per, unit, source, read } of Object.values(PRICES)) {
    lines.push(`  $${usd} per ${per === 1 ? "" : "million "}${unit}, ${source}, read ${read}`);
  }
  return lines.join("\n");
}

function shown(value: unknown): string {
  if (isFigure(value)) return `${rounded(value.median)}  (${rounded(value.min)} to ${rounded(value.max)})`;
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(rounded(value as number));
}
