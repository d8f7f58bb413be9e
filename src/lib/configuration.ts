import * as z from "zod";
import { DAY, SECOND } from "./time";

/** What is wrong with one variable of the deployment. The message never shows a value, which may be a secret. */
export interface Misconfigured {
  name: string;
  message: string;
}

/** What the variables of a deployment say. What is missing or wrong stands at its default, and is named in `faults`. */
export interface Configuration {
  secretsKeys: string[];
  allowsInsecure: boolean;
  /** Where names are looked up; `null`: nowhere. */
  resolver: string | null;
  reconcileAfterMs: number;
  retentionMs: number;
  maxEndpoints: number;
  entityTtlMs: number;
  frameAncestors: string[];
  faults: Misconfigured[];
}

const DEFAULT_RESOLVER = "https://cloudflare-dns.com/dns-query";
/** Days until a delivery has ended for certain: 20 retries 12 h apart, each at most 10 % later, and 24 h more. */
const LEAST_RETENTION_DAYS = 12;

const ORIGIN = /^https?:\/\/(\*\.)?[a-z0-9.-]+(:\d{1,5})?$/i;

/** A variable may be left out or empty, and wrangler has numbers too. */
const text = z
  .union([z.string(), z.number(), z.boolean()])
  .optional()
  .transform((value) => String(value ?? "").trim());
const needed = text.refine((value) => value !== "", { error: "is not set" });

function number(fallback: number, fits: (value: number) => boolean, error: string) {
  return text
    .refine((value) => value === "" || (/^\d+(\.\d+)?$/.test(value) && fits(Number(value))), { error })
    .transform((value) => (value === "" ? fallback : Number(value)));
}

const positive = (fallback: number) => number(fallback, (value) => value > 0, "must be a number above 0");

const VARIABLES = {
  OPERATOR_KEY: needed,
  SECRETS_KEY: needed,
  SECRETS_KEY_OLD: text,
  ALLOW_INSECURE_ENDPOINTS: text
    .refine((value) => ["", "true", "false"].includes(value), { error: "must be true or false" })
    .transform((value) => value === "true"),
  DOH_URL: z
    .string()
    .default(DEFAULT_RESOLVER)
    .refine((value) => value === "" || /^https?:$/.test(protocolOf(value)), { error: "must be a URL, or empty" }),
  RECONCILE_AFTER_SECONDS: positive(300),
  RETENTION_DAYS: positive(30),
  MAX_ENDPOINTS: number(100, Number.isInteger, "must be a whole number"),
  ENTITY_TTL_DAYS: positive(400),
  FRAME_ANCESTORS: text
    .transform((value) => value.split(/[\s,]+/).filter((one) => one !== ""))
    .refine((origins) => origins.every((one) => ORIGIN.test(one)), {
      error: "must list origins such as https://app.example.com, without a path",
    }),
  CONTACT_URL: text.refine((value) => /^[!-'*-~]*$/.test(value), {
    error: "must be a URL without spaces and parentheses",
  }),
};

type Name = keyof typeof VARIABLES;
const NAMES = Object.keys(VARIABLES) as Name[];

/** The variables as the platform hands them over. */
export type Variables = { readonly [N in Name]?: unknown };

let last: { values: readonly unknown[]; configuration: Configuration } | undefined;

/** What a deployment's variables say; read once, as long as they stay what they are. Never throws. */
export function configurationOf(env: Variables): Configuration {
  if (last === undefined || NAMES.some((name, i) => env[name] !== last?.values[i])) {
    last = { values: NAMES.map((name) => env[name]), configuration: read(env) };
  }
  return last.configuration;
}

function read(env: Variables): Configuration {
  const faults: Misconfigured[] = [];
  /** A variable's value; at fault it is as if it were left out. */
  function said<N extends Name>(name: N): z.output<(typeof VARIABLES)[N]> {
    const schema: z.ZodType = VARIABLES[name];
    const result = schema.safeParse(env[name]);
    if (result.success) return result.data as z.output<(typeof VARIABLES)[N]>;
    faults.push({ name, message: result.error.issues[0]?.message ?? "is not valid" });
    const fallback = schema.safeParse(undefined);
    return (fallback.success ? fallback.data : "") as z.output<(typeof VARIABLES)[N]>;
  }
  const old = said("SECRETS_KEY_OLD");
  said("OPERATOR_KEY");
  const key = said("SECRETS_KEY") && String(env.SECRETS_KEY);
  said("CONTACT_URL");
  const retention = said("RETENTION_DAYS");
  return {
    // Old ones also as a whole, since a key of somebody's own making may have a comma in it.
    secretsKeys: key === "" ? [] : [key, ...new Set([old, ...old.split(",").map((one) => one.trim())])].filter(Boolean),
    allowsInsecure: said("ALLOW_INSECURE_ENDPOINTS"),
    resolver: said("DOH_URL") || null,
    reconcileAfterMs: said("RECONCILE_AFTER_SECONDS") * SECOND,
    retentionMs: Math.max(retention, LEAST_RETENTION_DAYS) * DAY,
    maxEndpoints: said("MAX_ENDPOINTS"),
    entityTtlMs: said("ENTITY_TTL_DAYS") * DAY,
    frameAncestors: originsIn(said("FRAME_ANCESTORS"), env.FRAME_ANCESTORS),
    faults,
  };
}

/** Of a list with a mistake in it, what is right: a frame that was allowed stays so. */
function originsIn(origins: string[], raw: unknown): string[] {
  if (origins.length > 0) return origins;
  return String(raw ?? "")
    .split(/[\s,]+/)
    .filter((one) => ORIGIN.test(one));
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : "";
}
