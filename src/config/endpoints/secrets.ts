import type { EndpointSettings, LaterSecret, Secrets } from "../../contracts/settings";
import type { Scheme } from "../../contracts/wire";
import { base64, fromBase64, keyIdOf, randomHex, seal, sealedPrefix, unseal } from "../../lib/crypto";
import type { EndpointSecrets } from "./endpoints";
import { schemeOf } from "./schemes";

/** Bytes of a generated secret. */
const SECRET_BYTES = 32;
/** Bytes that a Standard Webhooks secret may stand for. */
const WHSEC_BYTES = { min: 24, max: 64 };

/** The most secrets of an endpoint at a time: so many signatures still fit a header that lists them. */
export const MAX_SECRETS = 10;

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

/** What an endpoint's settings have of its secrets. */
type SealedSecrets = Pick<EndpointSettings, "sealedSecret" | "sealedNext" | "nextFrom" | "sealedLater">;

/** A sealed secret and when (ms) all older ones end; `null`: it is the oldest. */
export interface Overlapping {
  secret: string;
  from: number | null;
}

/** The sealed secrets as they stand at `now` (ms), oldest first: the one that took over last, and what is to follow. Pure. */
export function secretsAt(settings: SealedSecrets, now: number): Overlapping[] {
  const all = allOf(settings);
  const last = all.findLastIndex(({ from }) => from === null || from <= now);
  return all.slice(Math.max(last, 0)).map((one, i) => (i === 0 ? { ...one, from: null } : one));
}

function allOf({ sealedSecret, sealedNext, nextFrom, sealedLater = [] }: SealedSecrets): Overlapping[] {
  return [
    ...(sealedSecret === null ? [] : [{ secret: sealedSecret, from: null }]),
    ...(sealedNext === null ? [] : [{ secret: sealedNext, from: nextFrom }]),
    ...sealedLater,
  ];
}

/**
 * The secrets with a new one behind them, which takes over `overlap` ms from `now` on, and never before one that is older:
 * each stays as long as it was said to. With no overlap all others end at once. `full`: there are
 * {@link MAX_SECRETS}. Pure.
 */
export function withNewSecret(
  live: readonly Overlapping[],
  secret: string,
  overlap: number,
  now: number,
): { secrets: Overlapping[]; promotesAt: number } | "full" {
  if (overlap === 0 || live.length === 0) return { secrets: [{ secret, from: null }], promotesAt: now };
  if (live.length >= MAX_SECRETS) return "full";
  const promotesAt = Math.max(now + overlap, live.at(-1)?.from ?? 0);
  return { secrets: [...live, { secret, from: promotesAt }], promotesAt };
}

/** Secrets as an endpoint's row has them. There is at least one. Pure. */
export function secretColumns([oldest, next, ...later]: readonly Overlapping[]): Omit<EndpointSecrets, "headers"> {
  return {
    secret: oldest?.secret ?? "",
    nextSecret: next?.secret ?? null,
    nextFrom: next?.from ?? null,
    laterSecrets: later.length === 0 ? null : (later as LaterSecret[]),
  };
}

/** The secrets in the clear as they stand at `now` (ms). Throws when they were sealed under none of the keys. */
export async function openSecrets(
  secretsKeys: readonly string[],
  settings: SealedSecrets & Pick<EndpointSettings, "owner">,
  now: number,
): Promise<Secrets> {
  return Promise.all(secretsAt(settings, now).map(({ secret }) => unseal(secretsKeys, settings.owner, secret)));
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
  settings: SealedSecrets & Pick<EndpointSettings, "sealedHeaders">,
): Promise<boolean> {
  const known = await Promise.all(secretsKeys.map(async (key) => sealedPrefix(await keyIdOf(key))));
  const sealed = [...allOf(settings).map(({ secret }) => secret), ...Object.values(settings.sealedHeaders)];
  return sealed.every((text) => known.some((prefix) => text.startsWith(prefix)));
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
