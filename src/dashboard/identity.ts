import { findHolder, holderById } from "../config/keys";
import { findPortalLink } from "../config/portal-links";
import { OPERATOR, type Principal } from "../config/principal";
import { type Env, secretsKey } from "../lib/env";
import { isOperatorKey, operatorKeys } from "../lib/operator";
import { type Holder, printOf, type Session } from "./session";

/** Whom the session lets in now; `null` once the key is revoked or replaced, or the link has ended. `now` in ms. */
export async function principalOf(env: Env, { holder }: Session, now: number): Promise<Principal | null> {
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
  return found && { role: found.role, tenant, key };
}

/** Whom a key signs in; `null`: it is not known. `now` in ms. */
export async function holderOf(env: Env, key: string, now: number): Promise<Holder | "producer" | null> {
  if (isOperatorKey(env, key)) return { kind: "operator", print: await printOf(secretsKey(env), key) };
  const found = await findHolder(env.DB, key, now);
  if (found === null) return null;
  // It may read nothing, so there is nothing to show.
  if (found.role === "producer") return "producer";
  return { kind: "key", tenant: found.tenant, key: found.id };
}
