/**
 * Functions that verify what one endpoint signs, with its scheme and its headers filled in; its secret is not. Pure.
 * @module
 */
import { nextHeader, schemeOf } from "../../config/endpoints/schemes";
import type { Signature } from "../../contracts/wire";
import { type Language, TEMPLATES } from "./templates";

/** The letter of each scheme in the templates. */
const LETTERS = { hex: "h", github: "g", token: "t", standard: "s", svix: "s", stripe: "p" } as const;

/** The functions by language; none where nothing is signed. */
export function verifiersFor(signature: Signature): [Language, string][] {
  const scheme = schemeOf(signature.scheme);
  if (scheme === null || signature.scheme === "none") return [];
  const letter = LETTERS[signature.scheme];
  const header = signature.header ?? scheme.header;
  const facts: Record<string, string> = {
    H: header,
    N: nextHeader(header),
    I: scheme.idHeader ?? "",
    T: scheme.timestampHeader ?? "",
    P: signature.scheme === "github" ? "sha256=" : "",
  };
  return (Object.entries(TEMPLATES) as [Language, string][]).map(([language, template]) => {
    const lines = template.split("\n").flatMap((line) => {
      const [, letters, rest = ""] = /^([hgtsp]+)\|(.*)$/.exec(line) ?? [];
      return letters === undefined ? [line] : letters.includes(letter) ? [rest] : [];
    });
    // A header's name may have a dollar, which would begin a variable there.
    const named = (name: string) => (language === "PHP" || language === "Ruby" ? name.replaceAll("$", "\\$") : name);
    return [language, lines.join("\n").replace(/%([HNITP])%/g, (_, fact: string) => named(facts[fact] ?? ""))];
  });
}
