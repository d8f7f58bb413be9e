import type { MiddlewareHandler } from "hono";
import { readJson } from "../lib/exact";
import { joined } from "../lib/prefix";
import type { AppContext, AppEnv } from "./context";
import { Problem } from "./problem";

/** The largest request, in bytes. */
export const MAX_BODY = 1_048_576;
const JSON_TYPE = "application/json";

/**
 * Reads the body of a request that has one: at most 1 MiB, valid UTF-8, valid JSON. It is then at hand as text, and as
 * JSON whatever the `Content-Type` says, since nothing but JSON is spoken here: parsed once, for whoever asks, so nobody
 * may change it. An empty body has no type: routes that need one refuse it.
 */
export const readBody: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (["POST", "PUT", "PATCH"].includes(c.req.method)) {
    const text = decode(await readLimited(c.req.raw));
    const empty = text.trim() === "";
    if (!empty) {
      const value = parse(text);
      c.req.json = async () => value;
    }
    if (empty || c.req.header("Content-Type") !== JSON_TYPE) retype(c, empty ? null : text);
    c.req.bodyCache.text = Promise.resolve(text) as never;
  }
  await next();
};

/** Makes the request say that its body is JSON, or that it has none. */
function retype(c: AppContext, text: string | null): void {
  const headers = new Headers(c.req.raw.headers);
  if (text === null) headers.delete("Content-Type");
  else headers.set("Content-Type", JSON_TYPE);
  c.req.raw = new Request(c.req.raw.url, { method: c.req.method, headers, body: text });
}

async function readLimited(request: Request): Promise<Uint8Array> {
  // Whoever says how long it is sends no more than that, and it can be read at once.
  const said = request.headers.get("Content-Length");
  if (said !== null && Number(said) <= MAX_BODY) {
    const whole = new Uint8Array(await request.arrayBuffer());
    if (whole.byteLength <= MAX_BODY) return whole;
    throw tooLarge();
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > MAX_BODY) throw tooLarge();
    chunks.push(chunk);
  }
  return joined(chunks, length);
}

function tooLarge(): Problem {
  return new Problem(413, `The body may have at most ${MAX_BODY} bytes.`);
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Problem(400, "The body is not valid UTF-8.");
  }
}

// biome-ignore lint/suspicious/noExplicitAny: as Hono has it
function parse(text: string): any {
  try {
    return readJson(text);
  } catch {
    throw new Problem(400, "The body is not valid JSON.");
  }
}
