/**
 * JSON as text. An event's data is kept as it was posted: parsing and printing it again would sort integer-like keys,
 * round 12345678901234567890 and turn 1.0 into 1, and the receiver would see other bytes than the sender wrote.
 */
import { ExactNumber, stringEnd } from "./exact";

/** The end (exclusive) of the JSON value that begins at `start`; `text` must be valid JSON. */
function valueEnd(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const char = text[i];
    if (char === '"') {
      i = stringEnd(text, i) - 1;
      if (depth === 0) return i + 1;
    } else if (char === "{" || char === "[") {
      depth++;
    } else if (char === "}" || char === "]") {
      if (depth === 0) return i; // a bare value before the end of what holds it
      if (--depth === 0) return i + 1;
    } else if (depth === 0 && (char === "," || isSpace(char))) {
      return i;
    }
  }
  return text.length;
}

function isSpace(char: string | undefined): boolean {
  return char === " " || char === "\n" || char === "\r" || char === "\t";
}

function skipSpace(text: string, start: number): number {
  let i = start;
  while (isSpace(text[i])) i++;
  return i;
}

/**
 * The members of a JSON object as the texts of their values. Of members that share a name the last one counts, as in
 * `JSON.parse`. `text` must be valid JSON whose value is an object.
 */
export function memberTexts(text: string): Map<string, string> {
  const members = new Map<string, string>();
  let i = skipSpace(text, skipSpace(text, 0) + 1);
  while (text[i] !== "}") {
    const nameEnd = stringEnd(text, i);
    const name = JSON.parse(text.slice(i, nameEnd)) as string;
    const start = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const end = valueEnd(text, start);
    members.set(name, text.slice(start, end));
    i = skipSpace(text, end);
    if (text[i] === ",") i = skipSpace(text, i + 1);
  }
  return members;
}

/** The elements of a JSON array as their texts. `text` must be valid JSON whose value is an array. */
export function elementTexts(text: string): string[] {
  const elements: string[] = [];
  let i = skipSpace(text, skipSpace(text, 0) + 1);
  while (text[i] !== "]") {
    const end = valueEnd(text, i);
    elements.push(text.slice(i, end));
    i = skipSpace(text, end);
    if (text[i] === ",") i = skipSpace(text, i + 1);
  }
  return elements;
}

/** A JSON object's text whose members `raw` are given as JSON text and come after those of `value`. */
export function jsonWithRaw(value: object, raw: Record<string, string>): string {
  const head = JSON.stringify(value).slice(0, -1);
  const tail = Object.entries(raw).map(([name, text]) => `${JSON.stringify(name)}:${text}`);
  return `${head}${head.length > 1 && tail.length > 0 ? "," : ""}${tail.join(",")}}`;
}

/** What is nested deeper is not shown: whoever shows it would have to follow. */
const MAX_SHOWN_DEPTH = 100;

/**
 * A value as it is, if its JSON has at most `most` characters; else the beginning of its JSON, as a text that ends in an
 * ellipsis. Looks no further into the value than that.
 */
export function shortened(value: unknown, most: number): unknown {
  const parts: string[] = [];
  let left = most;
  const add = (text: string) => {
    parts.push(text);
    left -= text.length;
  };
  const write = (part: unknown, depth: number): void => {
    if (left < 0) return;
    if (typeof part === "string") add(JSON.stringify(part.slice(0, left + 1)));
    else if (part instanceof ExactNumber) add(part.text);
    else if (typeof part !== "object" || part === null) add(JSON.stringify(part) ?? "null");
    else if (depth === MAX_SHOWN_DEPTH) left = -1;
    else {
      const isList = Array.isArray(part);
      add(isList ? "[" : "{");
      let separator = "";
      for (const key of Object.keys(part)) {
        if (left < 0) return;
        add(separator);
        separator = ",";
        if (!isList) add(`${JSON.stringify(key)}:`);
        write((part as Record<string, unknown>)[key], depth + 1);
      }
      add(isList ? "]" : "}");
    }
  };
  write(value, 0);
  return left < 0 ? `${parts.join("").slice(0, most).toWellFormed()}…` : value;
}
