import { base64, hex, utf8 } from "../../lib/crypto";
import { trimmedValue } from "../../lib/net/header-policy";

/**
 * Takes an endpoint's own secrets out of what its receiver answered, since a receiver that shows what it got would
 * otherwise write them into a log that viewers read. Pure.
 */

const MASK = "***";
/** Shorter beginnings of a secret than this tell nothing and are common in any text. */
const TELLING = 4;
/** A part of a header's value that is shorter is no secret, and too common a text. */
const SECRET_LENGTH = 8;

/** The text without secrets. `cut`: it goes on, so the beginning of a secret at its end is left out as well. */
export type Masking = (text: string, cut?: boolean) => string;

/** A masking of these secrets, in the spellings in which programs show what they got. */
export function maskingOf(secrets: readonly string[]): Masking {
  // The longest first: one may be part of another.
  const hidden = [...new Set(secrets.flatMap(spellings))].toSorted((a, b) => b.length - a.length);
  const shortest = hidden.at(-1)?.length ?? Number.POSITIVE_INFINITY;
  return (text, cut = false) => {
    // Most of what is answered is shorter than any secret.
    if (!cut && text.length < shortest) return text;
    const masked = hidden.reduce((shown, secret) => shown.replaceAll(secret, MASK), text);
    return cut ? withoutSplit(masked, hidden) : masked;
  };
}

/** The secrets in the value of a custom header: all of it, of `Bearer KEY` the key, of HTTP Basic the password. */
export function secretsOfHeader(text: string): string[] {
  const value = trimmedValue(text);
  const [, key = ""] = /^[A-Za-z][\w-]*[ :=]+(\S+)$/.exec(value) ?? [];
  const password = /^basic /i.test(value) ? decoded(key).split(":").slice(1).join(":") : "";
  return [value, key, password].filter(({ length }) => length >= SECRET_LENGTH);
}

/** As it is, in a JSON text by any program, in a URL or a form, in hex, and in base64 wherever it stands in what was encoded. */
function spellings(secret: string): string[] {
  const bytes = utf8(secret);
  const encoded = [0, 1, 2].flatMap((offset) => {
    const padded = new Uint8Array(offset + bytes.byteLength);
    padded.set(bytes, offset);
    // The outer characters also stand for bytes of what is around it.
    const inner = base64(padded).replace(/=+$/, "");
    const core = inner.slice(offset === 0 ? 0 : offset + 1, padded.byteLength % 3 === 0 ? undefined : -1);
    return [core, core.replaceAll("+", "-").replaceAll("/", "_")];
  });
  return [
    secret,
    ...inJson(secret),
    ...inHtml(secret),
    ...inUrls(secret),
    ...(/^[0-9a-f]+$/i.test(secret) ? [secret.toUpperCase(), secret.toLowerCase()] : []),
    ...inHex(bytes),
    ...encoded,
    ...(secret.startsWith("whsec_") ? ofKey(secret.slice("whsec_".length)) : []),
  ].filter(({ length }) => length >= TELLING);
}

/**
 * In JSON as programs write it: PHP escapes slashes, Go what means something in HTML, .NET more of it and in capitals, and
 * PHP, Python and .NET all that is not ASCII.
 */
function inJson(secret: string): string[] {
  const plain = JSON.stringify(secret).slice(1, -1);
  const code = (character: string) => character.charCodeAt(0).toString(16).padStart(4, "0");
  const lower = (character: string) => `\\u${code(character)}`;
  const upper = (character: string) => `\\u${code(character).toUpperCase()}`;
  const net = plain.replaceAll('\\"', "\\u0022").replace(/[<>&'+`]|[^ -~]/g, upper);
  return [
    ...[plain, plain.replaceAll("/", "\\/")].flatMap((text) => [text, text.replace(/[^ -~]/g, lower)]),
    plain.replace(/[<>&]/g, lower),
    net,
  ];
}

/** In a page, by the names and by the numbers of what has to be escaped there. */
function inHtml(secret: string): string[] {
  const base = secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const quotes = ["&quot;", "&#34;", "&#x22;"];
  const apostrophes = ["'", "&#39;", "&#039;", "&#x27;", "&apos;"];
  return quotes.flatMap((quote) =>
    apostrophes.map((apostrophe) => base.replaceAll('"', quote).replaceAll("'", apostrophe)),
  );
}

/** In a URL or a form, with and without the characters that only some leave as they are, and in small letters as well. */
function inUrls(secret: string): string[] {
  const plain = encodeURIComponent(secret.toWellFormed());
  const strict = plain.replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
  return [plain, strict]
    .flatMap((url) => [url, url.replaceAll("%20", "+")])
    .flatMap((url) => [url, url.replace(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase())]);
}

/** Of a Standard Webhooks secret the key that it stands for. */
function ofKey(key: string): string[] {
  const bytes = Uint8Array.from(decoded(key), (character) => character.charCodeAt(0));
  return [key, key.replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_"), ...inHex(bytes)];
}

function inHex(bytes: Uint8Array): string[] {
  return [hex(bytes), hex(bytes).toUpperCase()];
}

function withoutSplit(text: string, hidden: readonly string[]): string {
  const starts = hidden.flatMap((secret) => {
    const head = secret.slice(0, TELLING);
    let at = text.indexOf(head, text.length - secret.length + 1);
    while (at >= 0 && !secret.startsWith(text.slice(at))) at = text.indexOf(head, at + 1);
    return at < 0 ? [] : [at];
  });
  return text.slice(0, Math.min(text.length, ...starts));
}

function decoded(text: string): string {
  try {
    return atob(text);
  } catch {
    return "";
  }
}
