/**
 * Values of a filter as a line of text, and back. A number, true, false and null are what they say, anything else is text;
 * what stands in quotes is always text. Pure.
 * @module
 */
import { ExactNumber, isNumeric, numeric } from "../../lib/json/exact";

/** A value that a line can say. */
export type Scalar = string | boolean | null | number | ExactNumber;

/** What is said of it beside the fields. */
export const VALUE_HINT =
  'Numbers, true and false are taken as such, anything else as text. In quotes it is text: "4711".';

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
]);

/** Whether a line can say a value. */
export function isScalar(value: unknown): value is Scalar {
  return typeof value === "string" || typeof value === "boolean" || value === null || isNumeric(value);
}

/** Whether a field of one line keeps a text as it is. */
export function fitsLine(text: string): boolean {
  return text !== "" && text === text.trim() && text.isWellFormed() && !/[\p{Cc}\u2028\u2029]/u.test(text);
}

/** The value that a line says. `asText`: nothing but text is meant. */
export function readValue(line: string, asText = false): Scalar {
  const text = line.trim();
  if (text.length > 1 && text.startsWith('"') && text.endsWith('"')) {
    try {
      return JSON.parse(text) as string;
    } catch {
      // Something with quotes around that is no JSON text: it is what it is.
    }
  }
  if (asText) return text;
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  return NUMBER.test(text) ? numeric(text) : text;
}

/** A value as a line says it, so that {@link readValue} reads the same. */
export function valueText(value: Scalar, asText = false): string {
  if (value instanceof ExactNumber) return value.text;
  if (typeof value !== "string") return String(value);
  return fitsLine(value) && readValue(value, asText) === value ? value : JSON.stringify(value);
}

const ITEM = /\s*("(?:[^"\\]|\\.)*"(?=\s*(?:,|$))|[^,]*)(?:,|$)/y;

/** The values of a line with commas between them. `asText`: nothing but texts are meant. */
export function readValues(line: string, asText = false): Scalar[] {
  const items: string[] = [];
  for (let at = 0; at < line.length; at = ITEM.lastIndex) {
    ITEM.lastIndex = at;
    items.push((ITEM.exec(line)?.[1] ?? "").trim());
  }
  return items.filter((item) => item !== "").map((item) => readValue(item, asText));
}

/** Values as a line says them. */
export function valuesText(values: readonly Scalar[], asText = false): string {
  return values
    .map((value) =>
      typeof value === "string" && (value.includes(",") || value.startsWith('"'))
        ? JSON.stringify(value)
        : valueText(value, asText),
    )
    .join(", ");
}
