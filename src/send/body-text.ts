/**
 * A response's body as text, for the log. Pure.
 */

/** Types that are no text, if they are not UTF-8 all the same. */
const BINARY_TYPES = /^\s*(?:(?:image|audio|video|font)\/|application\/(?:octet-stream|zip|gzip|x-gzip|pdf|wasm)\b)/i;
/** Characters that no text has, but other files nearly always: https://mimesniff.spec.whatwg.org/#binary-data-byte */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what is looked for.
const NO_TEXT = /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/;
const UTF_8 = new TextDecoder();

/**
 * The text of a body's beginning: by its byte order mark, else by the `charset` of its `Content-Type`, else as UTF-8. Bytes
 * that are no text are not shown but told of, as `[binary, 1234 bytes]`. `cut`: it goes on, so a character that the cut has
 * split is left out.
 */
export function textOf(bytes: Uint8Array, contentType: string | null, cut: boolean): string {
  if (bytes.byteLength === 0) return "";
  // `stream: true` leaves a character out that the cut has split; such a decoder has a memory, so it is one for each.
  const label = byMark(bytes) ?? charsetOf(contentType);
  const decoder = decoderOf(label, cut);
  const text = decoder.decode(bytes, { stream: cut });
  const isBinary = NO_TEXT.test(text) || (text.includes("\ufffd") && BINARY_TYPES.test(contentType ?? ""));
  return isBinary ? `[binary, ${bytes.byteLength} bytes]` : text;
}

/** The encoding that a byte order mark tells, which goes before all else: https://encoding.spec.whatwg.org/#bom-sniff */
function byMark([first, second]: Uint8Array): string | null {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : null;
}

function charsetOf(contentType: string | null): string | null {
  return /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType ?? "")?.[1] ?? null;
}

function decoderOf(label: string | null, cut: boolean): TextDecoder {
  if (label === null || /^utf-?8$/i.test(label)) return cut ? new TextDecoder() : UTF_8;
  try {
    return new TextDecoder(label);
  } catch {
    // Nobody knows this one.
    return new TextDecoder();
  }
}
