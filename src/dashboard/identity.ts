import { findHolder, holderById, isTouchDue, type KeyHolder, touchKey } from "../config/access/keys";
import {
  endPortalSession,
  endSession,
  findPortalSession,
  isSessionEnded,
  makersOf,
} from "../config/access/portal-links";
import { operatorWith, type Principal } from "../config/access/principal";
import { configOf, databasesOf, serviceOf } from "../config/databases";
import { type Env, keysIfAny, secretsKey, secretsKeys } from "../contracts/env";
import { sameText } from "../lib/crypto";
import { logError } from "../lib/log";
import { isOperatorKey, operatorKeys } from "../lib/operator";
import { type Holder, printOf, type Session } from "./session";
import type { SiteContext } from "./site";

/**
 * Whom the session lets in now; `null` once they have signed out, the key is revoked or replaced, or the link has ended.
 * `now` in ms.
 */
export async function principalOf(c: SiteContext, { id, holder }: Session, now: number): Promise<Principal | null> {
  const { env } = c;
  if (holder.kind === "portal") {
    const { tenant, key } = holder;
    const link = await findPortalSession(await configOf(env, tenant), tenant, key, now, await makers(env));
    return link && { role: link.readOnly ? "portal-viewer" : "portal", tenant, key };
  }
  if (holder.kind === "operator") {
    const prints = await Promise.all(operatorKeys(env).map((key) => printOf(secretsKey(env), key)));
    // Each is compared, whatever the first comparison says.
    const nth = prints.map((print) => sameText(print, holder.print)).indexOf(true);
    return nth < 0 || (await isSessionEnded(serviceOf(env), id)) ? null : operatorWith(nth);
  }
  const { tenant, key } = holder;
  const config = await configOf(env, tenant);
  const [found, ended] = await Promise.all([holderById(config, tenant, key), isSessionEnded(serviceOf(env), id)]);
  if (found === null || ended) return null;
  noteUse(c, found, now);
  return { role: found.role, tenant, key };
}

/** Ends a session: its cookie lets nobody in any more, whoever has a copy of it. `now` in ms. */
export async function end(env: Env, { id, holder, expiresAt }: Session, now: number): Promise<void> {
  if (holder.kind === "portal") {
    await endPortalSession(await configOf(env, holder.tenant), holder.tenant, holder.key, now);
  } else await endSession(serviceOf(env), id, expiresAt, now);
}

/** How portal links name today's operator keys. */
export function makers(env: Env): Promise<string[]> {
  return makersOf(secretsKeys(env), operatorKeys(env));
}

/** Whom a key signs in; `null`: it is not known. `now` in ms. */
export async function holderOf(c: SiteContext, key: string, now: number): Promise<Holder | "producer" | null> {
  const { env } = c;
  if (isOperatorKey(env, key)) return { kind: "operator", print: await printOf(secretsKey(env), key) };
  const found = await findHolder(databasesOf(env), key, now, keysIfAny(env));
  if (found === null) return null;
  // It may read nothing, so there is nothing to show.
  if (found.role === "producer") return "producer";
  noteUse(c, found, now);
  return { kind: "key", tenant: found.tenant, key: found.id };
}

/** Has the key's last use written down, as the API does. */
function noteUse(c: SiteContext, holder: KeyHolder, now: number): void {
  if (isTouchDue(holder.id, now)) c.executionCtx.waitUntil(touch(c, holder, now));
}

/** Beside the answer: nobody waits for it, and nothing depends on it. */
async function touch(c: SiteContext, holder: KeyHolder, now: number): Promise<void> {
  try {
    await touchKey(await configOf(c.env, holder.tenant), holder, now);
  } catch (error) {
    logError("key.touch.failed", error, { tenant: holder.tenant, key: holder.id });
  }
}
