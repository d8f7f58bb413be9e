import type { MiddlewareHandler } from "hono";
import { databasesOf, serviceOf } from "../../config/databases";
import { hostsSeenHere, knownHosts, noteHost } from "../../config/endpoints/own-hosts";
import { allowsInsecure, resolverOf } from "../../contracts/env";
import { logError } from "../../lib/log";
import type { DestinationRules } from "../../lib/net/destination";
import { partsOf } from "../../lib/net/request-url";
import { isLoopback } from "../../lib/net/url-policy";
import type { AppContext, AppEnv } from "./context";

/**
 * Remembers at which hosts the operator reaches us: once per host and isolate. Not those of tenants' keys, since a
 * request may say any name where a route takes all, and the name would be out of bounds for every tenant; but of loopback
 * nothing else tells.
 */
export const noteOwnHost: MiddlewareHandler<AppEnv> = async (c, next) => {
  const host = hostOf(c);
  const trusted = c.get("principal").role === "operator" || isLoopback(host);
  if (trusted && !hostsSeenHere().has(host)) await note(c, host);
  await next();
};

async function note(c: AppContext, host: string): Promise<void> {
  try {
    await noteHost(databasesOf(c.env), host, Date.now());
  } catch (error) {
    logError("host.note.failed", error, { host });
  }
}

function hostOf(c: AppContext): string {
  return partsOf(c.req.url).host;
}

/** The rules for the URLs that a request brings. With D1 out of reach, of our hosts only those that are at hand. */
export async function rulesFor(c: AppContext): Promise<DestinationRules> {
  const { env } = c;
  const rules = { allowInsecure: allowsInsecure(env), resolver: resolverOf(env) };
  try {
    return { ...rules, ownHosts: [hostOf(c), ...(await knownHosts(serviceOf(env), Date.now()))] };
  } catch (error) {
    logError("host.read.failed", error);
    return { ...rules, ownHosts: [hostOf(c), ...hostsSeenHere()] };
  }
}
