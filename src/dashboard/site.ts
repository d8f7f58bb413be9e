import type { Context } from "hono";
import { isFor } from "../api/http/route";
import type { Client } from "../client/index";
import { OPERATIONS, type Operations } from "../client/operations";
import type { Principal } from "../config/access/principal";
import type { Env } from "../contracts/env";
import type { Session } from "./session";

/** Answers a request to the API as somebody who is known: the dashboard's one way to read and change anything. */
export type Call = (principal: Principal, request: Request, env: Env, context: ExecutionContext) => Promise<Response>;

/** Where the same pages stand: for those with a key, and for those with a portal link. */
export const BASES = ["/dashboard", "/portal"] as const;
export type Base = (typeof BASES)[number];

export const THEMES = ["light", "dark", "auto"] as const;
export type Theme = (typeof THEMES)[number];

/** What every page knows of its visitor. */
export interface Visit {
  base: Base;
  theme: Theme;
  /** What its forms carry. */
  token: string;
  /** The page's path and query. */
  here: string;
}

/** What pages know of somebody who is signed in. */
export interface Site extends Visit {
  principal: Principal;
  /** When the session ends, in ms. */
  endsAt: number;
  /** The API, as this principal. */
  api: Client;
  /** The API where JSON is needed as its text is; throws like the client. */
  text: (path: string, body?: string, method?: string, headers?: Record<string, string>) => Promise<string>;
  /** The API where the answer's headers are needed. */
  send: (request: Request) => Promise<Response>;
  may: May;
}

/**
 * Which of the API's operations the visitor may use, as the routes say it: `may.endpoints.update`. The API decides; this
 * keeps the pages from offering what it would refuse.
 */
export type May = { [Resource in keyof Operations]: { [Name in keyof Operations[Resource]]: boolean } };

const offered = new Map<Principal["role"], May>();

/** What a role is offered. */
export function mayOf(role: Principal["role"]): May {
  const known = offered.get(role);
  if (known !== undefined) return known;
  const made = Object.fromEntries(
    Object.entries(OPERATIONS).map(([resource, routes]) => [
      resource,
      Object.fromEntries(Object.entries(routes).map(([name, route]) => [name, isFor(role, route)])),
    ]),
  ) as May;
  offered.set(role, made);
  return made;
}

export interface SiteEnv {
  Bindings: Env;
  /** `session`: as its cookie has it; whether it still lets somebody in is asked where that counts. */
  Variables: { visit: Visit; session: Session | null; site: Site; form: FormData };
}

export type SiteContext = Context<SiteEnv>;
/** A page's context with its path parameters known. */
export type At<Path extends string> = Context<SiteEnv, Path>;

/** The path of a page, its parts encoded. */
export function path(base: Base, ...parts: string[]): string {
  return [base, ...parts.map(encodeURIComponent)].join("/");
}

/** The guide that somebody who looks for help is led to: a customer runs a receiver, whoever has a key all of it. */
export function helpOf(base: Base): string {
  return base === "/portal" ? "/docs/receivers" : "/docs";
}

/**
 * The attributes of a link to a guide. From a portal it opens a page of its own: a portal may stand in another page's frame,
 * and the guides may not.
 */
export function guideLink(base: Base, to: string): { href: string; target?: string; rel?: string } {
  return base === "/portal" ? { href: to, target: "_blank", rel: "noopener" } : { href: to };
}

/** A path with a query; what is empty is left out. */
export function withQuery(at: string, query: Record<string, string | number | null | undefined>): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const text = new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString();
  return text === "" ? at : `${at}?${text}`;
}

/** The path of a tenant's page. */
export function tenantPath(c: SiteContext, ...parts: string[]): string {
  return path(c.get("site").base, "tenants", c.req.param("tenant") ?? "", ...parts);
}
