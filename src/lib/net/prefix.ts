/** The beginning of a body. */
export interface Prefix {
  bytes: Uint8Array;
  /** There was more, or it did not come. */
  truncated: boolean;
  /** What ended the body before its end and before the limit; `null`: nothing did. */
  failure: unknown;
  /** The body has come to its end: nothing of it is left to be called off. */
  ended: boolean;
}

/**
 * At most `limit` bytes of a body, decompressed; the rest is cancelled and never buffered. Never throws. Ends
 * with the signal, since a body that never ends must not hold anybody up.
 */
export async function readPrefix(
  body: ReadableStream<Uint8Array>,
  limit: number,
  signal: AbortSignal,
): Promise<Prefix> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let truncated = false;
  let ended = false;
  let failure: unknown = null;
  const reader = body.getReader();
  const cancel = () => {
    // Not awaited: whoever never ends its body may never answer this either.
    reader.cancel(signal.reason).catch(() => undefined);
  };
  signal.addEventListener("abort", cancel);
  try {
    while (!truncated) {
      const { done, value } = await reader.read();
      // What is cancelled is done as well.
      signal.throwIfAborted();
      ended = done;
      if (done) break;
      const room = limit - length;
      chunks.push(value.subarray(0, room));
      length += Math.min(value.byteLength, room);
      truncated = value.byteLength > room;
    }
  } catch (error) {
    // All that is wanted is there: whether more would have come, nobody knows.
    if (length < limit) {
      failure = error;
      truncated = true;
    }
  }
  signal.removeEventListener("abort", cancel);
  if (!ended) cancel();
  return { bytes: joined(chunks, length), truncated, failure, ended };
}

/** Chunks, `length` bytes together, as one. */
export function joined<T extends Uint8Array>(chunks: readonly T[], length: number): T | Uint8Array<ArrayBuffer> {
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
