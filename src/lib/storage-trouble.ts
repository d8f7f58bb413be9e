import { rootCause } from "./log";

/**
 * Why storage, D1's or an object's, did not do what it was asked. `full`: there is no room. `broken`: it cannot be read or
 * written at all. `passing`: it was busy, reset or out of reach, and is worth asking again soon.
 */
export type StorageTrouble = "full" | "broken" | "passing";

// What SQLite calls it, with and without its code, and how D1 and Durable Objects put their own limits: neither has more
// than a message. (Cloudflare's docs: d1/observability/debug-d1, durable-objects/observability/troubleshooting; workerd,
// sqlite.c++.)
const FULL =
  /SQLITE_FULL|database or disk is full|maximum (?:DB|database|(?:account )?storage) size|storage (?:limit|quota)/i;
const BROKEN =
  /SQLITE_(?:IOERR|CORRUPT|NOTADB|CANTOPEN|READONLY|PERM|AUTH)|disk I\/O error|disk image is malformed|readonly database|unable to open database|not a database/i;
const PASSING =
  /SQLITE_(?:BUSY|LOCKED|INTERRUPT|NOMEM|PROTOCOL)|database (?:table )?is locked|is overloaded|exceeded timeout|object (?:to be )?reset|starting up D1|Network connection lost|transient issue|^internal error|can no longer access storage|CPU time limit and was reset/i;

/** What kept storage from doing what it was asked; `null`: the error is of another kind. Pure. */
export function storageTrouble(error: unknown): StorageTrouble | null {
  const root = rootCause(error);
  const message = root instanceof Error ? root.message : String(root);
  if (FULL.test(message)) return "full";
  if (BROKEN.test(message)) return "broken";
  const told = [error, root].some((one) => one instanceof Error && ("retryable" in one || "overloaded" in one));
  return told || /D1_ERROR/.test(message) || PASSING.test(message) ? "passing" : null;
}
