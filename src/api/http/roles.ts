/**
 * Who may do what: each route names one of these.
 * @module
 */

import type { TenantRole } from "../../config/access/principal";

/** The roles of tenants' keys and portals that may use a route besides the operator, who may use every one. */
export type Roles = readonly TenantRole[] | "anybody";

export const OPERATOR: Roles = [];
export const ADMIN: Roles = ["admin"];
/** Who manages endpoints: a portal is for that, and for reading what they got. */
export const MANAGERS: Roles = ["admin", "portal"];
export const READERS: Roles = ["admin", "viewer", "portal", "portal-viewer"];
export const PRODUCERS: Roles = ["admin", "producer"];
/** Whoever has a key or a portal link. */
export const MEMBERS: Roles = ["admin", "producer", "viewer", "portal", "portal-viewer"];
/** Also who has none. */
export const ANYBODY: Roles = "anybody";
