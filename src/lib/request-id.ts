/// <reference types="node/async_hooks" />
import { AsyncLocalStorage } from "node:async_hooks";
import { newId } from "./ids";

/** What a caller's id may look like: it goes into headers and log lines. */
const SANE = /^[A-Za-z0-9][A-Za-z0-9_.:/+=@-]{0,127}$/;

export const REQUEST_ID = "X-Request-Id";

const current = new AsyncLocalStorage<string>();

/** The id of the request that is being answered, or of the batch, wherever that has led within this invocation; absent outside of one. */
export function requestId(): string | undefined {
  return current.getStore();
}

/** The id that a caller gives a request, or a new one for what is no id (`now` in ms). Pure but for that. */
export function requestIdOf(given: string | null, now: number): string {
  return given !== null && SANE.test(given) ? given : newId("req", now);
}

/** Runs what no request asks for, such as a batch of a queue, under an id of its own: its log lines say it (`now` in ms). */
export function underNewId<T>(now: number, run: () => T): T {
  return current.run(newId("req", now), run);
}

/** Answers a request under its id: log lines and problems say it, and so does the answer, as {@link REQUEST_ID},
 * unless whoever made it has said so already: on an answer that is there, a header makes it anew. */
export async function underRequestId(
  request: Request,
  now: number,
  answer: () => Response | Promise<Response>,
): Promise<Response> {
  const id = requestIdOf(request.headers.get(REQUEST_ID), now);
  const response = await current.run(id, answer);
  if (!response.headers.has(REQUEST_ID)) response.headers.set(REQUEST_ID, id);
  return response;
}
