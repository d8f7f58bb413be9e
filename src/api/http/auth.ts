import type { MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import { findHolder, isTouchDue, type KeyHolder, touchKey } from "../../config/access/keys";
import { isPortal, operatorWith, type Principal } from "../../config/access/principal";
import { configOf, databasesOf } from "../../config/databases";
import { snapshotOf } from "../../config/snapshot";
import { keysIfAny } from "../../contracts/env";
import { logError } from "../../lib/log";
import { operatorKeyAt } from "../../lib/operator";
import { Problem, spent } from "../problems/problem";
import type { AppContext, AppEnv } from "./context";
import { isRefusedTooOften, REFUSALS_PERIOD } from "./refusal-rate";
import { isFor } from "./route";

/** Requests made inside the Worker, for somebody who has shown already who they are. */
const vouched = new WeakMap<Request, Principal>();

/**
 * Vouches for who makes a request, so that it needs no key. By the object and not by a header: nothing that comes over
 * the network can claim it.
 */
export function vouch(request: Request, principal: Principal): void {
  vouched.set(request, principal);
}

/** Turns the bearer key into a principal, or answers 401; 429 where that was answered too often. */
export const authenticate: MiddlewareHandler<AppEnv> = async (c, next) => {
  const known = vouched.get(c.req.raw);
  if (known !== undefined) {
    c.set("principal", known);
    return next();
  }
  const [, key] = /^Bearer +(\S+) *$/i.exec(c.req.header("Authorization") ?? "") ?? [];
  if (key === undefined) throw await unauthorized(c, "key-missing", "Send your key as `Authorization: Bearer KEY`.");
  const nth = operatorKeyAt(c.env, key);
  const principal = nth >= 0 ? operatorWith(nth) : await holderOf(c, key);
  if (principal === null) throw await unauthorized(c, "key-unknown", "The key is not known.");
  c.set("principal", principal);
  await next();
};

async function holderOf(c: AppContext, key: string): Promise<Principal | null> {
  const now = Date.now();
  const holder = await findHolder(databasesOf(c.env), key, now, keysIfAny(c.env));
  if (holder === null) return null;
  if (isTouchDue(holder.id, now)) c.executionCtx.waitUntil(touch(c, holder, now));
  return { role: holder.role, tenant: holder.tenant, key: holder.id };
}

/** Beside the answer: nobody waits for it, and nothing depends on it. */
async function touch(c: AppContext, holder: KeyHolder, now: number): Promise<void> {
  try {
    await touchKey(await configOf(c.env, holder.tenant), holder, now);
  } catch (error) {
    logError("key.touch.failed", error, { tenant: holder.tenant, key: holder.id });
  }
}

async function unauthorized(c: AppContext, code: "key-missing" | "key-unknown", detail: string): Promise<Problem> {
  if (await isRefusedTooOften(c.env, "key", c.req.raw)) {
    const detail = "Too many requests without a key that is known came from this address. Wait a minute.";
    return new Problem("refused-too-often", detail, { headers: spent("refusals", REFUSALS_PERIOD) });
  }
  return new Problem(code, detail, { headers: { "WWW-Authenticate": 'Bearer realm="posthorn"' } });
}

/**
 * Lets a tenant's key do what its role allows, in its own tenant. Other tenants are not there for it, whatever it asks
 * of them.
 */
export const authorize: MiddlewareHandler<AppEnv> = async (c, next) => {
  const { role, tenant } = c.get("principal");
  if (role === "operator") return next();
  // The path as the router reads it. A slug has nothing that could be written in two ways.
  const [, named] = /^\/v1\/tenants\/([^/]+)/.exec(c.req.path) ?? [];
  if (named !== undefined && named !== tenant) throw noTenant();
  // The route that will answer: what stands before all methods is no route. Where nothing answers, nothing is allowed.
  const route = matchedRoutes(c).find(({ method }) => method !== "ALL");
  if (route === undefined || !isFor(role, `${route.method} ${route.path}`)) {
    const who = isPortal(role) ? "A portal" : `A key of the role ${role}`;
    throw new Problem("role-not-allowed", `${who} may not do this.`);
  }
  await next();
};

/** Resolves the tenant of the path, or answers 404; every query below takes it first. */
export const resolveTenant: MiddlewareHandler<AppEnv> = async (c, next) => {
  const tenant = c.req.param("tenant") ?? "";
  const config = await configOf(c.env, tenant);
  const snapshot = await snapshotOf(config, tenant, Date.now());
  if (snapshot === null) throw noTenant();
  c.set("tenant", tenant);
  c.set("snapshot", snapshot);
  c.set("config", config);
  await next();
};

/** A 404 that says no more to a key of another tenant than to one of none. */
export function noTenant(): Problem {
  return new Problem("tenant-unknown", "There is no such tenant.");
}
