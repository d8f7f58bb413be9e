/**
 * Which addresses a webhook may be sent to, as far as the URL tells. Pure: no look-ups. Used when an endpoint is saved,
 * for callbacks, and again at every send, so that a row written before the policy changed is held to it as well. What a
 * name resolves to is `destination.ts`'s part.
 */

/** What the deployment says about URLs. */
export interface UrlRules {
  /** For local work only: http, loopback, IP addresses and any port. */
  allowInsecure: boolean;
  /** Where Posthorn itself is reached, as the `host` of a URL: a delivery to it could post the next event, without end. */
  ownHosts: readonly string[];
}

const PORTS = ["", "443", "8443"];
const LOCAL_NAMES = /(^|\.)(local|internal|localhost|home\.arpa)$/;
// The URL parser has folded every spelling of an IPv4 address (decimal, octal, hex, short, full-width) into this one.
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;
/** Names and addresses by which a machine reaches itself, the parser having folded their spellings too. */
const LOOPBACK = /^(127\.[\d.]+|0\.0\.0\.0|(.+\.)?localhost|\[::1?\]|\[::ffff:(7f[0-9a-f]{2}:[0-9a-f]+|0:0)\])$/;

/** Why a URL is refused, in words for its owner; `null`: it may be used. */
export function refusal(text: string, { allowInsecure, ownHosts }: UrlRules): string | null {
  if (/[\s\p{Cc}]/u.test(text)) return "must not contain spaces or control characters";
  const url = URL.parse(text);
  if (url === null) return "is not a URL";
  if (url.protocol !== "https:" && !(allowInsecure && url.protocol === "http:")) {
    return allowInsecure ? "must be an http or https URL" : "must be an https URL";
  }
  if (url.username !== "" || url.password !== "") return "must not carry a user name or password";
  if (ownHosts.some((own) => isOwn(url, own))) return "must not be Posthorn itself";
  if (allowInsecure) return null;
  if (!PORTS.includes(url.port)) return "must use port 443 or 8443";
  const host = nameOf(url);
  if (host.startsWith("[") || IPV4.test(host)) return "must name a host, not an IP address";
  if (!host.includes(".") || host.split(".").includes("") || LOCAL_NAMES.test(host)) return "must name a public host";
  return null;
}

/** Whether a host, as in a URL, is one by which a machine reaches itself. */
export function isLoopback(host: string): boolean {
  const url = URL.parse(`http://${host}`);
  return url !== null && LOOPBACK.test(nameOf(url));
}

/** The host of a URL without the dot that a full name may end with. */
export function nameOf(url: URL): string {
  return url.hostname.replace(/\.$/, "");
}

/**
 * Whether a URL leads to one of our own hosts. Deployed, the Worker answers at every port that Cloudflare takes; on a
 * machine of one's own others answer at the other ports, and all names of loopback are one.
 */
function isOwn(url: URL, own: string): boolean {
  const ours = URL.parse(`http://${own}`);
  if (ours === null) return false;
  const [name, ourName] = [nameOf(url), nameOf(ours)];
  const loopback = LOOPBACK.test(ourName);
  if (name !== ourName && !(loopback && LOOPBACK.test(name))) return false;
  return (ours.port === "" && !loopback) || url.port === ours.port;
}
