import { nextHeader, type SigningScheme, schemeOf } from "../config/schemes";
import { Cache } from "../lib/cache";
import { base64, fromBase64, hex, hmacKey, hmacSha256, utf8 } from "../lib/crypto";
import type { Secrets } from "../lib/settings";
import type { Scheme } from "../lib/wire";

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
 * The signature headers of a request. While a secret is being replaced, a header that can list signatures lists both, the
 * new one first; one that cannot goes on carrying the old one's, with the new one's in a header of its own, so that no
 * receiver breaks. Throws without a secret: nothing is ever sent unsigned instead.
 */
export async function sign(
  signature: { scheme: Scheme; header: string | null },
  secrets: Secrets,
  signable: Signable,
): Promise<Record<string, string>> {
  const scheme = schemeOf(signature.scheme);
  if (scheme === null) return {};
  if (secrets.current === null) throw new Error(`the scheme ${signature.scheme} needs a secret and there is none`);
  const header = signature.header ?? scheme.header;
  const current = await signatureOf(scheme, secrets.current, signable);
  const next = secrets.next === null ? null : await signatureOf(scheme, secrets.next, signable);
  const { separator } = scheme;
  const value = (...signatures: string[]) =>
    scheme.prefix.replace("{timestamp}", String(signable.timestamp)) +
    signatures.map((text) => scheme.each.replace("{signature}", () => text)).join(separator ?? "");
  return {
    ...(scheme.idHeader === null ? {} : { [scheme.idHeader]: signable.id }),
    ...(scheme.timestampHeader === null ? {} : { [scheme.timestampHeader]: String(signable.timestamp) }),
    ...(next === null
      ? { [header]: value(current) }
      : separator === null
        ? { [header]: value(current), [nextHeader(header)]: value(next) }
        : { [header]: value(next, current) }),
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
