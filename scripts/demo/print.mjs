/**
 * The demo's lines: aligned, and no wider than the terminal.
 * @module
 */

import { paint, say } from "../lib/terminal.mjs";

/** Columns to print to where there is no terminal that says how many it has. */
const DEFAULT_WIDTH = 112;
/** What `say` puts before each line. */
const INDENT = 2;

/** A body is shown up to this many characters. */
const BODY_WIDTH = 60;
const PROFILE_WIDTH = 13;
const HEADER_WIDTH = 21;
const EVENT_WIDTH = 21;
const OUTCOME = "verified";

/** A step's heading. @param {string} text */
export function heading(text) {
  say();
  say(paint("bold", text));
}

/** A fact under its name. */
export function row(name, text) {
  say(`  ${paint("dim", name.padEnd(10))}${text}`);
}

/** What happened to an event: a sign, a word, the profile, the type and more. */
export function mark(sign, what, profile, event, about) {
  say(
    `${sign} ${what.padEnd(10)}${paint("dim", profile.padEnd(PROFILE_WIDTH - 2))}${event.padEnd(EVENT_WIDTH)}${about}`,
  );
}

/** The head of the table of forms. */
export function formHead() {
  const line = "profile".padEnd(PROFILE_WIDTH) + "signature in".padEnd(HEADER_WIDTH) + "body".padEnd(bodyWidth() + 2);
  say(`  ${paint("dim", line.trimEnd())}`);
}

/** A row of the table of forms. */
export function formRow(profile, header, raw) {
  const body = cut(raw.toString("utf8"), bodyWidth()).padEnd(bodyWidth() + 2);
  say(
    `${paint("green", "✓")} ${profile.padEnd(PROFILE_WIDTH)}${header.padEnd(HEADER_WIDTH)}${paint("dim", body)}` +
      paint("green", OUTCOME),
  );
}

function bodyWidth() {
  const width = process.stdout.columns ?? DEFAULT_WIDTH;
  const rest = width - INDENT - 2 - PROFILE_WIDTH - HEADER_WIDTH - 2 - OUTCOME.length;
  return Math.max(20, Math.min(BODY_WIDTH, rest));
}

function cut(text, width) {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text;
}

/** `12 events`, `1 event`. */
export function count(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** The time of day of a time. */
export function clock(time) {
  return new Date(time).toISOString().slice(11, 23);
}
