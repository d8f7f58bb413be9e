import { findHolder, holderById, isTouchDue, type KeyHolder, touchKey } from "../config/keys";
import { findPortalLink } from "../config/portal-links";
import { OPERATOR, type Principal } from "../config/principal";
import { keysIfAny, secretsKey } from "../lib/env";
import { logError } from "../lib/log";
import { isOperatorKey, operatorKeys } from "../lib/operator";
import { type Holder, printOf, type Session } from "./session";
import type { SiteContext } from "./site";

/** Whom the session lets in now; `null` once the key is revoked or replaced, or the link has ended. `now` in ms. */
export async function principalOf(c: SiteContext, { holder }: Session, now: number): Promise<Principal | null> {
  const { env } = c;
  if (holder.kind === "operator") {
    const prints = await Promise.all(operatorKeys(env).map((key) => printOf(secretsKey(env), key)));
    return prints.includes(holder.print) ? OPERATOR : null;
  }
  const { tenant, key } = holder;
  if (holder.kind === "portal") {
    const link = await findPortalLink(env.DB, tenant, key, now);
    return link && { role: "portal", tenant, key };
  }
  const found = await holderById(env.DB, tenant, key);
  if (found !== null) noteUse(c, found, now);
  return found && { role: found.role, tenant, key };
}

/** Whom a key signs in; `null`: it is not known. `now` in ms. */
export async function holderOf(c: SiteContext, key: string, now: number): Promise<Holder | "producer" | null> {
  const { env } = c;
  if (isOperatorKey(env, key)) return { kind: "operator", print: await printOf(secretsKey(env), key) };
  const found = await findHolder(env.DB, key, now, keysIfAny(env));
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
    await touchKey(c.env.DB, holder, now);
  } catch (error) {
    logError("key.touch.failed", error, { tenant: holder.tenant, key: holder.id });
  }
}
