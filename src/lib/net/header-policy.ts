import { utf8 } from "../crypto";

/**
 * Which headers a customer may add to the requests that are sent to them. Pure. What we sign, what says how the body is
 * to be read and what belongs to the connection stays ours.
 */

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Latin-1, of which a header's value is made in `fetch`, without what would end it. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const UNSENDABLE = /[^\t\x20-\x7e\x80-\xff]/gu;
const OURS = ["x-webhook-event", "x-webhook-id", "x-webhook-attempt"];
const CONNECTION = [
  "host",
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
  "via",
  "accept-encoding",
];

/** The most headers of one endpoint, and the most bytes of one value. */
export const MAX_HEADERS = 20;
export const MAX_HEADER_BYTES = 4_096;

/** A header's value as it goes out: white space around it is dropped on the way (RFC 9110, 5.5). */
export function trimmedValue(value: string): string {
  return value.replace(/^[ \t]+|[ \t]+$/g, "");
}

/** Whether a header of this name can be sent at all. */
export function isHeaderName(name: string): boolean {
  return TOKEN.test(name);
}

/**
 * A value as it can be sent, whatever it is: characters that no header can carry are percent-encoded, as in a URL. Such a
 * value is refused when it is saved; this is for one that came to be stored otherwise, and for the deployment's own.
 */
export function sendableValue(value: string): string {
  return VALUE.test(value) ? value : value.toWellFormed().replace(UNSENDABLE, encodeURIComponent);
}

/** Why a header is refused, in words for its owner; `null`: it may be sent. `used`: names that signing needs. */
export function headerRefusal(name: string, value: string, used: readonly string[]): string | null {
  const lower = name.toLowerCase();
  if (!TOKEN.test(name) || name.length > 128) return "is not a legal header name";
  if (OURS.includes(lower) || used.some((taken) => taken.toLowerCase() === lower)) return "is set by Posthorn itself";
  if (lower.startsWith("content-")) return "says how the body is to be read, and is set by Posthorn itself";
  if (CONNECTION.includes(lower) || lower.startsWith("cf-")) return "belongs to the connection and cannot be set";
  if (!VALUE.test(value))
    return "has a value with line breaks or other characters that headers cannot carry: only those of Latin-1 can be sent";
  if (utf8(value).byteLength > MAX_HEADER_BYTES) return `has a value of more than ${MAX_HEADER_BYTES} bytes`;
  return null;
}
