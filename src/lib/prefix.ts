import { aborting } from "./aborting";

/** The beginning of a response's body. */
export interface Prefix {
  bytes: Uint8Array;
  /** There was more, or it did not come. */
  truncated: boolean;
  /** What ended the body before its end; `null`: nothing did. */
  failure: unknown;
}

/**
 * At most `limit` bytes of a response's body, decompressed; the rest is cancelled and never buffered. Never throws. Ends
 * when the signal aborts, since a body that never ends must not hold anybody up.
 */
export async function readPrefix(response: Response, limit: number, signal: AbortSignal): Promise<Prefix> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let truncated = false;
  let failure: unknown = null;
  const reader = response.body?.getReader();
  try {
    while (reader !== undefined && !truncated) {
      const { done, value } = await aborting(reader.read(), signal);
      if (done) break;
      const room = limit - length;
      chunks.push(value.subarray(0, room));
      length += Math.min(value.byteLength, room);
      truncated = value.byteLength > room;
    }
  } catch (error) {
    failure = error;
    truncated = true;
  }
  // Not awaited: whoever never ends its body may never answer this either.
  if (truncated) reader?.cancel().catch(() => undefined);
  return { bytes: joined(chunks, length), truncated, failure };
}

/** Chunks, `length` bytes together, as one. */
export function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) return first;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
