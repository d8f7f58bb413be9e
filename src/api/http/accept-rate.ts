import type { MiddlewareHandler } from "hono";
import { Problem, spent } from "../problems/problem";
import type { AppContext, AppEnv } from "./context";

/** The period of the binding ACCEPT_RATE in wrangler.toml, in seconds. */
const PERIOD = 10;
/** The most events that one request counts as: the limit of a batch. */
const MOST = 100;

/**
 * Holds a tenant to its rate of accepted events and observations; what comes faster is answered 429, and nothing of it
 * is written. Goes after the body is read, since a batch counts as what is in it. Without the binding there is no limit.
 */
export const acceptRate: MiddlewareHandler<AppEnv> = async (c, next) => {
  const { ACCEPT_RATE: rate } = c.env;
  if (c.req.method === "POST" && rate !== undefined) {
    const key = c.get("tenant");
    // One call each: the local stand-in of the binding refuses to count several in one call.
    const counted = Array.from({ length: await weightOf(c) }, () => rate.limit({ key }));
    const outcomes = await Promise.all(counted);
    if (outcomes.some(({ success }) => !success)) {
      const detail = "The tenant sends events faster than its limit allows. Slow down, then try again.";
      throw new Problem("rate-limited", detail, { headers: spent("events", PERIOD) });
    }
  }
  await next();
};

/** How many events a request brings. A body that its route will refuse counts as one. */
async function weightOf(c: AppContext): Promise<number> {
  if (!/\/batch\/?$/.test(c.req.path)) return 1;
  const body: unknown = (await c.req.text()).trim() === "" ? null : await c.req.json();
  const list = typeof body === "object" && body !== null ? Object.values(body).find(Array.isArray) : undefined;
  return Math.min(Math.max(list?.length ?? 1, 1), MOST);
}
