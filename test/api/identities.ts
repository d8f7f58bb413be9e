import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { callAs } from "../../src/api/http/inside";
import type { Principal } from "../../src/config/access/principal";
import { type Answered, answered, call, requestTo } from "../lib/api";
import { newKey } from "./world";

/** All who may be behind a request. A portal acts through its pages alone, which call the API as it. */
export const IDENTITIES = ["operator", "admin", "producer", "viewer", "portal", "portal-viewer"] as const;
export type Identity = (typeof IDENTITIES)[number];

/** Calls the API as somebody. */
export type Caller = (method: string, path: string, body?: unknown) => Promise<Answered>;

/** Whoever has such a key, or such a portal link, of the tenant. */
export async function callerOf(tenant: string, identity: Identity): Promise<Caller> {
  if (identity === "operator") return (method, path, body) => call(method, path, body);
  if (identity === "portal" || identity === "portal-viewer") return portalOf(tenant, identity);
  const headers = { Authorization: `Bearer ${await newKey(tenant, identity)}` };
  return (method, path, body) => call(method, path, body, headers);
}

async function portalOf(tenant: string, role: "portal" | "portal-viewer"): Promise<Caller> {
  const fields = { readOnly: role === "portal-viewer" };
  const { body: link } = await call("POST", `/v1/tenants/${tenant}/portal-links`, fields);
  const principal: Principal = { role, tenant, key: link.id };
  return async (method, path, body) => {
    const context = createExecutionContext();
    const answer = await answered(await callAs(principal, requestTo(method, path, body), env, context));
    await waitOnExecutionContext(context);
    return answer;
  };
}
