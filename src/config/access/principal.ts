import type { Role } from "./keys";

/** What somebody who acts in one tenant may do there: a key's role, or that of a portal link. */
export type TenantRole = Role | "portal" | "portal-viewer";

/** Who calls: the operator, who may do everything, or somebody with a key or a portal link of one tenant. */
export type Principal =
  /** `nth`: which of the operator's keys it was. */
  | { role: "operator"; tenant: null; key: null; nth: number }
  /** `key`: its id, or the portal link's. */
  | { role: TenantRole; tenant: string; key: string };

/** The operator with their nth key. */
export function operatorWith(nth: number): Principal {
  return { role: "operator", tenant: null, key: null, nth };
}

/** Whether the role is that of a portal link. */
export function isPortal(role: Principal["role"] | undefined): boolean {
  return role === "portal" || role === "portal-viewer";
}
