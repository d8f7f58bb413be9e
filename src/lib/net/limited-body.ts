import { joined } from "./prefix";

/** The body of a request; `null`: it has more than `most` bytes, of which no more are read than it takes to know. */
export async function readLimited(request: Request, most: number): Promise<Uint8Array<ArrayBuffer> | null> {
  // Whoever says how long it is sends no more than that, and it can be read at once.
  const said = request.headers.get("Content-Length");
  if (said !== null && Number(said) <= most) {
    const whole = new Uint8Array(await request.arrayBuffer());
    return whole.byteLength <= most ? whole : null;
  }
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > most) return null;
    chunks.push(chunk);
  }
  return joined(chunks, length);
}
