import { env } from "cloudflare:workers";
import { inject } from "vitest";
import type { Env } from "../../src/contracts/env";
import { fresh } from "./api";
import type { Question, Zone } from "./servers/resolver-server";

/** The URL of the resolver on loopback. */
export const RESOLVER = `${inject("resolver")}/dns-query`;

/** The environment of a deployment: nothing insecure, and names are looked up, on loopback. */
export const DEPLOYED: Env = { ...env, ALLOW_INSECURE_ENDPOINTS: "", DOH_URL: RESOLVER };

/** What the resolver says of a name from now on. */
export async function setZone(name: string, zone: Zone): Promise<void> {
  await fetch(`${inject("resolver")}/zone/${name}`, { method: "PUT", body: JSON.stringify(zone) });
}

/** A new name that the resolver says this of. */
export async function named(zone: Zone): Promise<string> {
  const name = `${fresh("n")}.example`;
  await setZone(name, zone);
  return name;
}

/** What the resolver was asked of a name. */
export async function asked(name: string): Promise<Question[]> {
  return (await fetch(`${inject("resolver")}/asked/${name}`)).json();
}
