const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The UTF-8 bytes of a text. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text) as Uint8Array<ArrayBuffer>;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** Bytes as lower-case hex. */
export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

/** Bytes as base64. */
export function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** Bytes as base64url without padding. */
export function base64Url(bytes: Uint8Array): string {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The bytes of a base64 text. Throws when it is none. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** SHA-256 of a text's UTF-8 bytes. */
export async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text)));
}

/** Texts up to so many bytes are compared at this length, so that the time tells nothing of how long a key is. */
const COMPARED_BYTES = 256;

/** Whether two texts are equal, in a time that tells nothing of where they differ. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [utf8(a), utf8(b)];
  // timingSafeEqual demands equal lengths.
  const length = Math.max(left.byteLength, right.byteLength, COMPARED_BYTES);
  const same = crypto.subtle.timingSafeEqual(padded(left, length), padded(right, length));
  return same && left.byteLength === right.byteLength;
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  const whole = new Uint8Array(length);
  whole.set(bytes);
  return whole;
}

/** `bytes` random bytes as lower-case hex. */
export function randomHex(bytes: number): string {
  return hex(crypto.getRandomValues(new Uint8Array(bytes)));
}

/** A key for {@link hmacSha256}. Importing it takes longer than signing a body of a few KB with it. */
export function hmacKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

/** HMAC-SHA256 of `body`. */
export function hmacSha256(key: CryptoKey, body: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  return crypto.subtle.sign("HMAC", key, body);
}

interface VaultKey {
  id: string;
  key: CryptoKey;
}

// Of the deployment's own keys, of which there are as many as its settings name.
const vaultKeys = new Map<string, VaultKey>();

/** The AES-256 key behind SECRETS_KEY and the id that sealed texts carry, so that a later key can tell them apart. */
async function vaultKey(secretsKey: string): Promise<VaultKey> {
  const derived = vaultKeys.get(secretsKey) ?? (await deriveVaultKey(secretsKey));
  vaultKeys.set(secretsKey, derived);
  return derived;
}

async function deriveVaultKey(secretsKey: string): Promise<VaultKey> {
  const [bytes, id] = await Promise.all([
    derivedBytes(secretsKey, "posthorn secrets", 256),
    derivedBytes(secretsKey, "posthorn key id", 32),
  ]);
  return { id: hex(id), key: await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]) };
}

/** `bits` bits that follow from the key and from what they are for (HKDF-SHA256): they tell nothing of one another. */
export async function derivedBytes(key: string, purpose: string, bits: number): Promise<Uint8Array<ArrayBuffer>> {
  const material = await crypto.subtle.importKey("raw", utf8(key), "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8(purpose) };
  return new Uint8Array(await crypto.subtle.deriveBits(how, material, bits));
}

/**
 * Encrypts a secret for storage: AES-256-GCM, `v1.<key id>.<nonce>.<ciphertext>`. `owner` (tenant and endpoint) is
 * authenticated with it, so that a row copied to another owner does not open.
 */
export async function seal(secretsKey: string, owner: string, secret: string): Promise<string> {
  const { id, key } = await vaultKey(secretsKey);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: utf8(owner) }, key, utf8(secret));
  return `v1.${id}.${base64(iv)}.${base64(new Uint8Array(sealed))}`;
}

/** The id of the key behind a SECRETS_KEY: eight hex digits that tell nothing of it. */
export async function keyIdOf(secretsKey: string): Promise<string> {
  return (await vaultKey(secretsKey)).id;
}

/** The beginning of every text that is sealed under the key of that id. */
export function sealedPrefix(keyId: string): string {
  return `v1.${keyId}.`;
}

/**
 * Opens what {@link seal} made under one of the keys: today's first, then those before it. Throws when key, owner or
 * text is another.
 */
export async function unseal(secretsKeys: readonly string[], owner: string, sealed: string): Promise<string> {
  const [version, keyId, iv, text] = sealed.split(".");
  if (version !== "v1" || iv === undefined || text === undefined) throw new Error("not a sealed secret");
  const known = await Promise.all(secretsKeys.map(vaultKey));
  const key = known.find(({ id }) => id === keyId)?.key;
  if (key === undefined) {
    throw new Error(
      `sealed under key ${keyId}, while SECRETS_KEY is key ${known[0]?.id}, and no older key is ${keyId}`,
    );
  }
  const opened = await crypto.subtle.decrypt(
    { name: "AES-GCM", iv: fromBase64(iv), additionalData: utf8(owner) },
    key,
    fromBase64(text),
  );
  return decoder.decode(opened);
}
