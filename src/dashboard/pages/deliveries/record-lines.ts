/**
 * Names and their texts as the lines of a text area: `Name: value`. Pure.
 * @module
 */

/** A line that could not be read back as it is has both in quotes, as JSON has them. */
const QUOTED = /^\s*("(?:\\.|[^"\\])*")\s*:\s*("(?:\\.|[^"\\])*")\s*$/;
const PLAIN = /^\s*([^:]+?)\s*:\s*(.*?)\s*$/;

/** What lines say. Throws on one that says nothing. */
export function recordOf(text: string): Record<string, string> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  return Object.fromEntries(lines.map(entryOf));
}

/** The lines that say a record; `recordOf` reads the very same from them. */
export function linesOf(record: Record<string, string>): string {
  return Object.entries(record).map(lineOf).join("\n");
}

function entryOf(line: string): [string, string] {
  const [, ...quoted] = QUOTED.exec(line) ?? [];
  const [name, value] = quoted.length > 0 ? quoted.map(unquoted) : (PLAIN.exec(line)?.slice(1) ?? []);
  if (name === undefined || value === undefined) throw new Error(`write each as "Name: value", not "${line}"`);
  return [name, value];
}

function unquoted(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    throw new Error(`${text} is not a text as JSON has it`);
  }
}

function lineOf([name, value]: [string, string]): string {
  const plain = `${name}: ${value}`.trim();
  return saysPlainly(plain, name, value) ? plain : `${JSON.stringify(name)}: ${JSON.stringify(value)}`;
}

/** Whether the line, as a form sends it, reads as this name and value. */
function saysPlainly(line: string, name: string, value: string): boolean {
  // A control character would end the line, or be lost on the way through HTML.
  if (QUOTED.test(line) || /\p{Cc}/u.test(line)) return false;
  const [, readName, readValue] = PLAIN.exec(line) ?? [];
  return readName === name && readValue === value;
}
