import { memberTexts } from "../lib/json/json";

/**
 * The data of an emitted event: the observation's text, byte for byte, with what is attached after it. An attached
 * field takes the place of one of that name. Pure.
 */
export function emittedData(text: string, attached: Record<string, unknown> = {}): string {
  const added = Object.entries(attached).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  if (added.length === 0) return text;
  const members = memberTexts(text);
  const replaced = Object.keys(attached).some((name) => members.has(name));
  const kept = [...members].filter(([name]) => !Object.hasOwn(attached, name));
  const own = replaced ? kept.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",") : inside(text);
  return `{${[own, ...added].filter((part) => part.trim() !== "").join(",")}}`;
}

/** The text between an object's braces. */
function inside(text: string): string {
  return text.trim().slice(1, -1);
}
