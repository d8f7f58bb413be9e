import { filterSubject } from "../accept/match";
import { sampleOf } from "../config/catalogs/event-types";
import { serviceOf } from "../config/databases";
import { PROFILE_NAMES, type Profile, profileOf } from "../config/endpoints/profiles";
import { schemeOf } from "../config/endpoints/schemes";
import { newSecret } from "../config/endpoints/secrets";
import { type Env, secretsKey } from "../contracts/env";
import { type EndpointSettings, secretOwner } from "../contracts/settings";
import { FORMATS, type Format, METHODS, type Method, SCHEMES } from "../contracts/wire";
import { seal } from "../lib/crypto";
import { type Filter, failingClause } from "../lib/filter/filter";
import { filterErrors } from "../lib/filter/filter-errors";
import type { FailingClause } from "../lib/filter/visits";
import { deliveryId, eventId, mintEventUlid, newId } from "../lib/ids";
import { isContainer, readJson } from "../lib/json/exact";
import { dayOf } from "../lib/time";
import { prepare } from "../send/request/prepare";
import type { FieldErrors } from "./errors";
import type { Requested } from "./inspect/curl";
import type { EndpointBody, Unread } from "./pages/endpoints/endpoint-values";

/** Stands for the URL while none is filled in. */
const UNKNOWN_URL = "https://receiver.example/";

/** What decides about an endpoint's requests; `null`: as its profile has it. */
export type Said = Pick<
  EndpointBody,
  "url" | "profile" | "events" | "filter" | "format" | "signature" | "method" | "headers"
>;

/** What an endpoint that is still being filled in would be sent, and whether it would. */
export interface Preview {
  event: string;
  data: string;
  /** Whether the data was given, and is not the type's sample. */
  own: boolean;
  /** `null`: the sample could not be sent. */
  request: Requested | null;
  /** Whether it wants the type; `null`: it wants none yet. */
  subscribed: boolean | null;
  /** What the filter makes of the sample, or what is wrong with the filter; `null`: there is none. */
  filter: { passes: boolean; clause: FailingClause | null } | { errors: FieldErrors } | null;
  /** Why there is nothing to show. */
  problem: string | null;
}

/**
 * Renders and signs a sample as a delivery would be, under a secret made for the occasion. `unread`: the fields that
 * `said` could not be read from. `now` in ms.
 */
export async function previewOf(
  env: Env,
  tenant: string,
  { said, unread }: { said: Said; unread: readonly Unread[] },
  asked: { event: string; data: string },
  now: number,
): Promise<Preview> {
  const { event } = asked;
  const given = asked.data.trim();
  const profile = said.profile ?? env.DEFAULT_PROFILE;
  const data = given === "" ? await sampleOf(serviceOf(env), profile, event) : given;
  const subscribed = said.events.length === 0 ? null : said.events.some((name) => name === "*" || name === event);
  const errors = filterProblems(said.filter, unread);
  const filter = errors.length === 0 ? null : { errors };
  const nothing = { event, data: data ?? "", own: given !== "", request: null, subscribed, filter };
  if (oneOf(PROFILE_NAMES, profile) === null) return { ...nothing, problem: "There is no profile of that name." };
  if (data === null) return { ...nothing, problem: "This event type has no sample: write one below." };
  const wrong = dataProblem(data);
  if (wrong !== null) return { ...nothing, problem: wrong };
  return {
    ...nothing,
    request: await requestOf(env, tenant, said, { event, data }, now),
    filter: filter ?? verdictOf(said.filter, tenant, { event, data }, now),
    problem: null,
  };
}

function dataProblem(data: string): string | null {
  try {
    const value: unknown = readJson(data);
    return isContainer(value) ? null : "The sample must be a JSON object or a list.";
  } catch (error) {
    return `The sample is not JSON: ${(error as Error).message}`;
  }
}

function filterProblems(filter: object | null, unread: readonly Unread[]): FieldErrors {
  const illegible = unread.filter(({ path }) => path === "filter").map(({ message }) => ({ path: "", message }));
  return illegible.length > 0 || filter === null ? illegible : filterErrors(filter);
}

function verdictOf(filter: object | null, tenant: string, { event, data }: Sample, now: number): Preview["filter"] {
  if (filter === null) return null;
  const read: unknown = readJson(data);
  const clause = failingClause(
    filter as Filter,
    filterSubject({ tenant, type: event, timestamp: now, data: () => read }),
  );
  return { passes: clause === null, clause };
}

interface Sample {
  event: string;
  data: string;
}

async function requestOf(
  env: Env,
  tenant: string,
  said: Said,
  { event, data }: Sample,
  now: number,
): Promise<Preview["request"]> {
  const name = said.profile ?? env.DEFAULT_PROFILE;
  const profile = profileOf(name);
  const { scheme, header } = signatureOf(said.signature, profile);
  const endpoint = newId("ep", now);
  const owner = secretOwner(tenant, endpoint);
  const ulid = mintEventUlid(dayOf(now), now, null);
  const { request } = await prepare(
    env,
    {
      tenant,
      endpoint,
      version: 1,
      url: said.url,
      method: oneOf<Method>(METHODS, said.method) ?? profile.method,
      profile: name,
      format: oneOf<Format>(FORMATS, said.format) ?? profile.format,
      signature: { scheme, header },
      owner,
      sealedHeaders: {},
      sealedSecret: scheme === "none" ? null : await seal(secretsKey(env), owner, newSecret(scheme)),
      sealedNext: null,
      nextFrom: null,
      retry: [],
      timeout: profile.timeout,
      disableAfter: 0,
      rateLimit: null,
    },
    {
      id: deliveryId(ulid, 0),
      attemptId: newId("att", now),
      number: 1,
      trigger: "scheduled",
      leasedUntil: now,
      format: null,
    },
    { type: event, timestamp: now, payloadId: eventId(ulid), data },
    now,
  );
  const body = request.body === null ? null : new TextDecoder().decode(request.body);
  const own = ownHeaders(said);
  // Theirs stand in place of what goes out otherwise, however they are spelled.
  const named = new Set(Object.keys(own).map((name) => name.toLowerCase()));
  const ours = Object.entries(request.headers).filter(([name]) => !named.has(name.toLowerCase()));
  return {
    method: request.method,
    url: said.url || UNKNOWN_URL,
    headers: { ...Object.fromEntries(ours), ...own },
    body,
  };
}

function signatureOf(said: Said["signature"], { signature }: Profile): EndpointSettings["signature"] {
  const own = oneOf(SCHEMES, said?.scheme ?? null);
  const scheme = own ?? signature.scheme;
  const known = schemeOf(scheme);
  const chosen = own === null ? signature.header : said?.header;
  return { scheme, header: (known?.headerIsFree ? chosen : null) ?? known?.header ?? null };
}

/** The endpoint's own headers are shown by name: their values may be secrets. */
function ownHeaders({ headers }: Said): Record<string, string> {
  return Object.fromEntries(Object.keys(headers ?? {}).map((name) => [name, "***"]));
}

function oneOf<T extends string>(names: readonly T[], text: string | null): T | null {
  return names.find((name) => name === text) ?? null;
}
