import type { Format, Method, Signature } from "./wire";

/** The secrets that sign, oldest first: more than one while they are being replaced, none where nothing signs. */
export type Secrets = readonly string[];

/** A secret that is to take over, as {@link import("../lib/crypto").seal} made it, and when (ms). */
export interface LaterSecret {
  secret: string;
  from: number;
}

/** What delivering to an endpoint needs of its configuration: the endpoint object's copy of its row in D1. */
export interface EndpointSettings {
  tenant: string;
  endpoint: string;
  /** It is the address that came with one event: it is never switched off, and its tenant's secret is read for each attempt. */
  callback?: true;
  /** What its owner calls it; a callback has neither. */
  uid?: string | null;
  name?: string | null;
  /** Counts the changes of the row, so that an older copy is known as such. */
  version: number;
  url: string;
  /** The hosts at which this deployment was called when this was read; absent from copies older than the field. */
  ownHosts?: string[];
  method: Method;
  profile: string;
  format: Format;
  signature: Signature;
  /** Who the secrets are sealed for, see {@link secretOwner}. */
  owner: string;
  /** Its own headers; each value as {@link import("../lib/crypto").seal} made it. */
  sealedHeaders: Record<string, string>;
  /** The secret, sealed as well; `null`: there is none. */
  sealedSecret: string | null;
  /** The secret that takes over at `nextFrom` (ms), sealed. */
  sealedNext: string | null;
  nextFrom: number | null;
  /** Those that take over after it, in their order; absent from copies older than the field. */
  sealedLater?: LaterSecret[];
  /** Delays before the retries, in seconds. */
  retry: number[];
  /** Seconds of one attempt until the headers of its answer are there, and never more for all of it. */
  timeout: number;
  /** Length of the failure window in seconds; 0: never disable. */
  disableAfter: number;
  /** The most requests per second; `null`: no limit. */
  rateLimit: number | null;
}

/** Why an endpoint is disabled: by a person, by its failure window, or by a 410 answer. */
export type DisabledReason = "manual" | "failing" | "gone";

/** Whether an endpoint is enabled, and if not since when and why. */
export interface Enablement {
  enabled: boolean;
  disabledReason: DisabledReason | null;
  /** ms since the epoch. */
  disabledAt: number | null;
}

/** Who a secret is sealed for. */
export function secretOwner(tenant: string, endpoint: string): string {
  return `${tenant}/${endpoint}`;
}
