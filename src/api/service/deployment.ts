import type { MiddlewareHandler } from "hono";
import { databasesOf } from "../../config/databases";
import { PROFILE_NAMES } from "../../config/endpoints/profiles";
import type { Env } from "../../contracts/env";
import { missingQueues } from "../../contracts/queues";
import { configurationOf, type Misconfigured } from "../../lib/configuration";
import type { AppEnv } from "../http/context";
import { misconfiguredProblem } from "../problems/problem";

/** The bindings without which nothing goes. */
const BINDINGS = ["EVENT_LOG", "ENDPOINT", "ENTITY", "DELIVERIES", "DELIVERIES_SLOW", "DELIVERIES_DEAD", "DB"] as const;

/** What is wrong with the deployment's variables and bindings; empty: nothing. */
export function misconfigured(env: Env): Misconfigured[] {
  const faults = [...configurationOf(env).faults];
  if (!(PROFILE_NAMES as readonly string[]).includes(env.DEFAULT_PROFILE)) {
    faults.push({ name: "DEFAULT_PROFILE", message: `must be one of ${PROFILE_NAMES.join(", ")}` });
  }
  for (const name of BINDINGS) if (env[name] === undefined) faults.push({ name, message: "is not bound" });
  return faults;
}

/**
 * A pair of queues of which one is not bound. Nothing is sent by it, so that all goes on, but not by as many queues as was
 * meant.
 */
export function incompleteQueues(env: Env): Misconfigured[] {
  return missingQueues(env).map((name) => ({ name, message: "is not bound, though the other one of its pair is" }));
}

/** Databases that nothing would be looked for in, since their numbers leave one out. */
export function unreachedDatabases(env: Env): Misconfigured[] {
  const reached = databasesOf(env).length;
  const beyond = Object.keys(env).filter((name) => Number(/^DB_([1-9]\d*)$/.exec(name)?.[1] ?? 0) >= reached);
  return beyond.length === 0 ? [] : [{ name: `DB_${reached}`, message: `is not bound, though ${beyond[0]} is` }];
}

/** A 503 while a variable or binding of the deployment is missing or wrong: better than to go on with what nobody meant. */
export function checkDeployment(env: Env, faults = misconfigured(env)): void {
  if (faults.length > 0) throw misconfiguredProblem(faults);
}

/** {@link checkDeployment} before anything else is done. */
export const refuseMisconfigured: MiddlewareHandler<AppEnv> = async (c, next) => {
  checkDeployment(c.env);
  await next();
};
