/**
 * Tests that did not run, by what they want that this machine lacks. Pure.
 * @module
 */

/** What a test wants that is switched off where it stands. */
export const SWITCHED_OFF = "to be switched on";

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
