import { nextHeader, type SigningScheme, schemeOf } from "../../config/endpoints/schemes";
import type { Secrets } from "../../contracts/settings";
import type { Scheme } from "../../contracts/wire";
import { Cache } from "../../lib/cache";
import { base64, fromBase64, hex, hmacKey, hmacSha256, utf8 } from "../../lib/crypto";

/** What is to be signed. */
export interface Signable {
  /** The event's id, which the Standard Webhooks family signs along. */
  id: string;
  /** When the attempt is made, in Unix seconds. */
  timestamp: number;
  /** The bytes that will be sent. */
  body: Uint8Array<ArrayBuffer>;
}

/**
 * The signature headers of a request. While secrets are being replaced, a header that can list signatures lists all, the
 * newest first; one that cannot goes on carrying the oldest one's, with the newest one's in a header of its own, so that
 * no receiver breaks. Throws without a secret: nothing is ever sent unsigned instead.
 */
export async function sign(
  signature: { scheme: Scheme; header: string | null },
  secrets: Secrets,
  signable: Signable,
): Promise<Record<string, string>> {
  const scheme = schemeOf(signature.scheme);
  if (scheme === null) return {};
  const [oldest, ...newer] = secrets;
  if (oldest === undefined) throw new Error(`the scheme ${signature.scheme} needs a secret and there is none`);
  const header = signature.header ?? scheme.header;
  const { separator } = scheme;
  // Nothing is signed that is not sent.
  const used = separator === null ? [oldest, ...newer.slice(-1)] : [...newer.toReversed(), oldest];
  const signatures = await Promise.all(used.map((secret) => signatureOf(scheme, secret, signable)));
  const value = (some: string[]) =>
    scheme.prefix.replace("{timestamp}", String(signable.timestamp)) +
    some.map((text) => scheme.each.replace("{signature}", () => text)).join(separator ?? "");
  const next = separator === null ? signatures[1] : undefined;
  return {
    ...(scheme.idHeader === null ? {} : { [scheme.idHeader]: signable.id }),
    ...(scheme.timestampHeader === null ? {} : { [scheme.timestampHeader]: String(signable.timestamp) }),
    [header]: value(next === undefined ? signatures : signatures.slice(0, 1)),
    ...(next === undefined ? {} : { [nextHeader(header)]: value([next]) }),
  };
}

async function signatureOf(scheme: SigningScheme, secret: string, signable: Signable): Promise<string> {
  if (scheme.signs === "secret") return secret;
  const name = `${scheme.key} ${secret}`;
  const key = keys.get(name) ?? (await importKey(name, keyBytes(scheme, secret)));
  const mac = new Uint8Array(await hmacSha256(key, signedBytes(scheme, signable)));
  return scheme.encoding === "hex" ? hex(mac) : base64(mac);
}

/** Imported keys that an isolate remembers, in bytes: about so many each, besides the secret. */
const KEY_BYTES = 500;
const keys = new Cache<CryptoKey>(2_000_000);

async function importKey(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const key = await hmacKey(bytes);
  keys.set(name, key, KEY_BYTES);
  return key;
}

function keyBytes(scheme: SigningScheme, secret: string): Uint8Array<ArrayBuffer> {
  return scheme.key === "whsec" && secret.startsWith("whsec_") ? fromBase64(secret.slice(6)) : utf8(secret);
}

function signedBytes({ signs }: SigningScheme, { id, timestamp, body }: Signable): Uint8Array<ArrayBuffer> {
  if (signs === "body") return body;
  const head = utf8(signs === "timestamp.body" ? `${timestamp}.` : `${id}.${timestamp}.`);
  const whole = new Uint8Array(head.byteLength + body.byteLength);
  whole.set(head);
  whole.set(body, head.byteLength);
  return whole;
}
