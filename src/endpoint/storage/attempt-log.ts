import type { Attempt } from "../../contracts/delivery";
import { utf8 } from "../../lib/crypto";
import { elementTexts } from "../../lib/json/json";

/**
 * The most bytes of a delivery's attempt log, and the most attempts in it: a row of SQLite takes 2 MB, a person's resends
 * have no bound, and an attempt that could not be written down would be made for ever.
 */
export const LOG_BYTES = 1_000_000;
export const LOG_ATTEMPTS = 200;

/** The attempts in a delivery's log, oldest first. */
export function attemptsOf(log: string): Attempt[] {
  return JSON.parse(log) as Attempt[];
}

/** Whether the log knows the attempt. */
export function hasAttempt(log: string, attemptId: string): boolean {
  return attemptsOf(log).some((attempt) => attempt.id === attemptId);
}

/** An attempt's entry without what its receiver answered. Pure. */
export function withoutResponse(entry: string): string {
  return JSON.stringify({ ...(JSON.parse(entry) as Attempt), response: null });
}

/** The log with one entry more, an attempt's JSON text; where it grows too large the oldest responses are let go. Pure. */
export function withAttempt(log: string, entry: string): string {
  // Most are the first and short enough, of whatever characters.
  if (log === "[]" && entry.length <= LOG_BYTES / 4) return `[${entry}]`;
  const entries = [...elementTexts(log), entry].slice(-LOG_ATTEMPTS);
  // Each is measured once, and what is let go is subtracted: to write the whole log out for each takes a second.
  let bytes = entries.reduce((sum, text) => sum + utf8(text).byteLength + 1, 1);
  for (let i = 0; bytes > LOG_BYTES && i < entries.length; i++) {
    const text = entries[i] as string;
    const stripped = withoutResponse(text);
    bytes -= utf8(text).byteLength - utf8(stripped).byteLength;
    entries[i] = stripped;
  }
  return `[${entries.join(",")}]`;
}
