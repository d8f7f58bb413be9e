/**
 * What the scripts print: short aligned lines, coloured on a terminal.
 * @module
 */

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };
const coloured = Boolean(process.stdout.isTTY) && !process.env.NO_COLOR && process.env.TERM !== "dumb";

/**
 * Colours a text where the output is a terminal and NO_COLOR is not set.
 *
 * @param {keyof typeof CODES} style
 * @param {string} text
 */
export function paint(style, text) {
  return coloured ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text;
}

/** Prints one line, two columns in. @param {string} [line] */
export function say(line = "") {
  process.stdout.write(line === "" ? "\n" : `  ${line}\n`);
}

/** Like {@link say}, on stderr: for what a script is busy with, where its stdout is read by a program. @param {string} [line] */
export function note(line = "") {
  process.stderr.write(line === "" ? "\n" : `  ${line}\n`);
}

/**
 * Prints what went wrong and, on the lines after, what to do about it.
 *
 * @param {string} problem
 * @param {...string} remedy
 */
export function complain(problem, ...remedy) {
  process.stderr.write(`\n  ${paint("red", "✗")} ${problem}\n`);
  for (const line of remedy) process.stderr.write(`    ${line}\n`);
  process.stderr.write("\n");
}

/** Removes colours and other terminal sequences. @param {string} text */
export function plain(text) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal sequences begin with one
  return text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "");
}

/** A problem that needs no stack trace: its message says what happened, its remedy what to do. */
export class Trouble extends Error {
  /**
   * @param {string} message
   * @param {{ remedy?: string[], exitCode?: number }} [options]
   */
  constructor(message, { remedy = [], exitCode = 1 } = {}) {
    super(message);
    this.remedy = remedy;
    this.exitCode = exitCode;
  }
}
