import { configurationOf } from "../lib/configuration";
import type { EndpointContract } from "./endpoint";
import type { EntityContract } from "./entity";
import type { EventLogContract } from "./event-log";
import type { DeliveryMessage, EventsMessage } from "./messages";

/** The Worker's bindings; wrangler.toml explains each. */
export interface Env {
  DB: D1Database;
  /** Further databases, numbered from 1 without a gap: config/databases.ts. */
  [further: `DB_${number}`]: D1Database | undefined;
  EVENT_LOG: DurableObjectNamespace<EventLogContract & Rpc.DurableObjectBranded>;
  ENDPOINT: DurableObjectNamespace<EndpointContract & Rpc.DurableObjectBranded>;
  ENTITY: DurableObjectNamespace<EntityContract & Rpc.DurableObjectBranded>;
  /** With `DELIVERIES_SLOW` the first pair of queues; of the others see {@link import("./queues").queueOf}. */
  DELIVERIES: Queue<DeliveryMessage | EventsMessage>;
  DELIVERIES_SLOW: Queue<DeliveryMessage>;
  DELIVERIES_DEAD: Queue<unknown>;
  DEFAULT_PROFILE: string;
  RECONCILE_AFTER_SECONDS: string;
  RETENTION_DAYS?: string;
  /** Absent: no limit. */
  ACCEPT_RATE?: RateLimit;
  /** Absent: no limit. */
  SIGN_IN_RATE?: RateLimit;
  MAX_ENDPOINTS?: string;
  FRAME_ANCESTORS?: string;
  ENTITY_TTL_DAYS?: string;
  CONTACT_URL?: string;
  OPERATOR_KEY?: string;
  OPERATOR_KEY_NEXT?: string;
  SECRETS_KEY?: string;
  SECRETS_KEY_OLD?: string;
  ALLOW_INSECURE_ENDPOINTS?: string;
  DOH_URL?: string;
}

/** Whether http and loopback endpoints are let in: for local work only. */
export function allowsInsecure(env: Env): boolean {
  return configurationOf(env).allowsInsecure;
}

/** Where names are looked up over HTTPS; `null`: nowhere, since it is switched off or endpoints may be insecure. */
export function resolverOf(env: Env): string | null {
  const { allowsInsecure, resolver } = configurationOf(env);
  return allowsInsecure ? null : resolver;
}

/** How long after its acceptance an event is handed to endpoints that have not confirmed it, in ms. */
export function reconcileAfterMs(env: Env): number {
  return configurationOf(env).reconcileAfterMs;
}

/** How long events and their deliveries are kept after the day of their acceptance, in ms. */
export function retentionMs(env: Env): number {
  return configurationOf(env).retentionMs;
}

/** The most endpoints of a tenant. */
export function maxEndpoints(env: Env): number {
  return configurationOf(env).maxEndpoints;
}

/** How long an entity is remembered that nothing is heard of, in ms. */
export function entityTtlMs(env: Env): number {
  return configurationOf(env).entityTtlMs;
}

/** The origins that may show the portal in a frame; empty: none. */
export function frameAncestors(env: Env): string[] {
  return configurationOf(env).frameAncestors;
}

/** The keys that open secrets; the first also seals them. Throws when the deployment has none. */
export function secretsKeys(env: Env): [string, ...string[]] {
  const [key, ...old] = configurationOf(env).secretsKeys;
  if (key === undefined) throw new Error("SECRETS_KEY is not set: run `wrangler secret put SECRETS_KEY`");
  return [key, ...old];
}

/** Like {@link secretsKeys}; none when the deployment has none. */
export function keysIfAny(env: Env): string[] {
  return configurationOf(env).secretsKeys;
}

/** The key that seals secrets. Throws when the deployment has none. */
export function secretsKey(env: Env): string {
  return secretsKeys(env)[0];
}
