import type { Role } from "./keys";

/** What somebody who acts in one tenant may do there: a key's role, or that of a portal link. */
export type TenantRole = Role | "portal";

/** Who calls: the operator, who may do everything, or somebody with a key or a portal link of one tenant. */
export type Principal =
  | { role: "operator"; tenant: null; key: null }
  /** `key`: its id, or the portal link's. */
  | { role: TenantRole; tenant: string; key: string };

/** The operator. */
export const OPERATOR: Principal = { role: "operator", tenant: null, key: null };
