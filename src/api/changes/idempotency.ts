/**
 * `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) of every POST that makes or does something: a repeat
 * within 24 hours is answered as the first request was. Events and observations have a mechanism of their own, since what
 * they write is where their keys are kept.
 * @module
 */

import { z } from "@hono/zod-openapi";
import type { MiddlewareHandler } from "hono";
import { serviceOf } from "../../config/databases";
import { claimKey, type KeyedRequest, keepAnswer, releaseKey } from "../../config/kept-answers";
import { secretsKey, secretsKeys } from "../../contracts/env";
import { base64Url, seal, sha256, unseal } from "../../lib/crypto";
import { newId } from "../../lib/ids";
import { logError } from "../../lib/log";
import type { AppContext, AppEnv } from "../http/context";
import { invalidFrom } from "../problems/field-wording";
import { Problem, usedKey } from "../problems/problem";

const NAME = "Idempotency-Key";
/** After how many seconds the answer of a request that is under way is worth another look; most take less. */
const LOOK_AGAIN = 1;

/** The header's value: a string as RFC 8941 writes it, or the same without its quotes. */
const key = z
  .string()
  .transform((text) => (/^"(?:[^"\\]|\\["\\])*"$/.test(text) ? text.slice(1, -1).replace(/\\(.)/g, "$1") : text))
  .pipe(z.string().min(1).max(255))
  .optional()
  .openapi({
    type: "string",
    minLength: 1,
    maxLength: 255,
    description:
      "A repeat within 24 hours is answered as the first request was; another request under the key is a 422.",
  });

/** The headers of a route that takes an `Idempotency-Key`. */
export const keyHeader = z.object({ "idempotency-key": key });

/** The key that a request names, without the quotes that it may have. A 422 for what is none. */
export function keyOf(c: Pick<AppContext, "req">): string | undefined {
  const result = keyHeader.safeParse({ "idempotency-key": c.req.header(NAME) });
  if (!result.success) throw invalidFrom(result.error);
  return result.data["idempotency-key"];
}

/** An answer as it is kept. */
interface Kept {
  status: number;
  headers: [name: string, value: string][];
  body: string;
}

/**
 * Answers a repeat as the first request was answered; a 422 when it is another request, a 409 while the first is under
 * way. Only what went well is kept: after anything else a repeat is a new try.
 */
export const idempotent: MiddlewareHandler<AppEnv> = async (c, next) => {
  const named = keyOf(c);
  if (named === undefined) return next();
  const d1 = serviceOf(c.env);
  const request = await keyedRequest(c, named);
  const found = await claimKey(d1, request, Date.now());
  if (found.kind !== "claimed") {
    if (found.fingerprint !== request.fingerprint) throw usedKey(NAME);
    if (found.kind === "under way") throw underWay(found.secondsLeft);
    return replayed(JSON.parse(await unseal(secretsKeys(c.env), ownerOf(request), found.answer)));
  }
  await next();
  try {
    if (c.res.ok) await keepAnswer(d1, request, await sealedAnswer(c, request), Date.now());
    else await releaseKey(d1, request);
  } catch (error) {
    // What was asked for is done, and the caller is to know. The claim ends by itself.
    logError("answer.unkept", error, { tenant: c.get("tenant") ?? null });
  }
};

/** The request as its key knows it: the same key of another caller, or of a tenant's successor, is another key. */
async function keyedRequest(c: AppContext, named: string): Promise<KeyedRequest> {
  const caller = c.get("principal").key ?? "operator";
  const tenant = c.get("tenant") === undefined ? null : [c.get("tenant"), c.get("snapshot").since];
  const { pathname, search } = new URL(c.req.url);
  const [id, fingerprint] = await Promise.all([
    sha256(JSON.stringify([tenant, caller, named])),
    sha256(JSON.stringify([c.req.method, pathname, search, await c.req.text()])),
  ]);
  return { id: base64Url(id), fingerprint: base64Url(fingerprint), claim: newId("claim", Date.now()) };
}

function ownerOf({ id }: KeyedRequest): string {
  return `answer/${id}`;
}

async function sealedAnswer(c: AppContext, request: KeyedRequest): Promise<string> {
  const { res } = c;
  const kept: Kept = { status: res.status, headers: [...res.headers], body: await res.clone().text() };
  return seal(secretsKey(c.env), ownerOf(request), JSON.stringify(kept));
}

function replayed({ status, headers, body }: Kept): Response {
  return new Response(body === "" ? null : body, { status, headers: [...headers, ["Idempotency-Replayed", "true"]] });
}

function underWay(secondsLeft: number): Problem {
  const detail = "The first request under this Idempotency-Key is under way. Repeat yours to see what comes of it.";
  return new Problem("request-under-way", detail, {
    headers: { "Retry-After": String(Math.min(secondsLeft, LOOK_AGAIN)) },
  });
}
