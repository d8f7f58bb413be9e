/**
 * What a route says of itself besides what it takes and answers: who may use it. Permissions, the document and what the
 * dashboard offers are all derived from that.
 * @module
 */
import { createRoute as create, type RouteConfig } from "@hono/zod-openapi";
import type { Principal } from "../../config/access/principal";
import { OPERATOR, type Roles } from "./roles";

/** The roles of each route, by its method and path: `GET /v1/tenants/:tenant`. */
const declared = new Map<string, Roles>();

type Declared = Omit<RouteConfig, "path"> & {
  path: string;
  operationId: string;
  summary: string;
  description: string;
  /** Who may use it; that a key acts only on its own tenant is decided before: auth.ts. */
  roles: Roles;
};

/** A route with the roles that it is for. Throws where its method and path have a route already. */
export function createRoute<P extends string, R extends Declared & { path: P }>(said: R) {
  const { roles, ...rest } = said;
  const route = create<P, R>({ ...rest, description: `${rest.description}\n\n${rolesText(roles)}` } as unknown as R);
  const name = nameOf(rest.method, route.getRoutingPath());
  if (declared.has(name)) throw new Error(`${name} is declared twice`);
  declared.set(name, roles);
  return route;
}

function nameOf(method: string, path: string): string {
  return `${method.toUpperCase()} ${path}`;
}

/** Who may use a route, as its description ends. */
function rolesText(roles: Roles): string {
  if (roles === "anybody") return "Needs no key.";
  return `Roles: ${["operator", ...roles].map((role) => `\`${role}\``).join(", ")}.`;
}

/** Whether somebody of that role may use the route `GET /v1/tenants/:tenant`. What no route says is the operator's. */
export function isFor(role: Principal["role"], route: string): boolean {
  const roles = declared.get(route) ?? OPERATOR;
  return role === "operator" || roles === "anybody" || roles.includes(role);
}

/** Throws where a route of the API does not say who may use it. For the start, when all are in place. */
export function demandRoles(routes: readonly { method: string; path: string }[]): void {
  for (const { method, path } of routes) {
    if (method === "ALL" || !path.startsWith("/v1/") || declared.has(nameOf(method, path))) continue;
    throw new Error(`${nameOf(method, path)} does not say whose it is: make it with createRoute of api/http/route.ts`);
  }
}
