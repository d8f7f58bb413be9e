/**
 * Texts of programs, changed in places.
 * @module
 */

/**
 * A text with those places replaced; what lies within another goes with that. Line breaks stay, so that the rest of the
 * lines is where a source map has it.
 *
 * @param {string} text
 * @param {{ start: number, end: number, by?: string }[]} edits
 */
export function withEdits(text, edits) {
  let result = "";
  let at = 0;
  for (const { start, end, by = "" } of edits.toSorted((a, b) => a.start - b.start)) {
    if (start < at) continue;
    result += text.slice(at, start) + by + text.slice(start, end).replaceAll(/[^\n]/g, "");
    at = end;
  }
  return result + text.slice(at);
}
