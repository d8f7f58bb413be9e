import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { unboundIn } from "../../config/databases";
import { ChangedMeanwhile } from "../../config/version";
import { LOG_FULL, LOG_UNWRITTEN, TENANT_GONE } from "../../contracts/event-log";
import type { Misconfigured } from "../../lib/configuration";
import { logError } from "../../lib/log";
import { requestId } from "../../lib/request-id";
import { type StorageTrouble, storageTrouble } from "../../lib/storage-trouble";
import { DAY, HOUR, SECOND } from "../../lib/time";
import { PROBLEMS, type ProblemCode, typeOf } from "./problem-codes";

/** After how many seconds a write that failed is worth another try. */
const RETRY_WRITE = 60;
/** After how many seconds another look is worth it: somebody has to deploy first. */
const LOOK_AGAIN = 60;

/** One field that was refused; `path` as `events.0`. */
export interface FieldError {
  path: string;
  message: string;
}

/** An error answer (RFC 9457). Thrown by handlers, written by {@link answerError}. Its status is its cause's. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly errors: FieldError[] | undefined;
  readonly headers: Record<string, string>;
  /** What it tells besides: extension members (RFC 9457, 3.2). */
  readonly members: Record<string, unknown>;

  constructor(
    code: ProblemCode,
    detail: string,
    more: { errors?: FieldError[]; headers?: Record<string, string>; members?: Record<string, unknown> } = {},
  ) {
    super(detail);
    this.code = code;
    this.errors = more.errors;
    this.headers = more.headers ?? {};
    this.members = more.members ?? {};
  }

  get status(): ContentfulStatusCode {
    return PROBLEMS[this.code].status;
  }
}

/** A 422 that names fields. */
export function invalid(...errors: FieldError[]): Problem {
  return refusing("invalid", errors);
}

/** The 422 of a key whose first use said something else; `path`: what the key was given as. */
export function usedKey(path: string): Problem {
  const message = "was used within the last 24 hours with another body";
  return refusing("idempotency-key-reused", [{ path, message }]);
}

function refusing(code: ProblemCode, errors: FieldError[]): Problem {
  const detail = errors.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
  return new Problem(code, detail, { errors });
}

/**
 * The headers of a 429: nothing is left of that limit for so many seconds, in today's words and in those of the IETF's
 * draft (draft-ietf-httpapi-ratelimit-headers). How much the limit allows is the binding's to know, and is not told here.
 */
export function spent(limit: string, seconds: number): Record<string, string> {
  return { "Retry-After": String(seconds), RateLimit: `"${limit}";r=0;t=${seconds}` };
}

/** Of every answer: it is for whoever asked, since it may have secrets in it, and is never anything but what it says it is. */
export const PRIVATE = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" } as const;

/** Writes any error as problem+json. What is not ours says nothing of its cause to the caller. */
export function answerError(error: Error, c: Context): Response {
  const problem = toProblem(error);
  if (problem.status >= 500) logError("request.failed", error, { method: c.req.method, path: c.req.path });
  return new Response(
    JSON.stringify({
      type: typeOf(problem.code),
      code: problem.code,
      title: PROBLEMS[problem.code].title,
      status: problem.status,
      detail: problem.message,
      ...(problem.errors === undefined ? {} : { errors: problem.errors }),
      ...problem.members,
      requestId: requestId(),
    }),
    { status: problem.status, headers: { "Content-Type": "application/problem+json", ...PRIVATE, ...problem.headers } },
  );
}

function toProblem(error: Error): Problem {
  if (error instanceof Problem) return error;
  // What Hono's validators throw: the only thing that they refuse by themselves is a body.
  if (error instanceof HTTPException && error.status < 500) {
    return new Problem("body-not-json", "The body is not valid JSON.");
  }
  if (error instanceof ChangedMeanwhile) {
    const detail = "It was changed by others meanwhile, again and again. Nothing was changed; try again.";
    return new Problem("changed-meanwhile", detail);
  }
  if (error.message.includes(TENANT_GONE)) return new Problem("tenant-unknown", "There is no such tenant.");
  if (error.message.includes(LOG_FULL)) return logFull(Date.now());
  if (error.message.includes(LOG_UNWRITTEN)) {
    const why = { full: ": its storage is full", broken: ": its storage cannot be used", passing: "" };
    const trouble = storageTrouble(error) ?? "passing";
    const detail = `The event log could not write${why[trouble]}. Nothing was accepted; try again.`;
    return new Problem("event-log-unwritten", detail, { headers: { "Retry-After": String(RETRY_WRITE) } });
  }
  return outsideProblem(error) ?? new Problem("internal", "Something went wrong on our side.");
}

/** The 503 of a deployment in which something is missing or wrong: each is named, and none is shown. */
export function misconfiguredProblem(faults: readonly Misconfigured[]): Problem {
  return new Problem("misconfigured", misconfiguredText(faults), {
    errors: faults.map(({ name, message }) => ({ path: name, message })),
    headers: { "Retry-After": String(LOOK_AGAIN) },
  });
}

/** What is wrong with a deployment, in a sentence. */
export function misconfiguredText(faults: readonly Misconfigured[]): string {
  return `This deployment is misconfigured: ${faults.map(({ name, message }) => `${name} ${message}`).join("; ")}.`;
}

/**
 * The 503 of what lies outside of the request, storage or the deployment; `null`: an error is not of that. A database that
 * was taken away leaves its tenants unreachable, and is to be bound again.
 */
export function outsideProblem(error: Error): Problem | null {
  const name = unboundIn(error);
  if (name === null) return storageProblem(error);
  return misconfiguredProblem([{ name, message: "is not bound, and has tenants: bind it again" }]);
}

/** The 503 of storage that did not do what it was asked, whether that was to read or to write; `null`: it is not that. */
export function storageProblem(error: Error): Problem | null {
  const trouble = storageTrouble(error);
  if (trouble === null) return null;
  const [code, detail, after] = STORAGE[trouble];
  return new Problem(code, detail, { headers: { "Retry-After": String(after) } });
}

/** What is told of storage, and after how many seconds it is worth another try. */
const STORAGE = {
  full: ["storage-full", "Storage is full, so that this could not be done. Try again when there is room.", RETRY_WRITE],
  broken: ["storage-unusable", "Storage can neither be read nor written, so that this could not be done.", RETRY_WRITE],
  passing: ["out-of-reach", "A part of the service is out of reach. Try again.", 2],
} as const satisfies Record<StorageTrouble, [ProblemCode, string, number]>;

/** The 503 of a day whose log takes no more: it ends with the day, in UTC. */
function logFull(now: number): Problem {
  const wait = Math.min(DAY - (now % DAY), HOUR);
  const detail = "The event log of this day (UTC) is full. Nothing was accepted; the next day goes on.";
  return new Problem("event-log-full", detail, { headers: { "Retry-After": String(Math.ceil(wait / SECOND)) } });
}
