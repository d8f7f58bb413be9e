import { z } from "@hono/zod-openapi";
import { type EndpointFields, type EndpointRow, effectiveSettings } from "../../config/endpoints/endpoints";
import { PROFILE_NAMES, type ProfileName } from "../../config/endpoints/profiles";
import type { Env } from "../../contracts/env";
import { FORMATS, METHODS, SCHEMES } from "../../contracts/wire";
import { EVENT_FIELDS } from "../../lib/filter/filter-errors";
import { DAY, iso, isoOrNull, SECOND } from "../../lib/time";
import {
  createdAt,
  described,
  eventType,
  filterOrNull,
  filterShape,
  isoTime,
  named,
  plainText,
  updatedAt,
} from "../spec/schemas";

/** What stands for a header's value in answers: it may be a secret. */
export const MASK = "***";

/** The most event types that one endpoint lists. */
const MAX_EVENTS = 100;
/** The most entries of an endpoint's metadata. */
export const MAX_METADATA = 50;
const WEEK = (7 * DAY) / SECOND;

const events = z
  .array(z.union([z.literal("*"), eventType], { error: "must be an event type, or * alone" }))
  .max(MAX_EVENTS)
  .refine((list) => !list.includes("*") || list.length === 1, "* stands alone: it means every event type")
  .transform((list) => [...new Set(list)]);

export type Names<Value> = Record<string, Value>;

/** A record that refuses the one name which zod would drop in silence; the document shows it as having `values`. */
export function namesOf<Value>(record: z.ZodType<Names<Value>, Names<Value>>, values: ("string" | "null")[]) {
  return z
    .custom<Names<Value>>()
    .refine((value) => !Object.hasOwn(Object(value), "__proto__"), {
      path: ["__proto__"],
      error: "cannot be a name here",
    })
    .pipe(record)
    .nullable()
    .openapi({ type: ["object", "null"], additionalProperties: { type: values.length === 1 ? "string" : values } });
}

const profile = named(
  "ProfileName",
  z.enum(PROFILE_NAMES, { error: () => `must be one of ${PROFILE_NAMES.join(", ")}` }),
  "A preset of body format, signature, headers and retries.",
);
const format = named(
  "BodyFormat",
  z.enum(FORMATS),
  "How a delivery's body is made; the webhooks of this document show each.",
);
const scheme = named("SignatureScheme", z.enum(SCHEMES), "How a delivery is signed; `none`: it is not.");
export const deliveryMethod = named(
  "DeliveryMethod",
  z.enum(METHODS),
  "The method of a delivery's request; `GET` goes without a body.",
);

const signature = {
  scheme,
  header: z.string().min(1).max(128).nullable().optional(),
};
const SIGNATURE = "How deliveries are signed.";
const HEADER = "The header that carries the signature; `null`: the scheme's own.";

/** What the document says of an endpoint's fields, in what is given as in what is answered. */
const ABOUT = {
  uid: "Your own name for it, unique in the tenant and accepted wherever its id is; `null`: none.",
  name: "What people call it.",
  url: "Where deliveries are sent: https, and no address that is not public.",
  description: "What it is for.",
  events: "The event types that it gets: up to 100 names, `*` alone for all, or none.",
  profile: "The preset that fills in what the endpoint leaves out.",
  filter: "Which of these events it gets; `null`: all.",
  format: "How the body is made.",
  signature: SIGNATURE,
  headers: "Headers of its own, up to 20. Answers mask their values.",
  method: "The method of the request.",
  metadata: "Names and values of your own, up to 50.",
  retry: "The delays between attempts, each in seconds.",
  timeout: "How many seconds a receiver has until its status line and headers are there.",
  disableAfter: "After how many seconds of failure it is disabled; 0: never.",
  rateLimit: "The most requests per second; `null`: no limit.",
  enabled: "Whether it is sent to. While it is not, its deliveries are held.",
};
/** In what is given `null` is said of most of them. */
const DEFAULT = "`null`: the profile's.";

/** What is given of an endpoint. */
export const endpointFields = described(
  {
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
    filter: filterOrNull(EVENT_FIELDS),
    format: format.nullable(),
    signature: named(
      "SignatureInput",
      z.strictObject(described(signature, { scheme: "How it is made.", header: HEADER })),
      SIGNATURE,
    )
      .transform(({ scheme, header = null }) => ({ scheme, header }))
      .nullable(),
    headers: namesOf(z.record(z.string(), z.string()), ["string"]),
    method: deliveryMethod.nullable(),
    metadata: namesOf(
      z
        .record(plainText(64).min(1), plainText(512))
        .refine((record) => Object.keys(record).length <= MAX_METADATA, `may have at most ${MAX_METADATA} entries`),
      ["string"],
    ),
    retry: z.array(z.number().int().min(1).max(43_200)).max(20).nullable(),
    timeout: z.number().int().min(1).max(30).nullable(),
    disableAfter: z.number().int().min(0).max(31_536_000).nullable(),
    rateLimit: z.number().int().min(1).max(1000).nullable(),
    enabled: z.boolean(),
  },
  {
    ...ABOUT,
    profile: `${ABOUT.profile} \`null\`: the deployment's default.`,
    format: `${ABOUT.format} ${DEFAULT}`,
    signature: `${SIGNATURE} ${DEFAULT}`,
    headers: `${ABOUT.headers} ${DEFAULT}`,
    method: `${ABOUT.method} ${DEFAULT}`,
    metadata: `${ABOUT.metadata} \`null\`: none.`,
    retry: `${ABOUT.retry} Up to 20, each up to 12 hours. ${DEFAULT}`,
    timeout: `${ABOUT.timeout} ${DEFAULT}`,
    disableAfter: `${ABOUT.disableAfter} \`null\`: a week.`,
  },
);

/** The same, none of which must be. */
export const whole = z.object(endpointFields).partial();

/** A secret of the caller's own. */
export const secretField = plainText(256)
  .min(8)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  .regex(/^[^\u0000-\u001f\u007f]*$/, "must not contain control characters");

const secret = secretField.nullable().optional();

/** What POST takes. */
export const endpointInput = named(
  "EndpointInput",
  z.strictObject({
    ...whole.shape,
    url: endpointFields.url,
    events: endpointFields.events,
    secret: secret.describe(
      "What deliveries are signed with, of your own; `null` under the scheme `none`. Without one it is generated.",
    ),
  }),
  "An endpoint to be created.",
);

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

const disabledReason = named(
  "DisabledReason",
  z.enum(["manual", "failing", "gone"]),
  "`manual`: by hand. `failing`: it failed for `disableAfter`. `gone`: it answered 410.",
);

/** What is answered. */
const shape = {
  ...described(
    {
      id: z.string(),
      uid: z.string().nullable(),
      name: z.string().nullable(),
      url: z.string(),
      description: z.string().nullable(),
      events: z.array(z.string()),
      profile,
      filter: filterShape.nullable(),
      format,
      signature: named(
        "Signature",
        z.object(described({ scheme, header: z.string().nullable() }, { scheme: "How it is made.", header: HEADER })),
        SIGNATURE,
      ),
      headers: z.record(z.string(), z.string()).openapi({ example: { "X-Team": MASK } }),
      method: deliveryMethod,
      metadata: z.record(z.string(), z.string()),
      retry: z.array(z.number().int()),
      timeout: z.number().int(),
      disableAfter: z.number().int(),
      rateLimit: z.number().int().nullable(),
      enabled: z.boolean(),
      disabledReason: disabledReason.nullable(),
      disabledAt: isoTime.nullable(),
    },
    {
      ...ABOUT,
      id: "Its id: `ep_…`.",
      disabledReason: "Why it is disabled; `null`: it is not.",
      disabledAt: "When it was disabled; `null`: it is not.",
    },
  ),
  createdAt,
  updatedAt,
};
export const endpointShape = named(
  "Endpoint",
  z.object(shape),
  "Where a tenant's events go, with its effective settings.",
);

/** What is answered where there is more to say than the endpoint. */
export function endpointWith<S extends z.ZodRawShape>(name: string, more: S, about: string) {
  return named(name, z.object({ ...shape, ...more }), about);
}

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
    profile: profile as ProfileName,
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
