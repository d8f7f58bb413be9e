import type { Principal } from "../../config/access/principal";
import type { Env } from "../../contracts/env";
import { app } from "../app";
import { vouch } from "./auth";

/**
 * Answers a request that is made inside this Worker, for somebody who is known already: with the same routes,
 * permissions and errors as any other, and without a network in between.
 */
export async function callAs(
  principal: Principal,
  request: Request,
  env: Env,
  context: ExecutionContext,
): Promise<Response> {
  vouch(request, principal);
  return app.fetch(request, env, context);
}
