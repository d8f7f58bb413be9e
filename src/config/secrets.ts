import { base64, fromBase64, keyIdOf, randomHex, seal, sealedPrefix, unseal } from "../lib/crypto";
import type { EndpointSettings, Secrets } from "../lib/settings";
import type { Scheme } from "../lib/wire";
import { schemeOf } from "./schemes";

/** Bytes of a generated secret. */
const SECRET_BYTES = 32;
/** Bytes that a Standard Webhooks secret may stand for. */
const WHSEC_BYTES = { min: 24, max: 64 };

/** A new secret in the form that the scheme wants. */
export function newSecret(scheme: Scheme): string {
  if (schemeOf(scheme)?.key !== "whsec") return randomHex(SECRET_BYTES);
  return `whsec_${base64(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)))}`;
}

/** Why a scheme cannot use a secret, in words for its owner; `null`: it can. Pure. */
export function secretRefusal(scheme: Scheme, secret: string): string | null {
  const { key, signs } = schemeOf(scheme) ?? {};
  if (key === "whsec" && !isWhsec(secret)) {
    const { min, max } = WHSEC_BYTES;
    return `the scheme ${scheme} needs a secret of the form whsec_ and base64 of ${min}-${max} bytes`;
  }
  if (signs === "secret" && !/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(secret)) {
    return `the scheme ${scheme} sends the secret as a header, so it may only have printable ASCII characters`;
  }
  return null;
}

function isWhsec(secret: string): boolean {
  if (!/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret)) return false;
  try {
    const { byteLength } = fromBase64(secret.slice("whsec_".length));
    return byteLength >= WHSEC_BYTES.min && byteLength <= WHSEC_BYTES.max;
  } catch {
    return false;
  }
}

/** The sealed secrets as they stand at `now` (ms): the next one takes over when its time has come. Pure. */
export function secretsAt(
  { sealedSecret, sealedNext, nextFrom }: Pick<EndpointSettings, "sealedSecret" | "sealedNext" | "nextFrom">,
  now: number,
): { current: string | null; next: string | null; nextFrom: number | null } {
  if (sealedNext === null || nextFrom === null) return { current: sealedSecret, next: null, nextFrom: null };
  if (nextFrom <= now) return { current: sealedNext, next: null, nextFrom: null };
  return { current: sealedSecret, next: sealedNext, nextFrom };
}

/** The secrets in the clear as they stand at `now` (ms). Throws when they were sealed under none of the keys. */
export async function openSecrets(
  secretsKeys: readonly string[],
  settings: EndpointSettings,
  now: number,
): Promise<Secrets> {
  const { current, next } = secretsAt(settings, now);
  const open = async (sealed: string | null) => (sealed === null ? null : unseal(secretsKeys, settings.owner, sealed));
  const [opened, following] = await Promise.all([open(current), open(next)]);
  return { current: opened, next: following };
}

/** An endpoint's own headers in the clear. Throws like {@link openSecrets}. */
export async function openHeaders(
  secretsKeys: readonly string[],
  { owner, sealedHeaders }: Pick<EndpointSettings, "owner" | "sealedHeaders">,
): Promise<Record<string, string>> {
  const opened = Object.entries(sealedHeaders).map(
    async ([name, sealed]) => [name, await unseal(secretsKeys, owner, sealed)] as const,
  );
  return Object.fromEntries(await Promise.all(opened));
}

/** Whether all that is sealed of an endpoint is under one of the keys. */
export async function isSealedUnder(
  secretsKeys: readonly string[],
  { sealedSecret, sealedNext, sealedHeaders }: Pick<EndpointSettings, "sealedSecret" | "sealedNext" | "sealedHeaders">,
): Promise<boolean> {
  const known = await Promise.all(secretsKeys.map(async (key) => sealedPrefix(await keyIdOf(key))));
  return [sealedSecret, sealedNext, ...Object.values(sealedHeaders)].every(
    (sealed) => sealed === null || known.some((prefix) => sealed.startsWith(prefix)),
  );
}

/** An endpoint's own headers with each value sealed. */
export async function sealHeaders(
  secretsKey: string,
  owner: string,
  headers: Record<string, string>,
): Promise<Record<string, string>> {
  const sealed = Object.entries(headers).map(
    async ([name, value]) => [name, await seal(secretsKey, owner, value)] as const,
  );
  return Object.fromEntries(await Promise.all(sealed));
}
