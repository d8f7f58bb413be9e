import type { EndpointFields, EndpointRow, EndpointSecrets } from "../../config/endpoints/endpoints";
import { effectiveSettings } from "../../config/endpoints/endpoints";
import { headersOf, SIGNING_SCHEMES, schemeOf } from "../../config/endpoints/schemes";
import { newSecret, openSecrets, sealHeaders, secretRefusal } from "../../config/endpoints/secrets";
import { type Env, secretsKey, secretsKeys } from "../../contracts/env";
import { secretOwner } from "../../contracts/settings";
import { seal } from "../../lib/crypto";
import { type DestinationRules, destinationRefusal } from "../../lib/net/destination";
import { headerRefusal, MAX_HEADERS, trimmedValue } from "../../lib/net/header-policy";
import { type FieldError, invalid } from "../problems/problem";
import type { EndpointPatch } from "./endpoint-patch";
import { defaultsOf, MASK } from "./endpoint-shape";

/** Headers that some scheme signs with, whichever the endpoint has. */
const SIGNING_HEADERS = Object.values(SIGNING_SCHEMES).flatMap((scheme) => headersOf(scheme, scheme.header));

/** What a body changes of an endpoint, ready to be written. */
export interface EndpointChange {
  fields: Partial<EndpointFields & EndpointSecrets>;
  /** A secret that was chosen or made by this change, in the clear. */
  secret: string | null;
}

/**
 * Checks what a body says of an endpoint as a whole, since scheme, secret and headers must fit one another, and seals
 * what is secret. `before`: the row it changes, `null` for a new one. Throws a 422 that names every field.
 */
export async function endpointChange(
  env: Env,
  tenant: string,
  id: string,
  input: EndpointPatch & { secret?: string | null | undefined },
  before: EndpointRow | null,
  rules: DestinationRules,
  now: number,
): Promise<EndpointChange> {
  const { enabled: _, secret: asked, headers, ...plain } = input;
  const fields: EndpointChange["fields"] = { ...(before === null ? defaultsOf(env) : {}), ...given(plain, env) };
  // The row as it will be; a new one has nothing but what the fields say.
  const after = effectiveSettings({ ...(before as EndpointRow), ...fields });
  const { scheme, header } = after.signature;
  const errors: FieldError[] = [];
  const note = (path: string, message: string | null) => message !== null && errors.push({ path, message });

  if (input.url !== undefined) note("url", await destinationRefusal(input.url, rules, now, { fresh: true }));
  const own = schemeOf(scheme);
  // Its own name may be said, since answers say it.
  if (input.signature?.header && !own?.headerIsFree) {
    const said = input.signature.header.toLowerCase() === own?.header.toLowerCase();
    if (!said) note("signature.header", `cannot be chosen under the scheme ${scheme}`);
  } else if (input.signature?.header) {
    note("signature.header", headerRefusal(input.signature.header, "", []));
  }
  const used = [...SIGNING_HEADERS, ...(header === null ? [] : [header, `${header}-Next`])];
  const kept = before?.headers ?? {};
  if (headers) for (const error of headerErrors(headers, used, kept)) errors.push(error);
  else if (headers === undefined) {
    const taken = Object.keys(kept).find((name) => used.some((other) => other.toLowerCase() === name.toLowerCase()));
    if (taken !== undefined) note("signature.header", `is one of the endpoint's own headers, ${taken}`);
  }

  const owner = secretOwner(tenant, id);
  const key = secretsKey(env);
  let secret: string | null = null;
  if (before === null) {
    if (asked === null && scheme !== "none") note("secret", "may be null only under the scheme none");
    else if (typeof asked === "string") note("secret", secretRefusal(scheme, asked));
    secret = asked ?? (scheme === "none" ? null : newSecret(scheme));
  } else if (scheme !== effectiveSettings(before).signature.scheme && scheme !== "none") {
    const live = await openSecrets(secretsKeys(env), effectiveSettings(before), now);
    const misfit = live.map((known) => secretRefusal(scheme, known)).find((why) => why !== null);
    // Where nothing was signed nobody verifies with the old one.
    if (live.length === 0 || (misfit && effectiveSettings(before).signature.scheme === "none")) {
      secret = newSecret(scheme);
      Object.assign(fields, { nextSecret: null, nextFrom: null, laterSecrets: null });
    } else if (misfit) note("signature.scheme", `${misfit}; rotate to one first, then change the scheme`);
  }
  if (errors.length > 0) throw invalid(...errors);

  if (secret !== null) fields.secret = await seal(key, owner, secret);
  else if (before === null) fields.secret = "";
  if (headers === null) fields.headers = null;
  else if (headers !== undefined) {
    const fresh = Object.entries(headers).filter(([, value]) => value !== MASK);
    const sealed = await sealHeaders(
      key,
      owner,
      Object.fromEntries(fresh.map(([name, value]) => [name, trimmedValue(value)])),
    );
    fields.headers = Object.fromEntries(
      Object.keys(headers).map((name) => [name, sealed[name] ?? keptValue(name, kept) ?? ""]),
    );
  }
  return { fields, secret };
}

/** The sealed value of a header that is there already, however its name is spelled. */
function keptValue(name: string, kept: Record<string, string>): string | undefined {
  return Object.entries(kept).find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1];
}

function headerErrors(
  headers: Record<string, string>,
  used: readonly string[],
  kept: Record<string, string>,
): FieldError[] {
  const names = Object.keys(headers);
  const errors: FieldError[] = [];
  if (names.length > MAX_HEADERS) errors.push({ path: "headers", message: `may be at most ${MAX_HEADERS}` });
  for (const [i, name] of names.entries()) {
    const path = `headers.${name}`;
    const value = headers[name] as string;
    const why = headerRefusal(name, value === MASK ? "" : trimmedValue(value), used);
    if (why !== null) errors.push({ path, message: why });
    else if (value === MASK && keptValue(name, kept) === undefined) {
      errors.push({ path, message: `is ${MASK}, which keeps the value that is there, and there is none` });
    }
    const twin = names.slice(0, i).find((other) => other.toLowerCase() === name.toLowerCase());
    if (twin !== undefined) errors.push({ path, message: `is the same header as ${twin}` });
  }
  return errors;
}

/** The fields that a body names; `null` stands for the field's default. */
function given(named: Partial<Record<keyof EndpointFields, unknown>>, env: Env): Partial<EndpointFields> {
  const defaults: Partial<EndpointFields> = defaultsOf(env);
  const entries = Object.entries(named)
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => [field, value ?? defaults[field as keyof EndpointFields]]);
  return Object.fromEntries(entries) as Partial<EndpointFields>;
}
