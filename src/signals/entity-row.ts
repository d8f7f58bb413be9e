import type { Firing } from "../contracts/entity";
import { readJson } from "../lib/json/exact";
import { attachedOf, type Fire } from "./forms";
import type { Emission, Judged, Pending, Remembered } from "./remembered";

export interface EntityRow {
  slot: number;
  seq: number;
  at: number;
  key: string | null;
  fingerprint: string | null;
  pending: string | null;
  data: string | null;
  outcome: string;
}

/** A row of an observation whose events are not known to be emitted, as it is known without reading it. */
export interface Waiting {
  slot: number;
  key: string | null;
  said: string | null;
  /** Of its text. */
  length: number;
}

export function toRemembered({ seq, pending, data, outcome }: EntityRow): Remembered {
  return {
    seq,
    pending: pending === null ? null : ({ ...readJson(pending), data } as Pending),
    outcome: JSON.parse(outcome) as Judged,
  };
}

export function emissionOf(rule: Firing, fire: Fire): Emission {
  const attached = attachedOf(rule, fire);
  return { rule: rule.id, event: rule.emit, ...(attached === undefined ? {} : { attached }) };
}
