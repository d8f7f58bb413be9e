import { aborting } from "./aborting";

/** The beginning of a response's body. */
export interface Prefix {
  bytes: Uint8Array<ArrayBuffer>;
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
  const prefix = new Uint8Array(limit);
  let length = 0;
  let truncated = false;
  let failure: unknown = null;
  const reader = response.body?.getReader();
  try {
    while (reader !== undefined && !truncated) {
      const { done, value } = await aborting(reader.read(), signal);
      if (done) break;
      const room = limit - length;
      prefix.set(value.subarray(0, room), length);
      length += Math.min(value.byteLength, room);
      truncated = value.byteLength > room;
    }
  } catch (error) {
    failure = error;
    truncated = true;
  }
  // Not awaited: whoever never ends its body may never answer this either.
  if (truncated) reader?.cancel().catch(() => undefined);
  return { bytes: prefix.subarray(0, length), truncated, failure };
}
