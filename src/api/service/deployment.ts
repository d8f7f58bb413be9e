import type { MiddlewareHandler } from "hono";
import { PROFILE_NAMES } from "../../config/endpoints/profiles";
import type { Env } from "../../contracts/env";
import { missingQueues } from "../../contracts/queues";
import { configurationOf, type Misconfigured } from "../../lib/configuration";
import type { AppEnv } from "../http/context";
import { Problem } from "../problems/problem";

/** How many seconds until another look is worth it: somebody has to deploy first. */
const LOOK_AGAIN = 60;

/** What is wrong with the deployment's variables; empty: nothing. */
export function misconfigured(env: Env): Misconfigured[] {
  const { faults } = configurationOf(env);
  if ((PROFILE_NAMES as readonly string[]).includes(env.DEFAULT_PROFILE)) return faults;
  return [...faults, { name: "DEFAULT_PROFILE", message: `must be one of ${PROFILE_NAMES.join(", ")}` }];
}

/** What is wrong, in a sentence that names each variable and shows none. */
export function misconfiguredText(faults: readonly Misconfigured[]): string {
  return `This deployment is misconfigured: ${faults.map(({ name, message }) => `${name} ${message}`).join("; ")}.`;
}

/**
 * A pair of queues of which one is not bound. Nothing is sent by it, so that all goes on, but not by as many queues as was
 * meant.
 */
export function incompleteQueues(env: Env): Misconfigured[] {
  return missingQueues(env).map((name) => ({ name, message: "is not bound, though the other one of its pair is" }));
}

/** A 503 while a variable of the deployment is missing or wrong: better than to go on with what nobody meant. */
export function checkDeployment(env: Env, faults = misconfigured(env)): void {
  if (faults.length === 0) return;
  throw new Problem("misconfigured", misconfiguredText(faults), {
    errors: faults.map(({ name, message }) => ({ path: name, message })),
    headers: { "Retry-After": String(LOOK_AGAIN) },
  });
}

/** {@link checkDeployment} before anything else is done. */
export const refuseMisconfigured: MiddlewareHandler<AppEnv> = async (c, next) => {
  checkDeployment(c.env);
  await next();
};
