import { z } from "@hono/zod-openapi";
import type { EndpointRow } from "../../config/endpoints/endpoints";
import { invalid } from "../problems/problem";
import { changesOf, described, plainText } from "../spec/schemas";
import { endpointFields, MASK, MAX_METADATA, type Names, namesOf, type whole } from "./endpoint-shape";

/** A record as PATCH merges it: `null` takes a name away, and what is not named stays. */
function merging(value: z.ZodType<string, string>, name: z.ZodType<string, string> = z.string()) {
  const record = z.record(name, value.nullable()) as z.ZodType<Names<string | null>, Names<string | null>>;
  return namesOf(record, ["string", "null"]);
}

/** What PATCH takes: what is absent stays, `null` goes back to the default; `headers` and `metadata` are merged (RFC 7396). */
export const endpointPatch = changesOf(
  "EndpointPatch",
  {
    ...endpointFields,
    ...described(
      { headers: merging(z.string()), metadata: merging(plainText(512), plainText(64).min(1)) },
      {
        headers: "Headers to be merged into those that are there; the value `null` takes one away.",
        metadata: "Entries to be merged into those that are there; the value `null` takes one away.",
      },
    ),
  },
  "Changes of an endpoint. What is left out stays; `null` goes back to the default.",
);

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
