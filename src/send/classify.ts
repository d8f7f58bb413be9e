import type { DeliveryError } from "../contracts/delivery";
import { parseHttpDate } from "../lib/net/http-date";
import { SECOND } from "../lib/time";

/** What came of a request: an answer, or the way in which there was none. */
export type Answer = { status: number; stoodIn?: boolean } | { failed: "timeout" | "connection" | "blocked" };

/** What went wrong with an attempt; `null`: it succeeded, with any 2xx. Pure. */
export function classify(answer: Answer): DeliveryError | null {
  if ("failed" in answer) return answer.failed;
  const { status, stoodIn = false } = answer;
  if (stoodIn) return "connection";
  if (status >= 200 && status < 300) return null;
  if (status >= 300 && status < 400) return "redirect";
  return status === 410 ? "gone" : "status";
}

/** What Cloudflare answers with in place of a receiver that it could not reach, or not talk TLS with, or not find. */
const STAND_INS = [520, 521, 522, 523, 524, 525, 526, 527, 530];

/**
 * Whether an answer is Cloudflare's own, made where there was none: deployed, a name that does not resolve, a refused
 * connection or a bad certificate come back as an answer (530, 521, 526 …), not as an exception. No standard gives these
 * statuses to a receiver, so any one mark of Cloudflare's will do: its `Server` or `CF-Ray` header, or its page, which is
 * the line `error code: N` for whoever asks for no HTML. A receiver behind Cloudflare whose origin is down looks the same,
 * and is the same: nobody there has taken the delivery. Pure; `body`: the beginning of the answer's.
 */
export function isStandIn(status: number, headers: Headers, body: string): boolean {
  if (!STAND_INS.includes(status)) return false;
  const server = headers.get("server")?.trim().toLowerCase();
  return server === "cloudflare" || headers.has("cf-ray") || /^\s*error code: \d+\s*$/i.test(body);
}

/**
 * The seconds that a `Retry-After` header asks for (RFC 9110, 10.2.3: seconds or a date), counted from `now` (ms);
 * `null` when there is none that counts: it does on 429 and 503 only, and a time that has passed asks for nothing. Pure.
 */
export function retryAfterOf(status: number, header: string | null, now: number): number | null {
  if (header === null || (status !== 429 && status !== 503)) return null;
  const text = header.trim();
  if (/^\d+$/.test(text)) return Number(text);
  const at = parseHttpDate(text, now);
  return at === null || at <= now ? null : Math.ceil((at - now) / SECOND);
}
