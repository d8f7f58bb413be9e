import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { z } from "zod";
import { ChangedMeanwhile } from "../config/version";
import { logError, rootCause } from "../lib/log";
import { LOG_FULL, LOG_UNWRITTEN, TENANT_GONE } from "../lib/rooms";
import { DAY, HOUR, SECOND } from "../lib/time";

/** After how many seconds a write that failed is worth another try. */
const RETRY_WRITE = 60;

/** One field that was refused; `path` as `events.0`. */
export interface FieldError {
  path: string;
  message: string;
}

/** What an error answer is called, by status. */
export const TITLES: Readonly<Record<number, string>> = {
  400: "Malformed request",
  401: "Not authenticated",
  403: "Not allowed",
  404: "Not found",
  409: "Conflict",
  413: "Too large",
  422: "Invalid request",
  429: "Too many requests",
  500: "Internal error",
  503: "Temporarily unavailable",
};

/** An error answer (RFC 9457). Thrown by handlers, written by {@link answerError}. */
export class Problem extends Error {
  readonly status: ContentfulStatusCode;
  readonly errors: FieldError[] | undefined;
  readonly headers: Record<string, string>;
  /** What it tells besides: extension members (RFC 9457, 3.2). */
  readonly members: Record<string, unknown>;

  constructor(
    status: ContentfulStatusCode,
    detail: string,
    more: { errors?: FieldError[]; headers?: Record<string, string>; members?: Record<string, unknown> } = {},
  ) {
    super(detail);
    this.status = status;
    this.errors = more.errors;
    this.headers = more.headers ?? {};
    this.members = more.members ?? {};
  }
}

/** A 422 that names fields. */
export function invalid(...errors: FieldError[]): Problem {
  const detail = errors.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ");
  return new Problem(422, detail, { errors });
}

/** A 422 from what zod refused, one entry per field; unknown fields are named each. */
export function invalidFrom(error: z.core.$ZodError): Problem {
  return invalid(
    ...error.issues.flatMap((issue): FieldError[] => {
      const path = issue.path.map(String);
      if (issue.code === "unrecognized_keys") {
        return issue.keys.map((key) => ({ path: [...path, key].join("."), message: "is not a known field" }));
      }
      return [{ path: path.join("."), message: issue.message }];
    }),
  );
}

/** Writes any error as problem+json. What is not ours says nothing of its cause to the caller. */
export function answerError(error: Error, c: Context): Response {
  const problem = toProblem(error);
  if (problem.status >= 500) logError("request.failed", error, { method: c.req.method, path: c.req.path });
  return new Response(
    JSON.stringify({
      type: `urn:posthorn:problem:${problem.status}`,
      title: TITLES[problem.status] ?? "Error",
      status: problem.status,
      detail: problem.message,
      ...(problem.errors === undefined ? {} : { errors: problem.errors }),
      ...problem.members,
    }),
    { status: problem.status, headers: { "Content-Type": "application/problem+json", ...problem.headers } },
  );
}

function toProblem(error: Error): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof HTTPException && error.status === 400) return new Problem(400, "The body is not valid JSON.");
  if (error instanceof HTTPException) return new Problem(error.status as ContentfulStatusCode, error.message);
  if (error instanceof ChangedMeanwhile) {
    return new Problem(409, "It was changed by others meanwhile, again and again. Nothing was changed; try again.");
  }
  if (error.message.includes(TENANT_GONE)) return new Problem(404, "There is no such tenant.");
  if (error.message.includes(LOG_FULL)) return logFull(Date.now());
  if (error.message.includes(LOG_UNWRITTEN)) {
    const detail = "The event log could not write. Nothing was accepted; try again.";
    return new Problem(503, detail, { headers: { "Retry-After": String(RETRY_WRITE) } });
  }
  const passing = "retryable" in error || "overloaded" in error || /D1_ERROR/.test(String(rootCause(error)));
  return passing
    ? new Problem(503, "A part of the service is out of reach. Try again.", {
        headers: { "Retry-After": "2" },
      })
    : new Problem(500, "Something went wrong on our side.");
}

/** The 503 of a day whose log takes no more: it ends with the day, in UTC. */
function logFull(now: number): Problem {
  const wait = Math.min(DAY - (now % DAY), HOUR);
  return new Problem(503, "The event log of this day (UTC) is full. Nothing was accepted; the next day goes on.", {
    headers: { "Retry-After": String(Math.ceil(wait / SECOND)) },
  });
}
