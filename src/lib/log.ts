import { requestId } from "./request-id";

/** Writes one wide log line: a JSON object with ids and durations, never a payload or a secret. What a request leads to says its id. */
export function log(step: string, fields: Record<string, unknown> = {}): void {
  console.log(JSON.stringify({ step, ...fields, requestId: requestId() }));
}

/** The error at the bottom of a chain of causes: Drizzle wraps D1's in one that quotes every parameter. */
export function rootCause(error: unknown): unknown {
  let root = error;
  while (root instanceof Error && root.cause !== undefined) root = root.cause;
  return root;
}

/** Like {@link log}, at error level; of the error only the message of its root cause is kept. */
export function logError(step: string, error: unknown, fields: Record<string, unknown> = {}): void {
  const root = rootCause(error);
  const message = root instanceof Error ? root.message : String(root);
  console.error(JSON.stringify({ step, error: message, ...fields, requestId: requestId() }));
}
