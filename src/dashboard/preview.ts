import { sampleOf } from "../config/event-types";
import { profileOf } from "../config/profiles";
import { schemeOf } from "../config/schemes";
import { newSecret } from "../config/secrets";
import { prepare } from "../delivery/prepare";
import { filterSubject } from "../events/matching";
import { seal } from "../lib/crypto";
import { type Env, secretsKey } from "../lib/env";
import { type FailingClause, type Filter, failingClause } from "../lib/filter";
import { filterErrors } from "../lib/filter-errors";
import { deliveryId, eventId, mintEventUlid, newId } from "../lib/ids";
import { secretOwner } from "../lib/settings";
import { dayOf } from "../lib/time";
import { FORMATS, type Format, METHODS, type Method, SCHEMES } from "../lib/wire";
import { bodyOf, type EndpointValues, eventsOf } from "./pages/endpoint-values";

/** What an endpoint that is still being filled in would be sent, and whether it would. */
export interface Preview {
  event: string;
  data: string;
  /** Whether the data was given, and is not the type's sample. */
  own: boolean;
  /** `null`: the sample could not be sent. */
  request: { method: string; headers: Record<string, string>; body: string | null } | null;
  /** Whether it wants the type; `null`: it wants none yet. */
  subscribed: boolean | null;
  /** `null`: there is no filter, or it cannot be read. */
  filter: { passes: boolean; clause: FailingClause | null } | null;
  /** Why there is nothing to show. */
  problem: string | null;
}

/** Renders and signs a sample as a delivery would be, under a secret made for the occasion. `now` in ms. */
export async function previewOf(
  env: Env,
  tenant: string,
  values: EndpointValues,
  asked: { event: string; data: string },
  now: number,
): Promise<Preview> {
  const { event } = asked;
  const given = asked.data.trim();
  const data = given === "" ? await sampleOf(env.DB, values.profile, event) : given;
  const wanted = eventsOf(values);
  const subscribed = wanted.length === 0 ? null : wanted.some((name) => name === "*" || name === event);
  const nothing = { event, data: data ?? "", own: given !== "", request: null, subscribed, filter: null };
  if (data === null) return { ...nothing, problem: "This event type has no sample: write one below." };
  const wrong = dataProblem(data);
  if (wrong !== null) return { ...nothing, problem: wrong };
  return {
    ...nothing,
    request: await requestOf(env, tenant, values, { event, data }, now),
    filter: filterOf(values, tenant, { event, data }, now),
    problem: null,
  };
}

function dataProblem(data: string): string | null {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === "object" && value !== null ? null : "The sample must be a JSON object or a list.";
  } catch (error) {
    return `The sample is not JSON: ${(error as Error).message}`;
  }
}

function filterOf(values: EndpointValues, tenant: string, { event, data }: Sample, now: number): Preview["filter"] {
  const { body, unread } = bodyOf(values);
  const filter = body.filter as Filter | null;
  if (filter === null || unread.some(({ path }) => path === "filter") || filterErrors(filter).length > 0) return null;
  const read: unknown = JSON.parse(data);
  const clause = failingClause(filter, filterSubject({ tenant, event, timestamp: now, data: () => read }));
  return { passes: clause === null, clause };
}

interface Sample {
  event: string;
  data: string;
}

async function requestOf(
  env: Env,
  tenant: string,
  values: EndpointValues,
  { event, data }: Sample,
  now: number,
): Promise<Preview["request"]> {
  const profile = profileOf(values.profile);
  const scheme = oneOf(SCHEMES, values.scheme) ?? profile.signature.scheme;
  const preset = values.scheme === "" ? (profile.signature.header ?? null) : null;
  const known = schemeOf(scheme);
  const chosen = known?.headerIsFree === true && values.header !== "" ? values.header : preset;
  const header = chosen ?? known?.header ?? null;
  const endpoint = newId("ep", now);
  const owner = secretOwner(tenant, endpoint);
  const ulid = mintEventUlid(dayOf(now), now, null);
  const { request } = await prepare(
    env,
    {
      tenant,
      endpoint,
      version: 1,
      url: values.url,
      method: oneOf<Method>(METHODS, values.method) ?? profile.method,
      profile: values.profile,
      format: oneOf<Format>(FORMATS, values.format) ?? profile.format,
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
      do: "send",
      id: deliveryId(ulid, 0),
      attemptId: newId("att", now),
      number: 1,
      trigger: "scheduled",
      leasedUntil: now,
      format: null,
    },
    { event, timestamp: now, payloadId: eventId(ulid), data },
    now,
  );
  const body = request.body === null ? null : new TextDecoder().decode(request.body);
  return { method: request.method, headers: { ...request.headers, ...ownHeaders(values) }, body };
}

/** The endpoint's own headers are shown by name: their values may be secrets. */
function ownHeaders(values: EndpointValues): Record<string, string> {
  const headers = bodyOf(values).body.headers as Record<string, string> | null;
  return Object.fromEntries(Object.keys(headers ?? {}).map((name) => [name, "***"]));
}

function oneOf<T extends string>(names: readonly T[], text: string): T | null {
  return names.find((name) => name === text) ?? null;
}
