import { databasesOf } from "../../config/databases";
import { formerEndpointsUntil } from "../../config/endpoints/former-endpoints";
import { forgetEndpoint } from "../../config/tenants";
import { type Env, retentionMs } from "../../contracts/env";
import { endpointStub } from "../../contracts/find";
import { logError } from "../../lib/log";
import { DAY } from "../../lib/time";

/** The most of a database that go with one deletion: more than come with it, so that no backlog lasts. */
const AT_ONCE = 5;
/** How much longer than its events an endpoint is known, in ms: its object empties itself before. */
const GRACE = 7 * DAY;

/**
 * Forgets some of the endpoints that were deleted so long ago that nothing of their log is kept. Their objects have emptied
 * themselves; those deleted before they did so are emptied here, since without its id an object is never found again.
 * Goes along with each deletion. Never throws; what is left is for the next one.
 */
export async function forgetFormerEndpoints(env: Env, now: number): Promise<void> {
  try {
    for (const d1 of databasesOf(env)) {
      for (const { tenant, id } of await formerEndpointsUntil(d1, now - retentionMs(env) - GRACE, AT_ONCE, now)) {
        await endpointStub(env, tenant, id).eraseAll();
        await forgetEndpoint(d1, tenant, id);
      }
    }
  } catch (error) {
    logError("endpoint.forget.failed", error);
  }
}
