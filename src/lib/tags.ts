import { base64Url, derivedBytes, hmacKey, hmacSha256, sameText, utf8 } from "./crypto";

/** Bytes of a tag: who guesses one is right once in 2^48, and gains no more than that somebody looks. */
const TAG_BYTES = 6;
/** Characters of a tag. */
export const TAG_LENGTH = 8;

/** What is tagged; each purpose has its own key. */
type Purpose = "posthorn key tag" | "posthorn link tag" | "posthorn maker";

const tagKeys = new Map<string, CryptoKey>();

async function tagKey(secretsKey: string, purpose: Purpose): Promise<CryptoKey> {
  const name = `${purpose} ${secretsKey}`;
  const known = tagKeys.get(name) ?? (await hmacKey(await derivedBytes(secretsKey, purpose, 256)));
  tagKeys.set(name, known);
  return known;
}

/**
 * A tag tells that we have given a text out, so that what we never gave out is refused before anything is read. It is no
 * proof of who somebody is: the text may be revoked.
 */
export async function tagOf(secretsKey: string, purpose: Purpose, text: string): Promise<string> {
  const mac = await hmacSha256(await tagKey(secretsKey, purpose), utf8(text));
  return base64Url(new Uint8Array(mac, 0, TAG_BYTES));
}

/** Whether a tag was made of the text under one of the keys. */
export async function isTagged(
  secretsKeys: readonly string[],
  purpose: Purpose,
  text: string,
  tag: string,
): Promise<boolean> {
  const right = await Promise.all(secretsKeys.map((key) => tagOf(key, purpose, text)));
  return right.some((known) => sameText(known, tag));
}
