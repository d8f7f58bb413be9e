import type { Scheme } from "../../contracts/wire";

/**
 * How a request is signed, as data. A scheme's header carries `prefix` once and `each` per signature; with a `separator`
 * it can list several, which a rotation of the secret makes use of. `{signature}` and `{timestamp}` (Unix seconds) are
 * filled in.
 */
export interface SigningScheme {
  /** What is signed. `secret`: nothing is, the secret itself is sent. */
  signs: "body" | "timestamp.body" | "id.timestamp.body" | "secret";
  encoding: "hex" | "base64";
  /** The HMAC key: the secret's UTF-8 bytes, or the bytes that `whsec_` + base64 stands for. */
  key: "utf8" | "whsec";
  header: string;
  /** Whether an endpoint may choose another header. */
  headerIsFree: boolean;
  prefix: string;
  each: string;
  separator: string | null;
  /** Headers that the receiver needs besides, to know what was signed. */
  idHeader: string | null;
  timestampHeader: string | null;
}

const plain = {
  signs: "body",
  encoding: "hex",
  key: "utf8",
  header: "X-Webhook-Signature",
  headerIsFree: true,
  prefix: "",
  each: "{signature}",
  separator: null,
  idHeader: null,
  timestampHeader: null,
} as const satisfies SigningScheme;

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
const standard = {
  signs: "id.timestamp.body",
  encoding: "base64",
  key: "whsec",
  header: "webhook-signature",
  headerIsFree: false,
  prefix: "",
  each: "v1,{signature}",
  separator: " ",
  idHeader: "webhook-id",
  timestampHeader: "webhook-timestamp",
} as const satisfies SigningScheme;

/** The schemes by name; `none` is the absence of one. */
export const SIGNING_SCHEMES: Readonly<Record<Exclude<Scheme, "none">, SigningScheme>> = {
  hex: plain,
  token: { ...plain, signs: "secret" },
  standard,
  svix: { ...standard, header: "svix-signature", idHeader: "svix-id", timestampHeader: "svix-timestamp" },
  /** https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries */
  github: { ...plain, header: "X-Hub-Signature-256", each: "sha256={signature}" },
  /** https://docs.stripe.com/webhooks/signature */
  stripe: {
    ...plain,
    signs: "timestamp.body",
    header: "Stripe-Signature",
    prefix: "t={timestamp},",
    each: "v1={signature}",
    separator: ",",
  },
};

/** The scheme of that name; `null` for `none`. */
export function schemeOf(name: Scheme): SigningScheme | null {
  return name === "none" ? null : SIGNING_SCHEMES[name];
}

/** The header that carries the new secret's signature while a rotation lasts, where one header cannot list both. */
export function nextHeader(header: string): string {
  return `${header}-Next`;
}

/** The headers that a scheme uses, its signature under `header`. */
export function headersOf(scheme: SigningScheme, header: string): string[] {
  const besides = [scheme.idHeader, scheme.timestampHeader].filter((name) => name !== null);
  return [header, nextHeader(header), ...besides];
}
