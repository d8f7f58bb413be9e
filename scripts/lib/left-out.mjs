/**
 * Tests that did not run, by what they want that this machine lacks. Pure.
 * @module
 */

/** What a test wants that is switched off where it stands. */
export const SWITCHED_OFF = "to be switched on";

/**
 * How what a test wants begins that no machine has to have, CI's neither: the languages of other people's receivers, of which
 * Go, Java, Rust, PHP, Ruby and .NET are seldom all at hand.
 */
export const LANGUAGE = "the language ";

/**
 * Whether a check was left out that is made wherever all is said to be there.
 *
 * @param {ReadonlyMap<string, readonly string[]>} left
 */
export function isPartial(left) {
  return [...left.keys()].some((wants) => !wants.startsWith(LANGUAGE));
}

/**
 * The tests of a report of vitest's that were left out, by what they want.
 *
 * @param {{ testResults: { assertionResults: { fullName: string, status: string, meta?: { leftOut?: string } }[] }[] }} report
 * @param {boolean} filtered whether only some tests were asked for: vitest tells of the others as of those that are
 *   switched off
 * @returns {Map<string, string[]>} their names
 */
export function leftOutOf({ testResults }, filtered) {
  const left = new Map();
  for (const { fullName, status, meta } of testResults.flatMap(({ assertionResults }) => assertionResults)) {
    const idle = ["skipped", "pending", "disabled", "todo"].includes(status);
    const wants = meta?.leftOut ?? (idle && !filtered ? SWITCHED_OFF : undefined);
    if (wants !== undefined) left.set(wants, [...(left.get(wants) ?? []), fullName.trim()]);
  }
  return left;
}

/**
 * The last line of `npm test`.
 *
 * @param {{ passed: number, failed: number }} counted
 * @param {ReadonlyMap<string, readonly string[]>} left
 */
export function lastLine({ passed, failed }, left) {
  const parts = [...left].map(([wants, names]) => `${names.length} ${names.length === 1 ? "wants" : "want"} ${wants}`);
  const count = [...left.values()].reduce((sum, names) => sum + names.length, 0);
  const out = count === 0 ? "" : `, ${count} left out (${parts.join(", ")})`;
  return `${passed} passed, ${failed} failed${out}`;
}
