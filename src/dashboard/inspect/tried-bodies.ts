/**
 * Other bodies that programs make of one that they got. Pure.
 * @module
 */
import { utf8 } from "../../lib/crypto";
import type { Fault, Tried } from "./signature-faults";

/** Larger bodies, in characters, are tried in fewer ways. */
const LARGE = 100_000;

/** What may have been hashed in place of a body that was sent, itself first. `hashed`: what somebody says was; `null`: nothing. */
export function bodiesOf(body: string, hashed: string | null): Tried<Uint8Array<ArrayBuffer>>[] {
  const sent = utf8(body);
  const texts: Tried<Uint8Array<ArrayBuffer>>[] = [[sent, []]];
  const add = (fault: Fault, ...more: (string | Uint8Array<ArrayBuffer>)[]) => {
    for (const text of more) texts.push([typeof text === "string" ? utf8(text) : text, [fault]]);
  };
  if (hashed !== null && hashed !== body) {
    // What somebody pastes into a form has the line breaks of a form.
    add(isSameJson(hashed, body) ? "body-reserialised" : "body-other", hashed, hashed.replace(/\r\n/g, "\n"));
  }
  add("body-empty", "");
  const parsed = parsedOf(body);
  if (parsed !== null) add("body-reserialised", JSON.stringify(parsed.value));
  if (body.length > LARGE) return texts;
  add("body-line-end", body.trim(), `${body}\n`, body.replace(/\r\n?/g, "\n"), body.replace(/\r?\n/g, "\r\n"));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all that is not ASCII
  if (/[^\x00-\x7f]/.test(body)) add("body-encoding", latin1(body), new TextDecoder("latin1").decode(sent));
  if (parsed !== null) {
    const { value } = parsed;
    add("body-reserialised", ...[2, 4, "\t"].map((indent) => JSON.stringify(value, null, indent)));
    for (const spaced of [pythonJson(value, false), pythonJson(value, true)]) {
      add("body-reserialised", spaced, ascii(spaced));
    }
    add("body-reserialised", ascii(JSON.stringify(value)), JSON.stringify(value).replaceAll("/", "\\/"));
    add(
      "body-reserialised",
      JSON.stringify(value).replace(/[<>&]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`),
    );
    const inner = typeof value === "object" && value !== null && "data" in value ? value.data : undefined;
    if (inner !== undefined) add("body-data", JSON.stringify(inner));
  }
  return texts;
}

function parsedOf(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

function isSameJson(a: string, b: string): boolean {
  const [x, y] = [parsedOf(a), parsedOf(b)];
  return x !== null && y !== null && pythonJson(x.value, true) === pythonJson(y.value, true);
}

/** JSON as Python's `json.dumps` spaces it; `sorted`: with its keys in order. */
function pythonJson(value: unknown, sorted: boolean): string {
  if (Array.isArray(value)) return `[${value.map((inner) => pythonJson(inner, sorted)).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value);
  const ordered = sorted ? entries.toSorted(([a], [b]) => (a < b ? -1 : 1)) : entries;
  return `{${ordered.map(([name, inner]) => `${JSON.stringify(name)}: ${pythonJson(inner, sorted)}`).join(", ")}}`;
}

function ascii(text: string): string {
  return text.replace(/[^ -~]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (one) => (one.charCodeAt(0) < 256 ? one.charCodeAt(0) : 63));
}
