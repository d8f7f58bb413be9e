import { sameText } from "./crypto";

/** The reserved tenant of the SaaS team: its events tell how the other tenants' endpoints fare. */
export const OPERATOR_TENANT = "operator";

/** Where the operator's keys stand. */
interface OperatorKeys {
  OPERATOR_KEY?: string;
  OPERATOR_KEY_NEXT?: string;
}

/** The operator's keys: one, or two while the first is being replaced. */
export function operatorKeys({ OPERATOR_KEY, OPERATOR_KEY_NEXT }: OperatorKeys): string[] {
  return [OPERATOR_KEY, OPERATOR_KEY_NEXT].filter((key): key is string => key !== undefined && key !== "");
}

/** Which of the operator's keys it is, in constant time; -1: none. */
export function operatorKeyAt(env: OperatorKeys, key: string): number {
  // Each is compared, whatever the first comparison says.
  const same = operatorKeys(env).map((known) => sameText(known, key));
  return same.indexOf(true);
}

/** Whether the key is one of the operator's, in constant time. */
export function isOperatorKey(env: OperatorKeys, key: string): boolean {
  return operatorKeyAt(env, key) >= 0;
}
