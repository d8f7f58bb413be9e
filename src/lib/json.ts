/**
 * JSON as text. An event's data is kept as it was posted: parsing and printing it again would sort integer-like keys,
 * round 12345678901234567890 and turn 1.0 into 1, and the receiver would see other bytes than the sender wrote.
 */

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

function stringEnd(text: string, start: number): number {
  let i = start + 1;
  while (text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i + 1;
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
