import type { MiddlewareHandler } from "hono";
import { readJson } from "../../lib/json/exact";
import { readLimited } from "../../lib/net/limited-body";
import { Problem } from "../problems/problem";
import type { AppContext, AppEnv } from "./context";

/** The largest request, in bytes. */
export const MAX_BODY = 1_048_576;
const JSON_TYPE = "application/json";

/** What `curl -d` and `fetch` call any text that nobody has named: there the text itself says whether it is JSON. */
const UNNAMED_TYPE = /^(?:application\/x-www-form-urlencoded|text\/plain)\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?$/i;
/** JSON by any name, in UTF-8 or without saying so. */
const JSON_TYPES = /^application\/(?:[\w!#$&^.+-]+\+)?json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?$/i;

/**
 * Reads the body of a request that has one: at most 1 MiB, valid UTF-8, valid JSON, not compressed; a 415 for what says
 * that it is something else. It is then at hand as text, and as JSON: parsed once, for whoever asks, so nobody may change
 * it. An empty body has no type: routes that need one refuse it.
 */
export const readBody: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (["POST", "PUT", "PATCH"].includes(c.req.method)) {
    const unnamed = checkType(c.req.raw);
    const bytes = await readLimited(c.req.raw, MAX_BODY);
    if (bytes === null) throw new Problem("body-too-large", `The body may have at most ${MAX_BODY} bytes.`);
    const text = decode(bytes);
    const empty = text.trim() === "";
    if (!empty) {
      const value = parse(text, unnamed);
      c.req.json = async () => value;
    }
    if (empty || c.req.header("Content-Type") !== JSON_TYPE) retype(c, empty ? null : text);
    c.req.bodyCache.text = Promise.resolve(text) as never;
  }
  await next();
};

/** Refuses a body that says it is no JSON. Answers whether it says nothing that could be relied on. */
function checkType({ headers, body }: Request): boolean {
  if (body === null || headers.get("Content-Length") === "0") return false;
  const encoding = headers.get("Content-Encoding")?.trim().toLowerCase() ?? "";
  if (encoding !== "" && encoding !== "identity") {
    throw new Problem("encoding-unsupported", "The body is compressed. Send it as it is.", {
      headers: { "Accept-Encoding": "identity" },
    });
  }
  const type = headers.get("Content-Type")?.trim() ?? "";
  if (type !== "" && UNNAMED_TYPE.test(type)) return true;
  if (type === "" || JSON_TYPES.test(type)) return false;
  throw notJson();
}

function notJson(): Problem {
  const detail = "The body must be JSON in UTF-8, and say so: `Content-Type: application/json`.";
  return new Problem("media-type-unsupported", detail, { headers: { Accept: JSON_TYPE } });
}

/** Makes the request say that its body is JSON, or that it has none. */
function retype(c: AppContext, text: string | null): void {
  const headers = new Headers(c.req.raw.headers);
  if (text === null) headers.delete("Content-Type");
  else headers.set("Content-Type", JSON_TYPE);
  c.req.raw = new Request(c.req.raw.url, { method: c.req.method, headers, body: text });
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new Problem("body-not-utf8", "The body is not valid UTF-8.");
  }
}

// biome-ignore lint/suspicious/noExplicitAny: as Hono has it
function parse(text: string, unnamed: boolean): any {
  try {
    return readJson(text);
  } catch {
    if (unnamed) throw notJson();
    throw new Problem("body-not-json", "The body is not valid JSON.");
  }
}
