import type { Env } from "../../contracts/env";

/** The period of the binding SIGN_IN_RATE in wrangler.toml, in seconds. */
export const REFUSALS_PERIOD = 60;

/** What is refused; each is counted for itself. */
type Kind = "key" | "sign-in" | "portal link";

/**
 * Counts a refusal, and answers whether that are too many from where the request comes. Only refusals are counted, and
 * after the fact: whoever is let in is let in from anywhere. Without the binding there is no limit, nor for a request
 * without the address that Cloudflare names in each that comes over the network.
 */
export async function isRefusedTooOften(env: Env, kind: Kind, request: Request): Promise<boolean> {
  const address = request.headers.get("CF-Connecting-IP");
  if (address === null || env.SIGN_IN_RATE === undefined) return false;
  const { success } = await env.SIGN_IN_RATE.limit({ key: `${kind} ${networkOf(address)}` });
  return !success;
}

/** Groups of an IPv6 address that name a network: whoever has one address there has all of them (RFC 6177). */
const GROUPS = 4;

/** What an address is counted as: itself, or the /64 of an IPv6 address. Pure. */
export function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = (text: string | undefined) => (text ? text.split(":") : []);
  const [before, after] = [groups(head), groups(tail)];
  const zeros = tail === undefined ? [] : Array<string>(Math.max(8 - before.length - after.length, 0)).fill("0");
  const network = [...before, ...zeros, ...after].slice(0, GROUPS);
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}
