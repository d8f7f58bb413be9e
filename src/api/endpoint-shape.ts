import { z } from "@hono/zod-openapi";
import { type EndpointFields, type EndpointRow, effectiveSettings } from "../config/endpoints";
import { PROFILE_NAMES } from "../config/profiles";
import type { Env } from "../lib/env";
import { DAY, iso, isoOrNull, SECOND } from "../lib/time";
import { FORMATS, METHODS, SCHEMES } from "../lib/wire";
import { invalid } from "./problem";
import { eventType, filterField, isoTime, plainText } from "./schemas";

/** What stands for a header's value in answers: it may be a secret. */
export const MASK = "***";

/** The most event types that one endpoint lists. */
const MAX_EVENTS = 100;
/** The most entries of an endpoint's metadata. */
const MAX_METADATA = 50;
const WEEK = (7 * DAY) / SECOND;

const events = z
  .array(z.union([z.literal("*"), eventType], { error: "must be an event type, or * alone" }))
  .max(MAX_EVENTS)
  .refine((list) => !list.includes("*") || list.length === 1, "* stands alone: it means every event type")
  .transform((list) => [...new Set(list)]);

type Names<Value> = Record<string, Value>;

/** A record that refuses the one name which zod would drop in silence. */
function named<Value>(record: z.ZodType<Names<Value>, Names<Value>>) {
  return z
    .custom<Names<Value>>()
    .refine((value) => !Object.hasOwn(Object(value), "__proto__"), {
      path: ["__proto__"],
      error: "cannot be a name here",
    })
    .pipe(record)
    .openapi({ type: "object", additionalProperties: { type: "string" } });
}

const profile = z.enum(PROFILE_NAMES, { error: () => `must be one of ${PROFILE_NAMES.join(", ")}` });

const fields = {
  uid: z
    .string()
    .regex(
      /^(?!ep_|\.{1,2}$)[A-Za-z0-9_.:-]{1,128}$/,
      "must be 1-128 letters, digits or . _ : -, not begin with ep_, and not be . or ..",
    )
    .nullable(),
  name: plainText(200).trim().min(1).nullable(),
  url: z
    .string()
    .max(2048)
    .refine((text) => URL.canParse(text), "is not a URL"),
  description: plainText(2000).nullable(),
  events,
  profile: profile.nullable(),
  filter: filterField.nullable().openapi({ type: ["object", "null"] }),
  format: z.enum(FORMATS).nullable(),
  signature: z
    .strictObject({ scheme: z.enum(SCHEMES), header: z.string().min(1).max(128).nullable().optional() })
    .transform(({ scheme, header = null }) => ({ scheme, header }))
    .nullable(),
  headers: named(z.record(z.string(), z.string())).nullable(),
  method: z.enum(METHODS).nullable(),
  metadata: named(
    z
      .record(plainText(64).min(1), plainText(512))
      .refine((record) => Object.keys(record).length <= MAX_METADATA, `may have at most ${MAX_METADATA} entries`),
  ).nullable(),
  retry: z.array(z.number().int().min(1).max(43_200)).max(20).nullable(),
  timeout: z.number().int().min(1).max(30).nullable(),
  disableAfter: z.number().int().min(0).max(31_536_000).nullable(),
  rateLimit: z.number().int().min(1).max(1000).nullable(),
  enabled: z.boolean(),
};

const whole = z.object(fields).partial();

/** A secret of the caller's own. */
export const secretField = plainText(256)
  .min(8)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  .regex(/^[^\u0000-\u001f\u007f]*$/, "must not contain control characters");

/** What POST takes. */
export const endpointInput = z.strictObject({
  ...whole.shape,
  url: fields.url,
  events: fields.events,
  secret: secretField.nullable().optional(),
});

/** A record as PATCH merges it: `null` takes a name away, and what is not named stays. */
function merging(value: z.ZodType<string, string>, name: z.ZodType<string, string> = z.string()) {
  const record = z.record(name, value.nullable()) as z.ZodType<Names<string | null>, Names<string | null>>;
  return named(record)
    .nullable()
    .openapi({ type: "object", additionalProperties: { type: ["string", "null"] } });
}

/** What PATCH takes: what is absent stays, `null` goes back to the default; `headers` and `metadata` are merged (RFC 7396). */
export const endpointPatch = z
  .strictObject({
    ...whole.shape,
    headers: merging(z.string()).optional(),
    metadata: merging(plainText(512), plainText(64).min(1)).optional(),
  })
  .refine((patch) => Object.keys(patch).length > 0, {
    error: "names nothing to change",
    when: ({ issues }) => issues.length === 0,
  });

/** What a change says of an endpoint, with `headers` and `metadata` whole. */
export type EndpointPatch = z.output<typeof whole>;

/** A PATCH with its records merged into those of the endpoint as it is. Throws a 422 where there are then too many. */
export function merged(
  { headers, metadata, ...rest }: z.output<typeof endpointPatch>,
  before: Pick<EndpointRow, "headers" | "metadata">,
): EndpointPatch {
  const kept = Object.fromEntries(Object.keys(before.headers ?? {}).map((name) => [name, MASK]));
  const merged: EndpointPatch = {
    ...rest,
    headers: headers && mergedInto(kept, headers, (name) => name.toLowerCase()),
    metadata: metadata && mergedInto(before.metadata, metadata, (name) => name),
  };
  if (Object.keys(merged.metadata ?? {}).length > MAX_METADATA) {
    throw invalid({ path: "metadata", message: `may have at most ${MAX_METADATA} entries` });
  }
  return merged;
}

/** RFC 7396 for a flat record, whose names are the same when `sameAs` says so. */
function mergedInto(
  before: Names<string>,
  patch: Names<string | null>,
  sameAs: (name: string) => string,
): Names<string> {
  const named = new Set(Object.keys(patch).map(sameAs));
  const kept = Object.entries(before).filter(([name]) => !named.has(sameAs(name)));
  const said = Object.entries(patch).filter((entry): entry is [string, string] => entry[1] !== null);
  return Object.fromEntries([...kept, ...said]);
}

/** What an endpoint is that does not say otherwise, and what `null` in a PATCH goes back to. */
export function defaultsOf(env: Pick<Env, "DEFAULT_PROFILE">): Omit<EndpointFields, "url" | "events"> {
  return {
    uid: null,
    name: null,
    description: null,
    profile: env.DEFAULT_PROFILE,
    filter: null,
    format: null,
    signature: null,
    method: null,
    metadata: {},
    retry: null,
    timeout: null,
    disableAfter: WEEK,
    rateLimit: null,
  };
}

/** What is answered. */
export const endpointShape = z.object({
  id: z.string(),
  uid: z.string().nullable(),
  name: z.string().nullable(),
  url: z.string(),
  description: z.string().nullable(),
  events: z.array(z.string()),
  profile: z.string(),
  filter: z.record(z.string(), z.unknown()).nullable(),
  format: z.enum(FORMATS),
  signature: z.object({ scheme: z.enum(SCHEMES), header: z.string().nullable() }),
  headers: z.record(z.string(), z.string()),
  method: z.enum(METHODS),
  metadata: z.record(z.string(), z.string()),
  retry: z.array(z.number()),
  timeout: z.number(),
  disableAfter: z.number(),
  rateLimit: z.number().nullable(),
  enabled: z.boolean(),
  disabledReason: z.enum(["manual", "failing", "gone"]).nullable(),
  disabledAt: isoTime.nullable(),
  createdAt: isoTime,
  updatedAt: isoTime,
});

/** An endpoint as it is answered, with what it leaves to its profile filled in. */
export function toShape(row: EndpointRow): z.infer<typeof endpointShape> {
  const settings = effectiveSettings(row);
  const { url, profile, format, signature, sealedHeaders, method, retry, timeout, disableAfter, rateLimit } = settings;
  return {
    id: row.id,
    uid: row.uid,
    name: row.name,
    url,
    description: row.description,
    events: row.events,
    profile,
    filter: row.filter,
    format,
    signature,
    headers: Object.fromEntries(Object.keys(sealedHeaders).map((name) => [name, MASK])),
    method,
    metadata: row.metadata,
    retry,
    timeout,
    disableAfter,
    rateLimit,
    enabled: row.enabled,
    disabledReason: row.disabledReason,
    disabledAt: isoOrNull(row.disabledAt),
    createdAt: iso(row.createdAt),
    updatedAt: iso(row.updatedAt),
  };
}
